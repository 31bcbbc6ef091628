"""The rectifier that leaks, by the textbook: number by number."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import LeakyReLU
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class LeakyReLULoops(Layer):
    """x where x > 0, slope * x elsewhere."""

    def __init__(self, layer: LeakyReLU, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self.slope = layer.negative_slope

    def forward(self, x: Array) -> Array:
        self.x = x
        y = np.zeros_like(x)
        for index in np.ndindex(x.shape):
            y[index] = x[index] if x[index] > 0 else self.slope * x[index]
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        grad = np.zeros_like(grad_output)
        for index in np.ndindex(grad.shape):
            g = grad_output[index]
            grad[index] = g if self.x[index] > 0 else self.slope * g
        return grad
