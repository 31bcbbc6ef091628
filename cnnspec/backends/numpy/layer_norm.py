"""Layer normalisation of the fast engine: each group is one column of memory."""

from __future__ import annotations

import math

import numpy as np

from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import LayerNorm
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class LayerNormNumPy(Layer):
    """weight * (x - mean) / sqrt(variance + eps) + bias, over columns of (c, h*w*n).

    Where all of an image is one group, they are those of (c*h*w, n). A sum down the columns adds
    row to row, and so does a mean.
    """

    def __init__(self, layer: LayerNorm, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._eps = layer.eps
        self._size = math.prod(input) if layer.over == "image" else input[0]
        self._workspace = Workspace(dtype)

    def forward(self, x: Array) -> Array:
        columns = self._columns(x)
        self._z = self._workspace.array("z", columns.shape)
        np.subtract(columns, _sum(columns) / self._size, out=self._z)
        variance = np.einsum("ij,ij->j", self._z, self._z) / self._size
        self._scale: Array = 1 / np.sqrt(variance + self._eps)
        self._z *= self._scale
        y = self._workspace.array("y", columns.shape)
        np.copyto(y, self._z)
        if "weight" in self.parameters:
            y *= self._own("weight")
        if "bias" in self.parameters:
            y += self._own("bias")
        return y.reshape(x.shape)

    def input_gradient(self, grad_output: Array) -> Array:
        """Return scale * (g - mean(g) - z * mean(g z)), g being weight * grad_output."""
        g = self._columns(grad_output)
        if "weight" in self.parameters:
            g *= self._own("weight")
        grad = self._workspace.array("grad", g.shape)
        np.multiply(self._z, np.einsum("ij,ij->j", g, self._z) / self._size, out=grad)
        grad += _sum(g) / self._size
        np.subtract(g, grad, out=grad)
        grad *= self._scale
        return grad.reshape(grad_output.shape)

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        g, own = self._columns(grad_output), self.parameters
        gradients = {}
        if "weight" in own:
            gradients["weight"] = np.einsum("ij,ij->i", g, self._z).reshape(own["weight"].shape)
        if "bias" in own:
            gradients["bias"] = g.sum(axis=1).reshape(own["bias"].shape)
        return gradients

    def _columns(self, array: Array) -> Array:
        return array.reshape(self._size, -1)

    def _own(self, name: str) -> Array:
        return self.parameters[name].reshape(-1, 1)


def _sum(columns: Array) -> Array:
    found: Array = columns.sum(axis=0)
    return found
