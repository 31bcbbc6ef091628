"""Pooling over whole images by the textbook: channel by channel."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import GlobalPool
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class GlobalPoolLoops(Layer):
    """The average or the maximum of each channel."""

    def __init__(self, layer: GlobalPool, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self.kind = layer.kind

    def forward(self, x: Array) -> Array:
        self.x = x
        y = np.zeros((*x.shape[:2], 1, 1), x.dtype)
        for n, c in np.ndindex(x.shape[:2]):
            y[n, c] = x[n, c].max() if self.kind == "max" else x[n, c].sum() / x[n, c].size
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        grad = np.zeros_like(self.x)
        for n, c in np.ndindex(self.x.shape[:2]):
            channel, (g,) = self.x[n, c], grad_output[n, c].flat
            if self.kind == "max":
                i, j = divmod(int(channel.argmax()), channel.shape[1])  # the first maximum
                grad[n, c, i, j] = g
            else:
                grad[n, c] = g / channel.size
        return grad
