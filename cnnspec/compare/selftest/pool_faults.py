"""Faults of pools. Arrays are the engine's: images (c, h, w, n)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cnnspec.backends.numpy.layers import PoolNumPy
from cnnspec.backends.numpy.windows import Offset, offsets
from cnnspec.compare.selftest.faults import Family
from cnnspec.compare.selftest.settings import (
    is_average,
    is_max,
    is_padded,
    overlaps,
    reaches_over,
)
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Pool
from cnnspec.spec.sizes import Shape, pair
from cnnspec.trace import Array

POOL = Family("pool")


def _overlapping_max(at: PlannedLayer) -> bool:
    return is_max(at) and overlaps(at)


def _overlapping_average(at: PlannedLayer) -> bool:
    return is_average(at) and overlaps(at)


def _padded_average(at: PlannedLayer) -> bool:
    return is_average(at) and is_padded(at)


class _Windows(PoolNumPy):
    """Goes through windows one by one, as the textbook's loops do."""

    def _cells_of_windows(self) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
        """Yield each window and the cells of the input that it sees, in scan order."""
        _, height, width = self._output
        for i in range(height):
            for j in range(width):
                cells = [_cell(offset, i, j) for offset in self._offsets if _serves(offset, i, j)]
                yield i, j, cells

    def _zeros(self, grad_output: Array) -> Array:
        return np.zeros((*self._input, grad_output.shape[-1]), grad_output.dtype)


def _serves(offset: Offset, i: int, j: int) -> bool:
    rows, columns = offset.output
    return bool(rows.start <= i < rows.stop and columns.start <= j < columns.stop)


def _cell(offset: Offset, i: int, j: int) -> tuple[int, int]:
    (rows, columns), (in_rows, in_columns) = offset.output, offset.input
    return (
        in_rows.start + (i - rows.start) * in_rows.step,
        in_columns.start + (j - columns.start) * in_columns.step,
    )


@POOL.fault(
    "ties-to-all",
    "grad_input",
    "ties-to-all",
    at=is_max,
)
class TiesToAll(_Windows):
    """Every one of several equal maxima takes the gradient."""

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._zeros(grad_output)
        for i, j, cells in self._cells_of_windows():
            for y, x in cells:
                wins = self._x[:, y, x] == self._y[:, i, j]
                grad[:, y, x] += wins * grad_output[:, i, j]
        return grad


@POOL.fault(
    "ties-to-the-last",
    "grad_input",
    "ties-to-last",
    at=is_max,
)
class TiesToTheLast(PoolNumPy):
    """The last of several equal maxima takes the gradient."""

    def input_gradient(self, grad_output: Array) -> Array:
        kept = self._offsets
        self._offsets = kept[::-1]
        grad = super().input_gradient(grad_output)
        self._offsets = kept
        return grad


@POOL.fault(
    "ties-shared",
    "grad_input",
    "ties-shared",
    at=is_max,
)
class TiesShared(_Windows):
    """Several equal maxima share the gradient."""

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._zeros(grad_output)
        for i, j, cells in self._cells_of_windows():
            wins = [self._x[:, y, x] == self._y[:, i, j] for y, x in cells]
            count = np.sum(wins, axis=0)
            for (y, x), won in zip(cells, wins):
                grad[:, y, x] += won * grad_output[:, i, j] / count
        return grad


@POOL.fault(
    "ties-by-column",
    "grad_input",
    "ties-to-first-by-column",
    at=lambda at: is_max(at) and min(pair(at.layer.kernel_size)) > 1,  # type: ignore[attr-defined]
)
class TiesByColumn(PoolNumPy):
    """Of several equal maxima the first column's takes the gradient, not the first row's."""

    def input_gradient(self, grad_output: Array) -> Array:
        kept = self._offsets
        self._offsets = sorted(kept, key=lambda offset: (offset.column, offset.row))
        grad = super().input_gradient(grad_output)
        self._offsets = kept
        return grad


@POOL.fault(
    "shared-mask",
    "grad_input",
    "shared-mask",
    at=_overlapping_max,
)
class SharedMask(_Windows):
    """Overlapping windows share one mask: the maximum of one takes the gradient of all it is in."""

    def input_gradient(self, grad_output: Array) -> Array:
        mask = np.zeros(self._x.shape, bool)
        for i, j, cells in self._cells_of_windows():
            for y, x in cells:
                mask[:, y, x] |= self._x[:, y, x] == self._y[:, i, j]
        grad = self._zeros(grad_output)
        for i, j, cells in self._cells_of_windows():
            for y, x in cells:
                grad[:, y, x] += mask[:, y, x] * grad_output[:, i, j]
        return grad


@POOL.fault(
    "gradient-overwritten",
    "grad_input",
    "overlaps-overwritten",
    at=_overlapping_max,
)
class GradientOverwritten(_Windows):
    """The maximum of two windows takes the gradient of the second one alone."""

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._zeros(grad_output)
        for i, j, cells in self._cells_of_windows():
            pending = np.ones(grad_output[:, i, j].shape, bool)
            for y, x in cells:
                wins = pending & (self._x[:, y, x] == self._y[:, i, j])
                pending &= ~wins
                grad[:, y, x] = np.where(wins, grad_output[:, i, j], grad[:, y, x])
        return grad


@POOL.fault(
    "gradient-to-all-cells",
    "grad_input",
    "whole-to-all",
    at=is_max,
)
class GradientToAllCells(_Windows):
    """Every cell of a window takes the gradient, whichever was the maximum."""

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._zeros(grad_output)
        for i, j, cells in self._cells_of_windows():
            for y, x in cells:
                grad[:, y, x] += grad_output[:, i, j]
        return grad


@POOL.fault(
    "gradient-to-the-first-cell",
    "grad_input",
    "one-cell",
    at=is_max,
)
class GradientToTheFirstCell(_Windows):
    """The first cell of a window takes the gradient, whichever was the maximum."""

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._zeros(grad_output)
        for i, j, cells in self._cells_of_windows():
            y, x = cells[0]
            grad[:, y, x] += grad_output[:, i, j]
        return grad


@POOL.fault(
    "argmax-of-the-first-channel",
    "grad_input",
    "argmax-of-one-channel",
    at=lambda at: is_max(at) and at.input[0] > 1,
)
class ArgmaxOfTheFirstChannel(_Windows):
    """All channels send the gradient where the first one has its maximum."""

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._zeros(grad_output)
        for i, j, cells in self._cells_of_windows():
            pending = np.ones(grad_output[0, i, j].shape, bool)
            for y, x in cells:
                wins = pending & (self._x[0, y, x] == self._y[0, i, j])
                pending &= ~wins
                grad[:, y, x] += wins * grad_output[:, i, j]
        return grad


@POOL.fault(
    "stale-argmax",
    "grad_input",
    "",
    at=is_max,
)
class StaleArgmax(PoolNumPy):
    """The maxima are those of the batch before."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._last: tuple[Array, Array] | None = None

    def forward(self, x: Array) -> Array:
        y = super().forward(x).copy()
        before = (x, y) if self._last is None else self._last
        self._x, self._y = np.resize(before[0], x.shape), np.resize(before[1], y.shape)
        self._last = x.copy(), y
        return y


@POOL.fault(
    "padding-wins",
    "output",
    "padding-wins",
    at=lambda at: is_max(at) and is_padded(at),
)
class PaddingWins(PoolNumPy):
    """The padding counts as 0, and wins where all cells are negative."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        seen = np.zeros(y.shape[1:3], int)
        for _, _, outputs, _ in self._offsets:
            seen[outputs] += 1
        padded = seen < seen.max()
        y[:, padded] = np.maximum(y[:, padded], 0)
        return y


@POOL.fault("minimum", "output", "min-for-max", at=is_max)
class Minimum(PoolNumPy):
    """The minimum of each window."""

    def forward(self, x: Array) -> Array:
        y = super().forward(-x)
        np.negative(y, out=y)
        self._x = x
        return y


@POOL.fault(
    "average-for-maximum",
    "output",
    "average-for-max",
    at=is_max,
)
class AverageForMaximum(PoolNumPy):
    """The average of each window, where the maximum is asked for."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._kind = "avg"


@POOL.fault(
    "maximum-for-average",
    "output",
    "max-for-average",
    at=is_average,
)
class MaximumForAverage(PoolNumPy):
    """The maximum of each window, where the average is asked for."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._kind = "max"


@POOL.fault(
    "padding-not-counted",
    "output",
    "padding-not-counted",
    at=_padded_average,
)
class PaddingNotCounted(PoolNumPy):
    """The average is taken over the cells of the image alone, without the padding."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._cells = np.zeros_like(self._cells)
        for _, _, outputs, _ in self._offsets:
            self._cells[outputs] += 1


@POOL.fault(
    "kernel-always-counted",
    "output",
    "divided-by-kernel",
    at=lambda at: is_average(at) and reaches_over(at),
)
class KernelAlwaysCounted(PoolNumPy):
    """The average is divided by the whole kernel where the window reaches over the edge."""

    def __init__(self, layer: Pool, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        height, width = pair(layer.kernel_size)
        self._cells = np.full_like(self._cells, height * width)


@POOL.fault("sum", "output", "sum-for-average scale", at=is_average)
class Sum(PoolNumPy):
    """The sum of each window, not divided."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._cells = np.ones_like(self._cells)


@POOL.fault(
    "gradient-not-divided",
    "grad_input",
    "not-divided scale",
    at=is_average,
)
class GradientNotDivided(PoolNumPy):
    """The gradient of the average is not divided by the cells."""

    def input_gradient(self, grad_output: Array) -> Array:
        return super().input_gradient(grad_output * self._cells)


@POOL.fault(
    "gradient-divided-twice",
    "grad_input",
    "divided-twice scale",
    at=is_average,
)
class GradientDividedTwice(PoolNumPy):
    """The gradient of the average is divided by the cells twice."""

    def input_gradient(self, grad_output: Array) -> Array:
        return super().input_gradient(grad_output / self._cells)


@POOL.fault(
    "average-gradient-overwritten",
    "grad_input",
    "overlaps-overwritten",
    at=_overlapping_average,
)
class AverageGradientOverwritten(_Windows):
    """The gradients of overlapping windows overwrite each other."""

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._zeros(grad_output)
        share = grad_output / self._cells
        for i, j, cells in self._cells_of_windows():
            for y, x in cells:
                grad[:, y, x] = share[:, i, j]
        return grad


@POOL.fault(
    "windows-shifted",
    "output",
    "padding-other-side padding-ignored shifted",
    at=_padded_average,
)
class WindowsShifted(PoolNumPy):
    """Windows start at the first cell of the image, whatever the padding."""

    def __init__(self, layer: Pool, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._offsets = offsets(
            (input[1], input[2]),
            (output[1], output[2]),
            kernel=pair(layer.kernel_size),
            stride=layer.strides(),
            padding=(0, 0),
        )
