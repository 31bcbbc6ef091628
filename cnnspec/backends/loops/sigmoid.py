"""The logistic function by the textbook: number by number."""

from __future__ import annotations

import math

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.trace import Array


class SigmoidLoops(Layer):
    """y = 1 / (1 + exp(-x)); its derivative is y * (1 - y)."""

    def forward(self, x: Array) -> Array:
        self.y = np.zeros_like(x)
        for index in np.ndindex(x.shape):
            self.y[index] = sigmoid(float(x[index]))
        return self.y.copy()

    def input_gradient(self, grad_output: Array) -> Array:
        grad = np.zeros_like(grad_output)
        for index in np.ndindex(grad.shape):
            y = self.y[index]
            grad[index] = grad_output[index] * y * (1 - y)
        return grad


def sigmoid(x: float) -> float:
    """Return 1 / (1 + exp(-x)), which is exp(x) / (1 + exp(x)): one of the two overflows."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    e = math.exp(x)
    return e / (1 + e)
