"""Functions of each number by itself whose slope follows from their output."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

BLOCK = 1 << 16
"""Numbers at a time: what is made on the way to their results stays in the cache."""


class Sloped(Layer):
    """In training, the slope is kept for the way back.

    The output is not: a layer behind it may write over that.
    """

    def __init__(self, layer: SpecLayer, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._workspace = Workspace(dtype)

    def forward(self, x: Array) -> Array:
        self._slope = self._workspace.array("slope", x.shape)
        return self._output(x, self._slope)

    def predict(self, x: Array) -> Array:
        return self._output(x, None)

    def input_gradient(self, grad_output: Array) -> Array:
        grad_output *= self._slope
        return grad_output

    def _output(self, x: Array, slope: Array | None) -> Array:
        y = self._workspace.array("y", x.shape)
        with np.errstate(over="ignore", under="ignore"):
            for start in range(0, x.size, BLOCK):
                part = slice(start, start + BLOCK)
                of_y = y.reshape(-1)[part]
                self._write(x.reshape(-1)[part], of_y)
                if slope is not None:
                    self._write_slope(of_y, slope.reshape(-1)[part])
        return y

    @staticmethod
    @abstractmethod
    def _write(x: Array, y: Array) -> None:
        """Write the output."""

    @staticmethod
    @abstractmethod
    def _write_slope(y: Array, slope: Array) -> None:
        """Write the slope where the output is y."""
