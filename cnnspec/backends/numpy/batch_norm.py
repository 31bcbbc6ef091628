"""Batch normalisation of the fast engine: each channel is one row of memory."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.coupled import CoupledLayer
from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.spec.layers import BatchNorm
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class BatchNormNumPy(CoupledLayer):
    """weight * (x - mean) / sqrt(variance + eps) + bias, as rows of (c, h*w*n) or (f, n).

    x - mean is kept, and the scale 1 / sqrt(variance + eps) of each row; their product,
    the normalised x, is never written.
    """

    def __init__(self, layer: BatchNorm, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._eps, self._momentum = layer.eps, layer.momentum
        self._workspace = Workspace(dtype)

    def forward(self, x: Array) -> Array:
        rows = self._rows(x)
        self._count = int(self.across(np.array(rows.shape[1])))
        mean = self.across(rows.sum(axis=1)) / self._count
        self._centred = self._workspace.array("centred", rows.shape)
        np.subtract(rows, mean[:, None], out=self._centred)
        variance = self.across(_row_products(self._centred, self._centred)) / self._count
        self._scale: Array = 1 / np.sqrt(variance + self._eps)
        if self.leads:
            self._run("running_mean", mean)
            self._run("running_var", variance * (self._count / (self._count - 1)))
        return self._output(self._centred, self._scale, x)

    def predict(self, x: Array) -> Array:
        rows = self._rows(x)
        centred = self._workspace.array("y", rows.shape)
        np.subtract(rows, self.buffers["running_mean"][:, None], out=centred)
        return self._output(centred, 1 / np.sqrt(self.buffers["running_var"] + self._eps), x)

    def input_gradient(self, grad_output: Array) -> Array:
        """Return weight * scale * (g - mean(g) - z * mean(g z)), z being the normalised x."""
        rows = self._rows(grad_output)
        products = self.across(_row_products(rows, self._centred))
        mean = self.across(rows.sum(axis=1)) / self._count
        slope = products * self._scale**2 / self._count
        grad = self._workspace.array("grad_input", rows.shape)
        np.multiply(self._centred, slope[:, None], out=grad)
        grad += mean[:, None]
        np.subtract(rows, grad, out=grad)
        grad *= self._weighted(self._scale)
        return grad.reshape(grad_output.shape)

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        if not self.parameters:
            return {}
        rows = self._rows(grad_output)
        weight = _row_products(rows, self._centred) * self._scale
        return {"weight": weight, "bias": rows.sum(axis=1)}

    def _rows(self, array: Array) -> Array:
        return array.reshape(len(array), -1)

    def _output(self, centred: Array, scale: Array, x: Array) -> Array:
        y = self._workspace.array("y", centred.shape)
        np.multiply(centred, self._weighted(scale), out=y)
        if self.parameters:
            y += self.parameters["bias"][:, None]
        return y.reshape(x.shape)

    def _weighted(self, scale: Array) -> Array:
        return (self.parameters["weight"] * scale if self.parameters else scale)[:, None]

    def _run(self, name: str, new: Array) -> None:
        running = self.buffers[name]
        running *= 1 - self._momentum
        running += self._momentum * new


def _row_products(a: Array, b: Array) -> Array:
    """Return the scalar product of each row with its partner."""
    products: Array = np.einsum("ij,ij->i", a, b)
    return products
