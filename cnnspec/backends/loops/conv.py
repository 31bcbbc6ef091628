"""Convolution by the textbook: a loop over every output, and a sum over the window it sees."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import Conv
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
