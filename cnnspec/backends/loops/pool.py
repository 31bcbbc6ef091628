"""Pooling by the textbook: a loop over every window."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import Pool
from cnnspec.spec.sizes import Shape, pair
from cnnspec.trace import Array


class PoolLoops(Layer):
    """The maximum or the average of each window.

    A window is clipped to the real cells: padding never wins a maximum. An average
    divides by the number of cells of the padded input in the window.
    """

    def __init__(self, layer: Pool, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self.kind, self.kernel = layer.kind, pair(layer.kernel_size)
        self.stride, self.padding = layer.strides(), pair(layer.padding)
        self.sizes, self.output = input[1:], output

    def forward(self, x: Array) -> Array:
        self.x = x
        y = np.zeros((len(x), *self.output), x.dtype)
        for i, j in np.ndindex(self.output[1:]):
            rows, columns, cells = self._window(i, j)
            for n, c in np.ndindex(x.shape[:2]):
                window = x[n, c, rows, columns]
                y[n, c, i, j] = window.max() if self.kind == "max" else window.sum() / cells
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        grad = np.zeros_like(self.x)
        for i, j in np.ndindex(self.output[1:]):
            rows, columns, cells = self._window(i, j)
            for n, c in np.ndindex(self.x.shape[:2]):
                if self.kind == "max":
                    window = self.x[n, c, rows, columns]
                    k, l = divmod(int(window.argmax()), window.shape[1])  # the first maximum
                    grad[n, c, rows.start + k, columns.start + l] += grad_output[n, c, i, j]
                else:
                    grad[n, c, rows, columns] += grad_output[n, c, i, j] / cells
        return grad

    def _window(self, i: int, j: int) -> tuple[slice, slice, int]:
        """Return the rows and columns that output cell (i, j) sees, and its padded cells."""
        spans, cells = [], 1
        for position, size, kernel, stride, padding in zip(
            (i, j), self.sizes, self.kernel, self.stride, self.padding
        ):
            start = position * stride - padding
            stop = min(start + kernel, size + padding)
            cells *= stop - start
            spans.append(slice(max(start, 0), min(stop, size)))
        return spans[0], spans[1], cells
