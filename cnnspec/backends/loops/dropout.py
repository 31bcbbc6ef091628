"""Dropout by the textbook: number by number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import Dropout
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class DropoutLoops(Layer):
    """x / (1 - p) where x is kept, and 0 where it is dropped."""

    def __init__(self, layer: Dropout, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self.scale = dtype.type(1 / (1 - layer.p))

    def forward(self, x: Array, mask: NDArray[np.bool]) -> Array:
        self.mask = np.broadcast_to(mask, x.shape)
        return self._kept(x)

    def predict(self, x: Array) -> Array:
        return x

    def input_gradient(self, grad_output: Array) -> Array:
        return self._kept(grad_output)

    def _kept(self, array: Array) -> Array:
        kept = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            kept[index] = array[index] * self.mask[index] * self.scale
        return kept
