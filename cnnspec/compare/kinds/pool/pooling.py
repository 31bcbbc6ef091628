"""Pooling by its definition, with everything in it open to change.

Arrays of windows are (taps, n, c, h_out, w_out): what each tap of the window meets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cnnspec.compare.faults.fault import LayerSituation
from cnnspec.numerics.budget import Exact
from cnnspec.spec.layers import Pool
from cnnspec.spec.sizes import Pair, pair

Mask: TypeAlias = NDArray[np.bool_]

EXTRA_ROUNDINGS = 4


@dataclass(frozen=True)
class Pooling:
    """What a pooling layer is given: x (n, c, h, w) and g (n, c, h_out, w_out)."""

    x: Exact
    grad_output: Exact
    kind: Literal["max", "avg"]
    kernel: Pair
    stride: Pair
    padding: Pair
    """Before the first cell of each axis."""
    padding_after: Pair
    counts: Pair
    """Windows along the height and along the width."""

    @classmethod
    def of(cls, situation: LayerSituation) -> Self:
        """Return what a pooling layer is given."""
        layer = situation.at.layer
        assert isinstance(layer, Pool)
        _, *counts = situation.at.output
        padding = pair(layer.padding)
        return cls(
            situation.x,
            situation.grad_output,
            layer.kind,
            pair(layer.kernel_size),
            layer.strides(),
            padding,
            padding,
            (counts[0], counts[1]),
        )

    @property
    def geometry(self) -> tuple[Pair, ...]:
        """Return all that says where the windows are."""
        return self.kernel, self.stride, self.padding, self.padding_after, self.counts

    @property
    def roundings(self) -> int:
        """Return how many roundings a term can meet, of a window's sum or of a cell's."""
        return math.prod(self.kernel) + EXTRA_ROUNDINGS

    def windows(self, outside: float) -> Exact:
        """Return what each tap meets, with `outside` where that is no real cell."""
        sizes = self._sizes()
        (height, width), (top, left) = self.x.shape[2:], self.padding
        cells = np.full((*self.x.shape[:2], *sizes), float(outside))
        cells[:, :, top : top + height, left : left + width] = self.x[
            :, :, : sizes[0] - top, : sizes[1] - left
        ]
        return np.stack([cells[tap] for tap in self._taps()])

    def real(self) -> Mask:
        """Tell which taps meet a real cell: (taps, 1, 1, h_out, w_out)."""
        return self._within((0, 0))

    def padded(self) -> Mask:
        """Tell which taps meet a real or a padded cell, and none that `ceil_mode` adds."""
        return self._within(self.padding, self.padding_after)

    def maximum(self) -> Mask:
        """Tell which taps meet the greatest real cell of their window."""
        windows = self.windows(-np.inf)
        greatest: Mask = (windows == windows.max(axis=0)) & self.real()
        return greatest

    def spread(self, shares: Exact, *, overlaps: str = "sum") -> Exact:
        """Bring each tap's share of a window to its cell: (taps, n, c, ...) -> (n, c, h, w).

        Where windows overlap, shares are added; or the `last` or the `first` window, in scan
        order, is the one that counts. A NaN is no share at all.
        """
        grad = np.zeros((*shares.shape[1:3], *self._sizes()))
        taps = list(zip(self._taps(), shares))
        # Of two windows over a cell the later one meets it with the smaller tap.
        for tap, share in reversed(taps) if overlaps == "last" else taps:
            before = grad[tap]
            written = before + share if overlaps == "sum" else share
            grad[tap] = np.where(np.isnan(share), before, written)
        (top, left), (height, width) = self.padding, self.x.shape[2:]
        found = np.zeros((*grad.shape[:2], height, width))
        inside = grad[:, :, top : top + height, left : left + width]
        found[:, :, : inside.shape[2], : inside.shape[3]] = inside
        return found

    def _sizes(self) -> tuple[int, int]:
        """Return how many cells, real or not, the windows reach over and the image needs."""
        height, width = (
            max((n - 1) * s + k, before + size)
            for n, s, k, before, size in zip(
                self.counts, self.stride, self.kernel, self.padding, self.x.shape[2:]
            )
        )
        return height, width

    def _taps(self) -> Iterator[tuple[slice, ...]]:
        for k, l in np.ndindex(*self.kernel):
            rows, columns = (
                slice(tap, tap + max(0, (n - 1) * s + 1), s)
                for tap, n, s in zip((k, l), self.counts, self.stride)
            )
            yield (slice(None), slice(None), rows, columns)

    def _within(self, before: Pair, after: Pair = (0, 0)) -> Mask:
        rows, columns = (
            _inside(n, s, k, pad, size, b, a)
            for n, s, k, pad, size, b, a in zip(
                self.counts,
                self.stride,
                self.kernel,
                self.padding,
                self.x.shape[2:],
                before,
                after,
            )
        )
        cells: Mask = rows[:, None, :, None] & columns[None, :, None, :]
        return cells.reshape(-1, 1, 1, *self.counts)


def _inside(
    windows: int, stride: int, kernel: int, padding: int, size: int, before: int, after: int
) -> Mask:
    """Tell, along one axis, which (tap, window) meets a cell from -before to size + after."""
    cell = np.arange(kernel)[:, None] + stride * np.arange(windows) - padding
    inside: Mask = (cell >= -before) & (cell < size + after)
    return inside


def first(mask: Mask) -> Mask:
    """Keep the first tap that is marked in each window."""
    kept: Mask = mask & (np.cumsum(mask, axis=0) == 1)
    return kept


def last(mask: Mask) -> Mask:
    """Keep the last tap that is marked in each window."""
    kept: Mask = first(mask[::-1])[::-1]
    return kept


def area(pooling: Pooling) -> float:
    """Return the cells of a kernel."""
    return float(np.prod(pooling.kernel))


def real_cells(pooling: Pooling) -> Exact:
    """Return the real cells in each window."""
    return np.asarray(pooling.real().sum(axis=0), np.float64)


def padded_cells(pooling: Pooling) -> Exact:
    """Return the real and padded cells in each window: what an average divides by."""
    return np.asarray(pooling.padded().sum(axis=0), np.float64)


Forward: TypeAlias = Callable[[Pooling], Exact]


def greatest(outside: float) -> Forward:
    """Return the greatest of each window, with a number where there is no real cell."""
    return lambda pooling: np.asarray(pooling.windows(outside).max(axis=0))


def mean_over(cells: Callable[[Pooling], Exact | float]) -> Forward:
    """Return the sum of each window over a number of cells."""
    return lambda pooling: pooling.windows(0).sum(axis=0) / cells(pooling)


SUM = mean_over(lambda _: 1.0)
FORWARD: dict[str, Forward] = {"max": greatest(-np.inf), "avg": mean_over(padded_cells)}

Route: TypeAlias = Callable[[Pooling], Exact]
"""The share of a window's gradient that each tap takes: (taps, n, c, h_out, w_out)."""


def averaging(pooling: Pooling) -> Exact:
    """Return one over the cells of the padded input in each window, at each tap of it."""
    return np.broadcast_to(1 / pooling.padded().sum(axis=0), pooling.windows(0).shape)


def to_the_first(pooling: Pooling) -> Exact:
    """Return 1 at the first maximum of each window."""
    return first(pooling.maximum()).astype(np.float64)


ROUTE: dict[str, Route] = {"max": to_the_first, "avg": averaging}
