"""Faults of pools. Arrays are the engine's: images (c, h, w, n)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnspec.backends.numpy.padding import Padding
from cnnspec.backends.numpy.pool import PoolNumPy
from cnnspec.compare.selftest.faults import Family
from cnnspec.compare.selftest.settings import (
    is_average,
    is_max,
    is_padded,
    overlaps,
    reaches_over,
)
from cnnspec.compare.selftest.windows import Cell, windows_of
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

    def __init__(self, layer: Pool, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._windows = windows_of(layer, input, output)

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        self._x, self._y = x.copy(), y.copy()
        return y

    def predict(self, x: Array) -> Array:
        return self.forward(x)

    def _zeros(self) -> Array:
        return np.zeros_like(self._x)

    def _to_first_maximum(
        self, grad_output: Array, key: Callable[[Cell], Any] | None = None
    ) -> Array:
        """Send each gradient to the first maximum of its window, in scan order or another."""
        grad = self._zeros()
        for i, j, cells in self._windows:
            pending = np.ones(grad_output[:, i, j].shape, bool)
            for y, x, *_ in sorted(cells, key=key):
                wins = pending & (self._x[:, y, x] == self._y[:, i, j])
                pending &= ~wins
                grad[:, y, x] += np.where(wins, grad_output[:, i, j], 0)
        return grad


@POOL.fault(
    "ties-to-all",
    "grad_input",
    "ties-to-all",
    at=is_max,
)
class TiesToAll(_Windows):
    """Every one of several equal maxima takes the gradient."""

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._zeros()
        for i, j, cells in self._windows:
            for y, x, *_ in cells:
                wins = self._x[:, y, x] == self._y[:, i, j]
                grad[:, y, x] += wins * grad_output[:, i, j]
        return grad


@POOL.fault(
    "ties-to-the-last",
    "grad_input",
    "ties-to-last",
    at=is_max,
)
class TiesToTheLast(_Windows):
    """The last of several equal maxima takes the gradient."""

    def input_gradient(self, grad_output: Array) -> Array:
        return self._to_first_maximum(grad_output, lambda cell: (-cell.y, -cell.x))


@POOL.fault(
    "ties-shared",
    "grad_input",
    "ties-shared",
    at=is_max,
)
class TiesShared(_Windows):
    """Several equal maxima share the gradient."""

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._zeros()
        for i, j, cells in self._windows:
            wins = [self._x[:, y, x] == self._y[:, i, j] for y, x, *_ in cells]
            count = np.sum(wins, axis=0)
            for (y, x, *_), won in zip(cells, wins):
                grad[:, y, x] += won * grad_output[:, i, j] / count
        return grad


@POOL.fault(
    "ties-by-column",
    "grad_input",
    "ties-to-first-by-column",
    at=lambda at: is_max(at) and min(pair(at.layer.kernel_size)) > 1,  # type: ignore[attr-defined]
)
class TiesByColumn(_Windows):
    """Of several equal maxima the first column's takes the gradient, not the first row's."""

    def input_gradient(self, grad_output: Array) -> Array:
        return self._to_first_maximum(grad_output, lambda cell: (cell.x, cell.y))


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
        for i, j, cells in self._windows:
            for y, x, *_ in cells:
                mask[:, y, x] |= self._x[:, y, x] == self._y[:, i, j]
        grad = self._zeros()
        for i, j, cells in self._windows:
            for y, x, *_ in cells:
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
        grad = self._zeros()
        for i, j, cells in self._windows:
            pending = np.ones(grad_output[:, i, j].shape, bool)
            for y, x, *_ in cells:
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
        grad = self._zeros()
        for i, j, cells in self._windows:
            for y, x, *_ in cells:
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
        grad = self._zeros()
        for i, j, cells in self._windows:
            y, x, *_ = cells[0]
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
        grad = self._zeros()
        for i, j, cells in self._windows:
            pending = np.ones(grad_output[0, i, j].shape, bool)
            for y, x, *_ in cells:
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
class StaleArgmax(_Windows):
    """The maxima are those of the batch before."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._last: tuple[Array, Array] | None = None

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        current = self._x, self._y
        before = current if self._last is None else self._last
        self._x, self._y = np.resize(before[0], x.shape), np.resize(before[1], y.shape)
        self._last = current
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        return self._to_first_maximum(grad_output)


@POOL.fault(
    "padding-wins",
    "output",
    "padding-wins",
    at=lambda at: is_max(at) and is_padded(at),
)
class PaddingWins(_Windows):
    """The padding counts as 0, and wins where all cells are negative."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        most = max(len(cells) for _, _, cells in self._windows)
        for i, j, cells in self._windows:
            if len(cells) < most:
                y[:, i, j] = np.maximum(y[:, i, j], 0)
        self._y = y.copy()
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        return self._to_first_maximum(grad_output)


@POOL.fault("minimum", "output", "min-for-max", at=is_max)
class Minimum(PoolNumPy):
    """The minimum of each window."""

    def forward(self, x: Array) -> Array:
        y = super().forward(-x)
        return np.negative(y, out=y)

    def predict(self, x: Array) -> Array:
        return self.forward(x)


@POOL.fault(
    "average-for-maximum",
    "output",
    "average-for-max",
    at=is_max,
)
class AverageForMaximum(PoolNumPy):
    """The average of each window, where the maximum is asked for."""

    def __init__(self, layer: Pool, *given: Any) -> None:
        super().__init__(layer.model_copy(update={"kind": "avg"}), *given)


@POOL.fault(
    "maximum-for-average",
    "output",
    "max-for-average",
    at=is_average,
)
class MaximumForAverage(PoolNumPy):
    """The maximum of each window, where the average is asked for."""

    def __init__(self, layer: Pool, *given: Any) -> None:
        super().__init__(layer.model_copy(update={"kind": "max"}), *given)


@POOL.fault(
    "padding-not-counted",
    "output",
    "padding-not-counted",
    at=_padded_average,
)
class PaddingNotCounted(_Windows):
    """The average is taken over the cells of the image alone, without the padding."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        for i, j, cells in self._windows:
            self._cells[i, j] = len(cells)


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
        grad = self._zeros()
        share = grad_output / self._cells
        for i, j, cells in self._windows:
            for y, x, *_ in cells:
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
        _, height, width = self._padding.shape
        self._padding = Padding(input, ((0, height - input[1]), (0, width - input[2])), dtype)
