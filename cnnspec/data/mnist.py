"""MNIST: four files of LeCun, Cortes and Burges."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from cnnspec.data.idx_set import Published, open_set
from cnnspec.data.stored import RawData
from cnnspec.spec.data import DataSource

PUBLISHED = Published(
    "MNIST",
    (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)


def open_mnist(source: DataSource, data_dir: Path) -> AbstractContextManager[RawData]:
    """Read MNIST's files."""
    return open_set(PUBLISHED, source, data_dir)
