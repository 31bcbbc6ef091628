"""RawData: what a source keeps, before anything is limited, scaled or copied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnspec.spec.sizes import Shape

Array = NDArray[Any]
Labels = NDArray[np.int64]

BLOCK = 2**20
"""Bytes that are read at once."""


@dataclass(frozen=True)
class StoredImages:
    """Images where they are kept: in a file, mostly. They are read from the first one on."""

    called: str
    """What messages call them."""
    count: int
    shape: Shape
    """Channels, height and width of one image."""
    white: float
    """What a pixel is divided by: its greatest value, or 1 for floats."""
    blocks: Callable[[int], Iterator[Array]]
    """Yield the first so many images in blocks of any length: (n, c, h, w), in any dtype."""
    option: str | None = None
    """The option of the source that chooses them."""


@dataclass(frozen=True)
class Part:
    """The images to train or to test on: `rows`, ascending, of those that are stored."""

    images: StoredImages
    rows: NDArray[np.int64]
    labels: Labels
    """One for each row."""

    def first(self, count: int | None) -> Part:
        """Return a part of at most the first `count` images."""
        return Part(self.images, self.rows[:count], self.labels[:count])


@dataclass(frozen=True)
class RawData:
    """What a source holds."""

    train: Part
    test: Part

    def first(self, train: int | None, test: int | None) -> RawData:
        """Return what is left of at most so many images of each part."""
        return RawData(self.train.first(train), self.test.first(test))


def whole(images: StoredImages, labels: Labels) -> Part:
    """Return the part that has every image."""
    return Part(images, np.arange(images.count), labels)


def every_fifth(images: StoredImages, labels: Labels) -> RawData:
    """Sort by class and put every fifth image into the test set: the same 80/20 every time."""
    tested = np.zeros(len(labels), bool)
    tested[np.argsort(labels, kind="stable")[::5]] = True
    train, test = np.flatnonzero(~tested), np.flatnonzero(tested)
    return RawData(Part(images, train, labels[train]), Part(images, test, labels[test]))


def rows_at_once(row_bytes: int) -> int:
    """Return how many rows make a block: at least one."""
    return max(1, BLOCK // max(1, row_bytes))
