"""Dropout of the fast engine: in place, forward and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import Dropout
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class DropoutNumPy(Layer):
    """x times 1 / (1 - p) where x is kept, and times 0 where it is dropped, in place.

    A relu that wrote x looks at its signs later. It finds a 0 where x was dropped, and no gradient
    passes there in either way.
    """

    overwrites = True

    def __init__(self, layer: Dropout, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._scale, self._workspace = dtype.type(1 / (1 - layer.p)), Workspace(dtype)

    def forward(self, x: Array, mask: NDArray[np.bool]) -> Array:
        self._factors = self._workspace.array("factors", mask.shape)
        np.multiply(mask, self._scale, out=self._factors)
        return np.multiply(x, self._factors, out=x)

    def predict(self, x: Array) -> Array:
        return x

    def input_gradient(self, grad_output: Array) -> Array:
        return np.multiply(grad_output, self._factors, out=grad_output)
