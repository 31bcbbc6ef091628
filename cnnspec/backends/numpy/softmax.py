"""The softmax of the fast engine: what adds up to 1 is one column of memory."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import Softmax
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class SoftmaxNumPy(Layer):
    """exp(x - max) / sum(exp(x - max)), down columns of (c, h*w*n).

    In training, the output is kept for the way back, and a copy is returned: a layer behind it
    may write over that.
    """

    def __init__(self, layer: Softmax, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._workspace = Workspace(dtype)

    def forward(self, x: Array) -> Array:
        self._p = self._probabilities(x)
        y = self._workspace.array("y", x.shape)
        np.copyto(y, self._p)
        return y

    def predict(self, x: Array) -> Array:
        return self._probabilities(x)

    def input_gradient(self, grad_output: Array) -> Array:
        """Return p * (g - sum(g * p))."""
        g, p = _columns(grad_output), _columns(self._p)
        g -= np.einsum("ij,ij->j", g, p)
        g *= p
        return grad_output

    def _probabilities(self, x: Array) -> Array:
        found = self._workspace.array("p", x.shape)
        columns, p = _columns(x), _columns(found)
        with np.errstate(invalid="ignore", under="ignore"):  # inf - inf is NaN, as in torch
            np.subtract(columns, columns.max(axis=0), out=p)
            np.exp(p, out=p)
            p /= p.sum(axis=0)
        return found


def _columns(array: Array) -> Array:
    return array.reshape(len(array), -1)
