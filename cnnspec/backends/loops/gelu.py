"""The Gaussian error linear unit by the textbook: number by number."""

from __future__ import annotations

import math

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import GELU
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class GELULoops(Layer):
    """x * Phi(x); its derivative is Phi(x) + x * Phi'(x)."""

    def __init__(self, layer: GELU, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self.phi = normal if layer.approximate == "none" else by_tanh

    def forward(self, x: Array) -> Array:
        self.x = x
        y = np.zeros_like(x)
        for index in np.ndindex(x.shape):
            value = float(x[index])
            phi, _ = self.phi(value)
            y[index] = value * phi
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        grad = np.zeros_like(grad_output)
        for index in np.ndindex(grad.shape):
            value = float(self.x[index])
            phi, density = self.phi(value)
            grad[index] = grad_output[index] * (phi + value * density)
        return grad


def normal(x: float) -> tuple[float, float]:
    """Return the distribution function of the normal distribution, and its density."""
    phi = (1 + math.erf(x / math.sqrt(2))) / 2
    return phi, math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def by_tanh(x: float) -> tuple[float, float]:
    """Return about the same, and its derivative."""
    c, k = math.sqrt(2 / math.pi), 0.044715
    t = math.tanh(c * (x + k * x * x * x))
    square = min(abs(x), 1e100) ** 2  # that of larger ones is infinite, and times 0 no number
    return (1 + t) / 2, (1 - t * t) / 2 * c * (1 + 3 * k * square)
