"""Shares of a batch that are left out: loops that return too early, or overwrite what they add to.

Loops over a batch run over images, channels, and rows and columns of windows, one in the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cnnspec.numerics.budget import Exact

ENDS = {
    "first": (slice(0, 1), "does the loop return in its first round?"),
    "last": (slice(-1, None), "each round may overwrite what the rounds before it gave"),
}
CODES = ("images-left-out", "channels-left-out", "windows-left-out", "windows-left-out")
"""By the axis of the outer loop that ends too early."""
ROW, WINDOW = (2,), (2, 3)


@dataclass(frozen=True)
class Kept:
    """One share that counts, of an array whose axes are images, channels, rows and columns."""

    code: str
    sentence: str
    axes: tuple[int, ...]
    end: slice

    def __call__(self, array: Exact) -> Exact:
        """Put zeros in place of all others."""
        kept, at = np.zeros_like(array), [slice(None)] * array.ndim
        for axis in self.axes:
            at[axis] = self.end
        kept[tuple(at)] = array[tuple(at)]
        return kept


def kept_shares(channel: str) -> Iterator[Kept]:
    """Yield the images and channels that loops may keep; `channel` is what axis 1 is called."""
    for which in ENDS:
        for axes, words in _outer(which, channel).items():
            yield _kept(axes, which, " of the ".join(words))


def kept_windows(channel: str) -> Iterator[Kept]:
    """Yield the windows that loops may keep, of all images and channels or of one."""
    for which in ENDS:
        for axes, window in ((WINDOW, "window"), (ROW, "row of windows")):
            yield _kept(axes, which, f"{which} {window}")
            for outer, words in _outer(which, channel).items():
                yield _kept((*outer, *axes), which, " of the ".join([f"{which} {window}", *words]))


def _outer(which: str, channel: str) -> dict[tuple[int, ...], list[str]]:
    image, one = f"{which} image", f"{which} {channel}"
    return {(0,): [image], (1,): [one], (0, 1): [one, image]}


def _kept(axes: tuple[int, ...], which: str, words: str) -> Kept:
    end, why = ENDS[which]
    return Kept(CODES[axes[-1]], f"only the {words} counts: {why}", axes, end)
