"""FashionMNIST: four files of Zalando Research, named like MNIST's."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from cnnspec.data.idx_set import Published, open_set
from cnnspec.data.stored import RawData
from cnnspec.spec.data import DataSource

PUBLISHED = Published(
    "FashionMNIST",
    (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
)


def open_fashion_mnist(source: DataSource, data_dir: Path) -> AbstractContextManager[RawData]:
    """Read the files of Fashion-MNIST."""
    return open_set(PUBLISHED, source, data_dir)
