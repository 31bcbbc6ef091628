"""Pooling over whole images of the fast engine: each channel is cells by images."""

from __future__ import annotations

import math

import numpy as np

from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import GlobalPool
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class GlobalPoolNumPy(Layer):
    """The average or the maximum of the cells of (c, h*w, n).

    A sum over cells is a matrix product with ones, which BLAS does in a fraction of the time.
    """

    def __init__(self, layer: GlobalPool, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._kind, self._count = layer.kind, math.prod(input[1:])
        self._ones = np.ones((1, self._count), dtype)
        self._workspace = Workspace(dtype)

    def forward(self, x: Array) -> Array:
        self._shape, cells = x.shape, self._cells(x)
        if self._kind == "avg":
            return self._averages(cells)
        self._first = cells.argmax(axis=1, keepdims=True)
        maxima: Array = np.take_along_axis(cells, self._first, axis=1)
        return maxima[:, :, None]

    def predict(self, x: Array) -> Array:
        cells = self._cells(x)
        if self._kind == "avg":
            return self._averages(cells)
        maxima: Array = cells.max(axis=1)
        return maxima[:, None, None]

    def input_gradient(self, grad_output: Array) -> Array:
        grad, upstream = self._workspace.array("grad", self._shape), grad_output[:, 0]
        if self._kind == "avg":
            self._cells(grad)[...] = upstream / self._count
        else:
            grad.fill(0)
            np.put_along_axis(self._cells(grad), self._first, upstream, axis=1)
        return grad

    def _cells(self, images: Array) -> Array:
        return images.reshape(len(images), self._count, -1)

    def _averages(self, cells: Array) -> Array:
        sums: Array = np.matmul(self._ones, cells)
        sums /= self._count
        return sums[:, :, None]
