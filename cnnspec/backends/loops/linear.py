"""The fully connected layer by the textbook: a loop over every output, a sum over the inputs."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.trace import Array


class LinearLoops(Layer):
    """y[n, o] = b[o] + sum over i of w[o, i] * x[n, i]."""

    def forward(self, x: Array) -> Array:
        self.x = x
        weight, bias = self.parameters["weight"], self.parameters.get("bias")
        y = np.zeros((len(x), len(weight)), x.dtype)
        for n, o in np.ndindex(y.shape):
            total = (weight[o] * x[n]).sum()
            y[n, o] = total if bias is None else total + bias[o]
        return y

    def input_gradient(self, grad_output: Array) -> Array:
        weight = self.parameters["weight"]
        grad = np.zeros_like(self.x)
        for n, o in np.ndindex(grad_output.shape):
            grad[n] += weight[o] * grad_output[n, o]
        return grad

    def parameter_gradients(self, grad_output: Array) -> dict[str, Array]:
        gradients = {name: np.zeros_like(array) for name, array in self.parameters.items()}
        weight, bias = gradients["weight"], gradients.get("bias")
        for n, o in np.ndindex(grad_output.shape):
            weight[o] += self.x[n] * grad_output[n, o]
            if bias is not None:
                bias[o] += grad_output[n, o]
        return gradients
