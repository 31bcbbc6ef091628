"""The sum of branches, number by number."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.trace import Array


class AddLoops(Layer):
    """y = a + b + ..., in the order of the branches."""

    def forward(self, *inputs: Array) -> Array:
        self.branches = len(inputs)
        y = np.zeros_like(inputs[0])
        for index in np.ndindex(y.shape):
            total = inputs[0][index]
            for x in inputs[1:]:
                total = total + x[index]
            y[index] = total
        return y

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        """Return the gradient once for each branch: dy/da = dy/db = 1."""
        return tuple(grad_output.copy() for _ in range(self.branches))
