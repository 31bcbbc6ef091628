"""Pooling along one axis after the other, and the way back."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.backends.numpy.padding import Padding
from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import Pool
from cnnspec.spec.sizes import Pair, Shape, pair
from cnnspec.trace import Array

FEW = 8
"""Images up to which a prediction slides: with more, runs of memory are long without that."""

SLIDES = 1 << 20
"""Numbers up to which it does: more would come from memory, for maxima that nobody wants."""


class PoolNumPy(Layer):
    """The maximum or the average of each window.

    The maximum of a window is the greatest of its rows' maxima, and its sum the sum of their
    sums: kh + kw steps instead of kh * kw. The maximum of a window that holds a NaN is NaN, and
    which of its cells takes the gradient is not said.
    """

    def __init__(self, layer: Pool, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._kind = layer.kind
        kernel, strides, padding = pair(layer.kernel_size), layer.strides(), pair(layer.padding)
        sizes = zip(input[1:], output[1:], kernel, strides, padding)
        (rows, cells_high), (columns, cells_wide) = (_around(*axis) for axis in sizes)
        self._padding = Padding(
            input, (rows, columns), dtype, value=-np.inf if layer.kind == "max" else 0
        )
        self._along_height, self._along_width = (
            Along(axis + 1, output[axis + 1], kernel[axis], strides[axis], padding[axis], dtype)
            for axis in (0, 1)
        )
        self._cells = np.outer(cells_high, cells_wide).astype(dtype)[:, :, None]
        self._workspace = Workspace(dtype)

    def forward(self, x: Array) -> Array:
        padded = self._padding.pad(x)
        if self._kind == "max":  # columns first: of equal maxima, the first in scan order wins
            of_rows = self._along_width.maxima(padded, remember=True)
            return self._along_height.maxima(of_rows, remember=True)
        return self._averages(padded)

    def predict(self, x: Array) -> Array:
        padded = self._padding.pad(x)
        if self._kind == "avg":
            return self._averages(padded)
        if x.shape[-1] <= FEW and padded.size <= SLIDES:
            return self._wanted_maxima(padded)
        # rows first: their cells lie side by side
        return self._along_width.maxima(self._along_height.maxima(padded))

    def input_gradient(self, grad_output: Array) -> Array:
        height, width = self._padding.shape[1:]
        if self._kind == "max":
            of_rows = self._along_height.to_maxima(grad_output, height)
            return self._padding.crop(self._along_width.to_maxima(of_rows, width))
        of_rows = self._along_height.to_all(grad_output / self._cells, height)
        return self._padding.crop(self._along_width.to_all(of_rows, width))

    def _wanted_maxima(self, padded: Array) -> Array:
        """Return the maximum of each window, of one that slides from cell to cell.

        That is several times too many, but in long runs of memory, and without masks.
        """
        *_, width, batch = padded.shape
        of_rows = self._along_width.sliding_maxima(padded.reshape(-1), batch)
        every = self._along_height.sliding_maxima(of_rows, width * batch).reshape(padded.shape)
        wanted = every[self._along_height.starts][self._along_width.starts]
        y = self._workspace.array("wanted", wanted.shape)
        np.copyto(y, wanted)
        return y

    def _averages(self, padded: Array) -> Array:
        sums = self._along_height.sums(self._along_width.sums(padded))
        sums /= self._cells
        return sums


def _around(
    size: int, windows: int, kernel: int, stride: int, padding: int
) -> tuple[Pair, list[int]]:
    """Return what windows along one axis need before and after, and how many cells each counts.

    Beyond the padding, where `ceil_mode` keeps a window, there is nothing to count.
    """
    starts = [window * stride - padding for window in range(windows)]
    after = max(0, starts[-1] + kernel - size)
    return (padding, after), [min(start + kernel, size + padding) - start for start in starts]


class Along:
    """Windows along one axis of arrays (c, h, w, n): cell k sees x[k], x[k + stride], ..."""

    def __init__(
        self, axis: int, windows: int, kernel: int, stride: int, padding: int, dtype: np.dtype
    ) -> None:
        """`padding` is what lies before the images, along the axis."""
        self._axis, self._windows, self._kernel = axis, windows, kernel
        self._overlaps = stride < kernel
        before: tuple[Any, ...] = (slice(None),) * axis
        ends = [cell + (windows - 1) * stride + 1 for cell in range(kernel)]
        self._cells = [(*before, slice(cell, end, stride)) for cell, end in enumerate(ends)]
        self.starts = self._cells[0]
        """Index of the first cell of each window."""
        self._first_inside = {
            padding - window * stride: (*before, window)
            for window in range(windows)
            if window * stride < padding
        }
        """The cell that is the first one inside the images, for windows that begin before."""
        self._workspace, self._masks = Workspace(dtype), Workspace(bool)
        self._bits = np.dtype(f"i{dtype.itemsize}")

    def maxima(self, x: Array, *, remember: bool = False) -> Array:
        """Return the maximum of each window; `remember` where it was, for `to_maxima`."""
        y = self._pooled(x)
        best = x[self._cells[0]]
        for cell in range(1, self._kernel):
            candidate = x[self._cells[cell]]
            if remember:  # the first of equal maxima stays
                beats = np.greater(candidate, best, out=self._beats(cell, y.shape))
                if cell in self._first_inside:  # padding does not even win against -inf
                    beats[self._first_inside[cell]] = True
            best = np.maximum(best, candidate, out=y)
        if best is not y:
            np.copyto(y, best)
        return y

    def sliding_maxima(self, flat: Array, apart: int) -> Array:
        """Return the maximum of a window that begins at each cell of a flat array.

        The cells of a window lie so far `apart`. One that reaches beyond the axis has any value.
        """
        y = flat
        for cell in range(1, self._kernel):
            ahead, before = flat[cell * apart :], y
            y = self._workspace.array("sliding", flat.shape)
            np.maximum(before[: len(ahead)], ahead, out=y[: len(ahead)])
        return y

    def to_maxima(self, grad_output: Array, size: int) -> Array:
        """Send each gradient to the first maximum of its window.

        A cell that beat all before it takes the gradient away from them. It is passed on as
        whole numbers, its bits times 1 or 0: as floats, an infinite gradient times 0 is NaN.
        """
        grad = self._spread(grad_output, size)
        bits, rest = grad.view(self._bits), grad_output.view(self._bits)
        taken = self._workspace.array("taken", grad_output.shape).view(self._bits)
        left = self._workspace.array("left", grad_output.shape).view(self._bits)
        for cell in reversed(range(1, self._kernel)):
            beats = self._beats(cell, grad_output.shape)
            if self._overlaps:
                np.multiply(rest, beats, out=taken)
                self._give(grad, cell, taken.view(grad.dtype))
                rest = np.bitwise_xor(rest, taken, out=left)
            else:
                took = np.multiply(rest, beats, out=bits[self._cells[cell]])
                rest = np.bitwise_xor(rest, took, out=left if cell > 1 else bits[self._cells[0]])
        if self._overlaps or self._kernel == 1:
            self._give(grad, 0, rest.view(grad.dtype))
        return grad

    def sums(self, x: Array) -> Array:
        """Return the sum of each window."""
        y = self._pooled(x)
        np.copyto(y, x[self._cells[0]])
        for cell in range(1, self._kernel):
            y += x[self._cells[cell]]
        return y

    def to_all(self, grad_output: Array, size: int) -> Array:
        """Send each gradient to all cells of its window."""
        grad = self._spread(grad_output, size)
        for cell in range(self._kernel):
            self._give(grad, cell, grad_output)
        return grad

    def _beats(self, cell: int, shape: Shape) -> Array:
        """Return the mask of the windows where a cell was greater than all before it."""
        return self._masks.array(f"cell {cell}", shape)

    def _pooled(self, x: Array) -> Array:
        return self._workspace.array("pooled", self._resized(x, self._windows))

    def _spread(self, grad_output: Array, size: int) -> Array:
        grad = self._workspace.array("grad", self._resized(grad_output, size))
        if self._overlaps or size != self._windows * self._kernel:
            grad.fill(0)
        return grad

    def _give(self, grad: Array, cell: int, part: Array) -> None:
        if self._overlaps:
            grad[self._cells[cell]] += part
        else:
            grad[self._cells[cell]] = part

    def _resized(self, array: Array, size: int) -> Shape:
        return (*array.shape[: self._axis], size, *array.shape[self._axis + 1 :])
