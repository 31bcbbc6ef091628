"""Batch normalisation by the textbook: channel by channel."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import BatchNorm
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


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
