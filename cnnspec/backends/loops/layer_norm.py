"""Layer normalisation by the textbook: cell by cell, or image by image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import LayerNorm
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class LayerNormLoops(Layer):
    """y = w * z + b, where z = (x - mean) / sqrt(variance + eps), one group after the other.

    A group is the channels of a cell, or a whole image. The variance is its sum of squares over
    its size.
    """

    def __init__(self, layer: LayerNorm, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self.eps, self.by_cell = layer.eps, layer.over == "channels"

    def forward(self, x: Array) -> Array:
        self.z, y, self.roots = np.zeros_like(x), np.zeros_like(x), []
        for group in self._groups(x.shape):
            mean = np.sum(x[group]) / x[group].size
            squares = np.sum((x[group] - mean) ** 2)
            root = np.sqrt(squares / x[group].size + self.eps)
            self.roots.append(root)
            self.z[group] = (x[group] - mean) / root
            y[group] = self._weighted(self.z[group])
            if "bias" in self.parameters:
                y[group] += self.parameters["bias"]
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        """Return (g - mean(g) - z * mean(g * z)) / root, where g is dloss/dz.

        The means, over the group, come from the mean and the variance: every x is in them.
        """
        grad = np.zeros_like(grad_output)
        for group, root in zip(self._groups(grad.shape), self.roots):
            z, g = self.z[group], self._weighted(grad_output[group])
            grad[group] = (g - np.sum(g) / g.size - z * np.sum(g * z) / g.size) / root
        return grad

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        gradients = {name: np.zeros_like(array) for name, array in self.parameters.items()}
        for group in self._groups(grad_output.shape):
            if "weight" in gradients:
                gradients["weight"] += grad_output[group] * self.z[group]
            if "bias" in gradients:
                gradients["bias"] += grad_output[group]
        return gradients

    def _groups(self, shape: Shape) -> Iterator[tuple[Any, ...]]:
        """Yield where each group is, in an array (n, c, h, w) or (n, f)."""
        images, _, *cells = shape
        for n in range(images):
            if self.by_cell:
                yield from ((n, slice(None), *cell) for cell in np.ndindex(*cells))
            else:
                yield (n,)

    def _weighted(self, array: Array) -> Array:
        return self.parameters["weight"] * array if self.parameters else array
