"""Faults planted into pools. Arrays are the engine's: images (c, h, w, n)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnspec.backends.numpy.padding import Padding
from cnnspec.backends.numpy.pool import PoolNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.compare.planted.windows import (
    Cell,
    axes_of,
    has_kernel,
    is_padded,
    overlaps,
    windows_of,
)
from cnnspec.compare.planted.wrong import received, stale
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Pool
from cnnspec.spec.sizes import Shape, pair
from cnnspec.trace import Array


def drawn(draw: Draw, input: Shape) -> Pool:
    """Draw a pool, of which any option may be set."""
    _, height, width = input
    # One more than the image has: with padding, or in ceil_mode, such a window may fit.
    rows, columns = draw.sizes(1, (min(height + 1, 4), min(width + 1, 4)))
    return Pool(
        kind=draw.one_of(["max", "avg"]),
        kernel_size=(rows, columns),
        stride=None if draw.yes() else draw.sizes(1, (3, 3)),
        padding=draw.sizes(0, (rows // 2, columns // 2)),
        ceil_mode=draw.yes(),
    )


POOL = LayerFamily("pool", drawn)


def _layer(at: PlannedLayer) -> Pool:
    assert isinstance(at.layer, Pool)
    return at.layer


def is_max(at: PlannedLayer) -> bool:
    """Tell whether the maximum is taken, of more than one cell."""
    return _layer(at).kind == "max" and has_kernel(at)


def is_average(at: PlannedLayer) -> bool:
    """Tell whether the average is taken, of more than one cell."""
    return _layer(at).kind == "avg" and has_kernel(at)


def reaches_over(at: PlannedLayer) -> bool:
    """Tell whether `ceil_mode` keeps a window that reaches over the padded edge."""
    return any(
        (count - 1) * axis.stride + axis.kernel > size + sum(axis.padding)
        for axis, size, count in axes_of(at)
    )


def _overlapping_max(at: PlannedLayer) -> bool:
    return is_max(at) and overlaps(at)


def _padded_average(at: PlannedLayer) -> bool:
    return is_average(at) and is_padded(at)


class _Windows(PoolNumPy):
    """Goes through windows one by one, as the textbook's loops do."""

    def __init__(self, layer: Pool, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._windows = windows_of(layer, input, output)


Shares = Callable[[Array, list[Cell]], Array]
"""What of a window's gradient each cell takes: from (cells, c, n) and the cells, (cells, c, n)."""


def routed(layer: _Windows, grad_output: Array, shares: Shares, *, add: bool = True) -> Array:
    """Send the gradient of each window to its cells; or set those that take any."""
    x = received(layer)
    grad = np.zeros_like(x)
    for i, j, cells in layer._windows:
        seen = np.stack([x[:, cell.y, cell.x] for cell in cells])
        for cell, share in zip(cells, shares(seen, cells)):
            before = grad[:, cell.y, cell.x]
            kept = before if add else np.where(share, 0, before)
            grad[:, cell.y, cell.x] = kept + share * grad_output[:, i, j]
    return grad


def every_maximum(seen: Array, cells: list[Cell]) -> Array:
    """Return 1 for every maximum of a window."""
    wins: Array = np.equal(seen, seen.max(axis=0)).astype(seen.dtype)
    return wins


def first_maximum(seen: Array, cells: list[Cell]) -> Array:
    """Return 1 for the first maximum of a window, in the order of the cells."""
    cell = np.arange(len(seen)).reshape(-1, *[1] * (seen.ndim - 1))
    wins: Array = np.equal(cell, seen.argmax(axis=0)).astype(seen.dtype)
    return wins


@POOL.wrong("ties-to-all", "grad_input", "ties-to-all", at=is_max, layer=_Windows)
def ties_to_all(layer: _Windows, grad_output: Array, right: Array) -> Array:
    """Every one of several equal maxima takes the gradient."""
    return routed(layer, grad_output, every_maximum)


def _has_windows(at: PlannedLayer) -> bool:
    return is_max(at) and at.output[1] * at.output[2] > 1


@POOL.wrong(
    "returns-in-the-first-window", "grad_input", "windows-left-out", at=_has_windows, layer=_Windows
)
def returns_in_the_first_window(layer: _Windows, grad_output: Array, right: Array) -> Array:
    """The loop over windows returns in its first round."""
    first = np.zeros_like(grad_output)
    first[:, 0, 0] = grad_output[:, 0, 0]
    return routed(layer, first, first_maximum)


@POOL.wrong("ties-to-the-last", "grad_input", "ties-to-last", at=is_max, layer=_Windows)
def ties_to_the_last(layer: _Windows, grad_output: Array, right: Array) -> Array:
    """The last of several equal maxima takes the gradient."""
    return routed(layer, grad_output, lambda seen, cells: first_maximum(seen[::-1], cells)[::-1])


@POOL.wrong("ties-shared", "grad_input", "ties-shared", at=is_max, layer=_Windows)
def ties_shared(layer: _Windows, grad_output: Array, right: Array) -> Array:
    """Several equal maxima share the gradient."""

    def shares(seen: Array, cells: list[Cell]) -> Array:
        every = every_maximum(seen, cells)
        shared: Array = every / every.sum(axis=0)
        return shared

    return routed(layer, grad_output, shares)


@POOL.wrong(
    "ties-by-column",
    "grad_input",
    "ties-to-first-by-column",
    at=lambda at: is_max(at) and all(axis.kernel > 1 for axis, _, _ in axes_of(at)),
    layer=_Windows,
)
def ties_by_column(layer: _Windows, grad_output: Array, right: Array) -> Array:
    """Of several equal maxima the first column's takes the gradient, not the first row's."""

    def shares(seen: Array, cells: list[Cell]) -> Array:
        order = sorted(range(len(cells)), key=lambda index: (cells[index].x, cells[index].y))
        found = np.empty_like(seen)
        found[order] = first_maximum(seen[order], cells)
        return found

    return routed(layer, grad_output, shares)


@POOL.wrong("shared-mask", "grad_input", "shared-mask", at=_overlapping_max, layer=_Windows)
def shared_mask(layer: _Windows, grad_output: Array, right: Array) -> Array:
    """Overlapping windows share one mask: the maximum of one takes the gradient of all it is in."""
    mask = routed(layer, np.ones_like(grad_output), every_maximum) > 0
    return mask * routed(layer, grad_output, lambda seen, cells: np.ones_like(seen))


@POOL.wrong(
    "gradient-overwritten",
    "grad_input",
    "overlaps-overwritten",
    at=_overlapping_max,
    layer=_Windows,
)
def gradient_overwritten(layer: _Windows, grad_output: Array, right: Array) -> Array:
    """The maximum of two windows takes the gradient of the second one alone."""
    return routed(layer, grad_output, first_maximum, add=False)


@POOL.wrong("gradient-to-all-cells", "grad_input", "whole-to-all", at=is_max, layer=_Windows)
def gradient_to_all_cells(layer: _Windows, grad_output: Array, right: Array) -> Array:
    """Every cell of a window takes the gradient, whichever was the maximum."""
    return routed(layer, grad_output, lambda seen, cells: np.ones_like(seen))


@POOL.wrong("gradient-to-the-first-cell", "grad_input", "one-cell", at=is_max, layer=_Windows)
def gradient_to_the_first_cell(layer: _Windows, grad_output: Array, right: Array) -> Array:
    """The first cell of a window takes the gradient, whichever was the maximum."""
    return routed(layer, grad_output, lambda seen, cells: first_maximum(0 * seen, cells))


@POOL.wrong(
    "argmax-of-the-first-channel",
    "grad_input",
    "argmax-of-one-channel",
    at=lambda at: is_max(at) and at.input[0] > 1,
    layer=_Windows,
)
def argmax_of_the_first_channel(layer: _Windows, grad_output: Array, right: Array) -> Array:
    """All channels send the gradient where the first one has its maximum."""

    def shares(seen: Array, cells: list[Cell]) -> Array:
        return np.broadcast_to(first_maximum(seen[:, :1], cells), seen.shape)

    return routed(layer, grad_output, shares)


POOL.fault("stale-argmax", "grad_input", at=is_max)(stale(PoolNumPy, "input_gradient"))


@POOL.fault("padding-wins", "output", "padding-wins", at=lambda at: is_max(at) and is_padded(at))
class PaddingWins(_Windows):
    """The padding counts as 0, and wins where all cells are negative."""

    def forward(self, x: Array) -> Array:
        self.received = x.copy()
        y = super().forward(x)
        most = max(len(cells) for _, _, cells in self._windows)
        clipped = np.zeros(y.shape[1:3], bool)
        for i, j, cells in self._windows:
            clipped[i, j] = len(cells) < most
        self._lost = clipped[:, :, None] & (y < 0)
        return np.where(self._lost, 0, y).astype(y.dtype)

    def predict(self, x: Array) -> Array:
        return self.forward(x)

    def input_gradient(self, grad_output: Array) -> Array:
        return routed(self, np.where(self._lost, 0, grad_output), first_maximum)


@POOL.wrong("minimum", "output", "min-for-max", at=is_max)
def minimum(layer: PoolNumPy, x: Array, right: Array) -> Array:
    """The minimum of each window."""
    return -PoolNumPy.forward(layer, -x)


class _OfKind(PoolNumPy):
    """Pools in another way than is asked for."""

    kind = "max"

    def __init__(self, layer: Pool, *given: Any) -> None:
        super().__init__(layer.model_copy(update={"kind": self.kind}), *given)


@POOL.fault("average-for-maximum", "output", "average-for-max", at=is_max)
class AverageForMaximum(_OfKind):
    """The average of each window, where the maximum is asked for."""

    kind = "avg"


@POOL.fault("maximum-for-average", "output", "max-for-average", at=is_average)
class MaximumForAverage(_OfKind):
    """The maximum of each window, where the average is asked for."""

    kind = "max"


@POOL.fault("padding-not-counted", "output", "padding-not-counted", at=_padded_average)
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

    def __init__(self, layer: Pool, *given: Any) -> None:
        super().__init__(layer, *given)
        height, width = pair(layer.kernel_size)
        self._cells[...] = height * width


@POOL.fault("sum", "output", "sum-for-average scale", at=is_average)
class Sum(PoolNumPy):
    """The sum of each window, not divided."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._cells[...] = 1


@POOL.wrong("gradient-not-divided", "grad_input", "not-divided scale", at=is_average)
def gradient_not_divided(layer: PoolNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the average is not divided by the cells."""
    return PoolNumPy.input_gradient(layer, grad_output * layer._cells)


@POOL.wrong("gradient-divided-twice", "grad_input", "divided-twice scale", at=is_average)
def gradient_divided_twice(layer: PoolNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the average is divided by the cells twice."""
    return PoolNumPy.input_gradient(layer, grad_output / layer._cells)


@POOL.wrong(
    "average-gradient-overwritten",
    "grad_input",
    "overlaps-overwritten",
    at=lambda at: is_average(at) and overlaps(at),
    layer=_Windows,
)
def average_gradient_overwritten(layer: _Windows, grad_output: Array, right: Array) -> Array:
    """The gradients of overlapping windows overwrite each other."""
    share = grad_output / layer._cells
    return routed(layer, share, lambda seen, cells: np.ones_like(seen), add=False)


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
