"""The rectifier that leaks, of the fast engine: one product each way."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import LeakyReLU
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class LeakyReLUNumPy(Layer):
    """x times a factor, 1 where x > 0 and the slope elsewhere, which the gradient meets again.

    It is made of a mask: by indexing, it would take ten times as long.
    """

    def __init__(self, layer: LeakyReLU, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._slope = dtype.type(layer.negative_slope)
        self._workspace = Workspace(dtype)

    def forward(self, x: Array) -> Array:
        self._factor = self._workspace.array("factor", x.shape)
        np.copyto(self._factor, x > 0)
        if self._slope <= 1:
            np.clip(self._factor, self._slope, 1, out=self._factor)
        else:
            self._factor[...] = np.where(self._factor > 0, self._factor, self._slope)
        y = self._workspace.array("y", x.shape)
        with np.errstate(invalid="ignore", over="ignore"):  # -inf * 0 is NaN, as in torch
            np.multiply(x, self._factor, out=y)
        return y

    def predict(self, x: Array) -> Array:
        if not 0 < self._slope <= 1:  # x is not the greater one, or inf meets 0
            return self.forward(x)
        y = self._workspace.array("y", x.shape)
        np.multiply(x, self._slope, out=y)
        return np.maximum(x, y, out=y)

    def input_gradient(self, grad_output: Array) -> Array:
        grad_output *= self._factor
        return grad_output
