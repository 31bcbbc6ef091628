"""The layers of the fast engine, in plain NumPy.

Inside, the batch is the last axis: images are (c, h, w, n), features (f, n). Then
shifted windows copy in long runs, every product is one matrix product that comes out
in layout, and flatten is free. Arrays that a layer returns live in its workspace,
until its next call.
"""

from __future__ import annotations

import numpy as np

from cnnspec.backends.chain import Layer
from cnnspec.backends.numpy.windows import offsets
from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.spec.layers import Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.sizes import Shape, pair
from cnnspec.trace import Array


class ConvNumPy(Layer):
    """Convolution as one matrix product for each group.

    The columns hold, for each output cell, the inputs it sees:
    y (o, oh*ow*n) = W (o, c*kh*kw) @ columns (c*kh*kw, oh*ow*n).
    """

    def __init__(self, layer: Conv, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._workspace = Workspace(dtype)
        self._input, self._output, self._groups = input, output, layer.groups
        self._kernel = pair(layer.kernel_size)
        (top, _), (left, _) = layer.pads()
        self._offsets = offsets(
            (input[1], input[2]),
            (output[1], output[2]),
            kernel=self._kernel,
            stride=pair(layer.stride),
            padding=(top, left),
            dilation=pair(layer.dilation),
        )

    def forward(self, x: Array) -> Array:
        self._columns = self._gather(x)
        batch = x.shape[-1]
        y = self._workspace.array("y", (*self._output, batch))
        np.matmul(self._filters(), self._columns, out=self._by_group(y))
        if "bias" in self.parameters:
            y += self.parameters["bias"][:, None, None, None]
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        batch = grad_output.shape[-1]
        columns = self._workspace.array("grad_columns", self._columns_shape(batch))
        flat = columns.reshape(self._columns.shape)
        np.matmul(self._filters().transpose(0, 2, 1), self._by_group(grad_output), out=flat)
        grad = self._workspace.array("grad_input", (*self._input, batch))
        grad.fill(0)
        for row, column, outputs, inputs in self._offsets:
            grad[:, *inputs] += columns[:, row, column, *outputs]
        return grad

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        grad = self._by_group(grad_output)
        weight = np.matmul(grad, self._columns.transpose(0, 2, 1))
        gradients = {"weight": weight.reshape(self.parameters["weight"].shape)}
        if "bias" in self.parameters:
            gradients["bias"] = grad.sum(axis=2).reshape(-1)
        return gradients

    def _gather(self, x: Array) -> Array:
        """Copy the inputs that each output cell sees; what falls on padding stays 0."""
        columns = self._workspace.array("columns", self._columns_shape(x.shape[-1]))
        for row, column, outputs, inputs in self._offsets:
            columns[:, row, column, *outputs] = x[:, *inputs]
        _, height, width = self._output
        return columns.reshape(self._groups, -1, height * width * x.shape[-1])

    def _columns_shape(self, batch: int) -> Shape:
        return (self._input[0], *self._kernel, *self._output[1:], batch)

    def _filters(self) -> Array:
        weight = self.parameters["weight"]
        return weight.reshape(self._groups, len(weight) // self._groups, -1)

    def _by_group(self, y: Array) -> Array:
        return y.reshape(self._groups, len(y) // self._groups, -1)


class PoolNumPy(Layer):
    """The maximum or the average of each window, one cell of the kernel at a time.

    A window that holds a NaN has no maximum, and sends its gradient nowhere.
    """

    def __init__(self, layer: Pool, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._workspace = Workspace(dtype)
        self._kind, self._input, self._output = layer.kind, input, output
        kernel, strides, padding = pair(layer.kernel_size), layer.strides(), pair(layer.padding)
        self._offsets = offsets(
            (input[1], input[2]),
            (output[1], output[2]),
            kernel=kernel,
            stride=strides,
            padding=padding,
        )
        heights, widths = (
            _window_lengths(*axis) for axis in zip(input[1:], output[1:], kernel, strides, padding)
        )
        self._cells = np.outer(heights, widths).astype(dtype)[:, :, None]

    def forward(self, x: Array) -> Array:
        self._x = x
        y = self._y = self._workspace.array("y", (*self._output, x.shape[-1]))
        if self._kind == "max":
            y.fill(-np.inf)
            for _, _, outputs, inputs in self._offsets:
                seen = y[:, *outputs]
                np.maximum(seen, x[:, *inputs], out=seen)
        else:
            y.fill(0)
            for _, _, outputs, inputs in self._offsets:
                y[:, *outputs] += x[:, *inputs]
            y /= self._cells
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._workspace.array("grad_input", (*self._input, grad_output.shape[-1]))
        grad.fill(0)
        if self._kind == "max":
            self._route_to_first_maximum(grad, grad_output)
        else:
            share = grad_output / self._cells
            for _, _, outputs, inputs in self._offsets:
                grad[:, *inputs] += share[:, *outputs]
        return grad

    def _route_to_first_maximum(self, grad: Array, grad_output: Array) -> None:
        pending = np.ones(grad_output.shape, bool)
        for _, _, outputs, inputs in self._offsets:
            open_windows = pending[:, *outputs]
            wins = (self._x[:, *inputs] == self._y[:, *outputs]) & open_windows
            open_windows ^= wins
            grad[:, *inputs] += np.where(wins, grad_output[:, *outputs], 0)


def _window_lengths(size: int, windows: int, kernel: int, stride: int, padding: int) -> list[int]:
    """Count the cells of the padded input in each window along one axis."""
    starts = [window * stride - padding for window in range(windows)]
    return [min(start + kernel, size + padding) - start for start in starts]


class ReLUNumPy(Layer):
    """max(x, 0).

    The gradient is masked as whole numbers: its bits times 1 or 0. As floats, an infinite
    gradient times 0 would be NaN; by indexing, it would take over ten times as long.
    """

    def __init__(self, layer: ReLU, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._workspace = Workspace(dtype)
        self._bits = np.dtype(f"i{dtype.itemsize}")

    def forward(self, x: Array) -> Array:
        self._y = self._workspace.array("y", x.shape)
        return np.maximum(x, 0, out=self._y)

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._workspace.array("grad_input", grad_output.shape)
        passes = ~(self._y <= 0)  # NaN passes, as in torch
        np.multiply(grad_output.view(self._bits), passes, out=grad.view(self._bits))
        return grad


class FlattenNumPy(Layer):
    """(c, h, w, n) -> (c * h * w, n): the same memory, read as columns of features."""

    def __init__(self, layer: Flatten, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._input, self._output = input, output

    def forward(self, x: Array) -> Array:
        return x.reshape(*self._output, -1)

    def input_gradient(self, grad_output: Array) -> Array:
        return grad_output.reshape(*self._input, -1)


class LinearNumPy(Layer):
    """y (o, n) = W (o, i) @ x (i, n) + b."""

    def __init__(self, layer: Linear, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._workspace = Workspace(dtype)

    def forward(self, x: Array) -> Array:
        self._x = x
        weight = self.parameters["weight"]
        y = self._workspace.array("y", (len(weight), x.shape[-1]))
        np.matmul(weight, x, out=y)
        if "bias" in self.parameters:
            y += self.parameters["bias"][:, None]
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._workspace.array("grad_input", self._x.shape)
        return np.matmul(self.parameters["weight"].T, grad_output, out=grad)

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        weight = self._workspace.array("grad_weight", self.parameters["weight"].shape)
        gradients = {"weight": np.matmul(grad_output, self._x.T, out=weight)}
        if "bias" in self.parameters:
            gradients["bias"] = grad_output.sum(axis=1)
        return gradients
