"""The digits that the package carries (see digits.md)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cnnspec.data.stored import Array, RawData, StoredImages, every_fifth
from cnnspec.spec.data import DataSource


@contextmanager
def open_digits(source: DataSource, data_dir: Path) -> Iterator[RawData]:
    """Read the digits, of which every fifth one is tested."""
    file = Path(__file__).with_name("digits.npz")
    with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
        images, labels = arrays["images"], arrays["labels"]

    def blocks(until: int) -> Iterator[Array]:
        yield images[:until, None]

    stored = StoredImages("`digits`", len(images), (1, *images.shape[1:]), 16, blocks)
    yield every_fifth(stored, labels, source.train_samples, source.test_samples)
