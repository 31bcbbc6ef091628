"""The layers of a textbook: a loop over every output, and a sum over the window it sees.

Images are (n, c, h, w) and features (n, f). Every class is read in the same order:
forward (y from x), input_gradient (dloss/dx from dloss/dy) and parameter_gradients
(dloss/dW, dloss/db).
"""

from __future__ import annotations

import numpy as np

from cnnspec.backends.chain import Layer
from cnnspec.spec.layers import BatchNorm, Conv, Pool
from cnnspec.spec.sizes import Shape, pair
from cnnspec.trace import Array


class ConvLoops(Layer):
    """y[n, o, i, j] = b[o] + sum over c, k, l of w[o, c, k, l] * x[n, c, i*s + k*d, j*s + l*d].

    The sum over c, k and l is written as the product of a window of the padded
    input with the filter. With g groups, output channel o sees only the channels
    of its own group.
    """

    def __init__(self, layer: Conv, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self.kernel, self.stride = pair(layer.kernel_size), pair(layer.stride)
        self.dilation, self.pads = pair(layer.dilation), layer.pads()
        self.groups, self.output = layer.groups, output

    def forward(self, x: Array) -> Array:
        self.x = np.pad(x, ((0, 0), (0, 0), *self.pads))
        weight, bias = self.parameters["weight"], self.parameters.get("bias")
        y = np.zeros((len(x), *self.output), x.dtype)
        for o, i, j in np.ndindex(self.output):
            window = self._window(o, i, j)
            for n, image in enumerate(self.x):
                total = (weight[o] * image[window]).sum()
                y[n, o, i, j] = total if bias is None else total + bias[o]
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        weight = self.parameters["weight"]
        grad = np.zeros_like(self.x)
        for o, i, j in np.ndindex(self.output):
            window = self._window(o, i, j)
            for n, image in enumerate(grad):
                image[window] += weight[o] * grad_output[n, o, i, j]
        (top, bottom), (left, right) = self.pads
        _, _, height, width = grad.shape
        return grad[:, :, top : height - bottom, left : width - right]

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        gradients = {name: np.zeros_like(array) for name, array in self.parameters.items()}
        weight, bias = gradients["weight"], gradients.get("bias")
        for o, i, j in np.ndindex(self.output):
            window = self._window(o, i, j)
            for n, image in enumerate(self.x):
                g = grad_output[n, o, i, j]
                weight[o] += image[window] * g
                if bias is not None:
                    bias[o] += g
        return gradients

    def _window(self, o: int, i: int, j: int) -> tuple[slice, slice, slice]:
        """Return what output cell (i, j) of channel o sees: channels, rows and columns."""
        per_group = self.parameters["weight"].shape[1]
        group = o // (self.output[0] // self.groups)
        top, left = i * self.stride[0], j * self.stride[1]
        height, width = (d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel))
        return (
            slice(group * per_group, (group + 1) * per_group),
            slice(top, top + height, self.dilation[0]),
            slice(left, left + width, self.dilation[1]),
        )


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


class ReLULoops(Layer):
    """max(x, 0)."""

    def forward(self, x: Array) -> Array:
        self.x = x
        y = np.zeros_like(x)
        for index in np.ndindex(x.shape):
            y[index] = x[index] if not x[index] <= 0 else 0
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        grad = np.zeros_like(grad_output)
        for index in np.ndindex(grad.shape):
            grad[index] = grad_output[index] if not self.x[index] <= 0 else 0
        return grad


class FlattenLoops(Layer):
    """(n, c, h, w) -> (n, c * h * w): channel by channel, row by row."""

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def input_gradient(self, grad_output: Array) -> Array:
        return grad_output.reshape(self.shape)


class LinearLoops(Layer):
    """y[n, o] = b[o] + sum over i of w[o, i] * x[n, i]."""

    def forward(self, x: Array) -> Array:
        self.x = x
        weight, bias = self.parameters["weight"], self.parameters.get("bias")
        y = np.zeros((len(x), len(weight)), x.dtype)
        for n, o in np.ndindex(y.shape):
            total = (weight[o] * x[n]).sum()
            y[n, o] = total if bias is None else total + bias[o]
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        weight = self.parameters["weight"]
        grad = np.zeros_like(self.x)
        for n, o in np.ndindex(grad_output.shape):
            grad[n] += weight[o] * grad_output[n, o]
        return grad

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        gradients = {name: np.zeros_like(array) for name, array in self.parameters.items()}
        weight, bias = gradients["weight"], gradients.get("bias")
        for n, o in np.ndindex(grad_output.shape):
            weight[o] += self.x[n] * grad_output[n, o]
            if bias is not None:
                bias[o] += grad_output[n, o]
        return gradients


class BatchNormLoops(Layer):
    """y = w * z + b, where z = (x - mean) / sqrt(variance + eps), one channel after the other.

    Both are those of the channel's m values in the batch; the variance is their sum of
    squares over m. What runs along for predictions is the sum of squares over m - 1.
    """

    def __init__(self, layer: BatchNorm, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self.eps, self.momentum, self.channels = layer.eps, layer.momentum, input[0]

    def forward(self, x: Array) -> Array:
        self.z, self.root = np.zeros_like(x), np.zeros(self.channels, x.dtype)
        for c in range(self.channels):
            m = x[:, c].size
            mean = np.sum(x[:, c]) / m
            squares = np.sum((x[:, c] - mean) ** 2)
            self.root[c] = np.sqrt(squares / m + self.eps)
            self.z[:, c] = (x[:, c] - mean) / self.root[c]
            self._run("running_mean", c, mean)
            self._run("running_var", c, squares / (m - 1))
        return self._scaled(self.z)

    def predict(self, x: Array) -> Array:
        z = np.zeros_like(x)
        for c in range(self.channels):
            mean, variance = self.buffers["running_mean"][c], self.buffers["running_var"][c]
            z[:, c] = (x[:, c] - mean) / np.sqrt(variance + self.eps)
        return self._scaled(z)

    def input_gradient(self, grad_output: Array) -> Array:
        """Return (g - mean(g) - z * mean(g * z)) / root, where g is dloss/dz.

        The means, over the channel, come from the mean and the variance: every x is in them.
        """
        grad = np.zeros_like(grad_output)
        for c in range(self.channels):
            z, g = self.z[:, c], grad_output[:, c]
            if "weight" in self.parameters:
                g = self.parameters["weight"][c] * g
            m = g.size
            grad[:, c] = (g - np.sum(g) / m - z * np.sum(g * z) / m) / self.root[c]
        return grad

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        gradients = {name: np.zeros_like(array) for name, array in self.parameters.items()}
        if gradients:
            for c in range(self.channels):
                gradients["weight"][c] = np.sum(grad_output[:, c] * self.z[:, c])
                gradients["bias"][c] = np.sum(grad_output[:, c])
        return gradients

    def _run(self, name: str, c: int, new: np.floating) -> None:
        running = self.buffers[name]
        running[c] = (1 - self.momentum) * running[c] + self.momentum * new

    def _scaled(self, z: Array) -> Array:
        y = z.copy()
        if self.parameters:
            for c in range(self.channels):
                y[:, c] = self.parameters["weight"][c] * z[:, c] + self.parameters["bias"][c]
        return y
