"""The fully connected layer of the fast engine: one matrix product each way."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import Linear
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class LinearNumPy(Layer):
    """y (o, n) = W (o, i) @ x (i, n) + b."""

    def __init__(self, layer: Linear, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._workspace = Workspace(dtype)

    def forward(self, x: Array) -> Array:
        self._x = x
        weight = self.parameters["weight"]
        y = self._workspace.array("y", (len(weight), x.shape[-1]))
        np.matmul(weight, x, out=y)
        if "bias" in self.parameters:
            y += self.parameters["bias"][:, None]
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        grad = self._workspace.array("grad_input", self._x.shape)
        return np.matmul(self.parameters["weight"].T, grad_output, out=grad)

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        weight = self._workspace.array("grad_weight", self.parameters["weight"].shape)
        # Of one image, matmul would multiply number by number: no BLAS has such a product.
        product = np.multiply if grad_output.shape[-1] == 1 else np.matmul
        gradients = {"weight": product(grad_output, self._x.T, out=weight)}
        if "bias" in self.parameters:
            gradients["bias"] = grad_output.sum(axis=1)
        return gradients
