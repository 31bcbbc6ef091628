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

ROWS = 2**16
"""Labels that are sorted at once."""


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
    available: int
    """How many there are: `rows` may be the first of them."""


@dataclass(frozen=True)
class RawData:
    """What a source holds, of each part as much as is asked for."""

    train: Part
    test: Part


def whole(images: StoredImages, labels: Array, first: int | None) -> Part:
    """Return every image as a part, or the `first` ones."""
    rows = np.arange(images.count if first is None else min(first, images.count))
    return Part(images, rows, labels[: len(rows)].astype(np.int64), images.count)


def every_fifth(
    images: StoredImages, labels: Array, train: int | None, test: int | None
) -> RawData:
    """Sort by class and put every fifth image into the test set: the same 80/20 every time.

    Of each part the first so many images are kept. Beside these, an image takes a byte.
    """
    tested = _fifths(labels)
    return RawData(_part(images, labels, ~tested, train), _part(images, labels, tested, test))


def _fifths(labels: Array) -> NDArray[np.bool_]:
    """Tell of each label whether its place is a multiple of five, where all are sorted stably."""
    starts = range(0, len(labels), ROWS)
    counts = np.zeros(1 + int(labels.max()), np.int64)
    for start in starts:
        block = labels[start : start + ROWS].astype(np.int64)
        counts += np.bincount(block, minlength=len(counts))
    place = np.cumsum(counts) - counts  # of the next image of each class
    fifths = np.empty(len(labels), bool)
    for start in starts:
        block = labels[start : start + ROWS].astype(np.int64)
        order = np.argsort(block, kind="stable")
        ordered = block[order]
        among_its_class = np.arange(len(block)) - np.searchsorted(ordered, ordered)
        fifths[start + order] = (place[ordered] + among_its_class) % 5 == 0
        place += np.bincount(block, minlength=len(place))
    return fifths


def _part(
    images: StoredImages, labels: Array, chosen: NDArray[np.bool_], first: int | None
) -> Part:
    rows = _rows(chosen, len(chosen) if first is None else first)
    return Part(images, rows, labels[rows].astype(np.int64), int(np.count_nonzero(chosen)))


def _rows(chosen: NDArray[np.bool_], first: int) -> NDArray[np.int64]:
    """Return the rows of the first so many that are chosen."""
    found, count = [], 0
    for start in range(0, len(chosen), ROWS):
        found.append(start + np.flatnonzero(chosen[start : start + ROWS]))
        count += len(found[-1])
        if count >= first:
            break
    return np.concatenate(found)[:first]


def rows_at_once(row_bytes: int) -> int:
    """Return how many rows make a block: at least one."""
    return max(1, BLOCK // max(1, row_bytes))
