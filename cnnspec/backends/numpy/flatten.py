"""From images to features, in the fast engine: the same memory."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import Flatten
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class FlattenNumPy(Layer):
    """(c, h, w, n) -> (c * h * w, n): the same memory, read as columns of features."""

    returns_a_view = True

    def __init__(self, layer: Flatten, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._input, self._output = input, output

    def forward(self, x: Array) -> Array:
        return x.reshape(*self._output, -1)

    def input_gradient(self, grad_output: Array) -> Array:
        return grad_output.reshape(*self._input, -1)
