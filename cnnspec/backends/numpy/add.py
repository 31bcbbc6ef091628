"""The sum of branches, in the fast engine."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import Add
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class AddNumPy(Layer):
    """y = a + b + ..., in the order of the branches."""

    def __init__(
        self, layer: Add, inputs: tuple[Shape, ...], output: Shape, dtype: np.dtype
    ) -> None:
        super().__init__(layer, inputs, output, dtype)
        self._branches, self._workspace = len(inputs), Workspace(dtype)

    def forward(self, first: Array, *others: Array) -> Array:
        y = self._workspace.array("y", first.shape)
        if not others:
            np.copyto(y, first)
        for number, x in enumerate(others):
            np.add(y if number else first, x, out=y)
        return y

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        """Return the gradient itself, and a copy for each other branch: each may write over it."""
        copies = [
            self._workspace.array(f"grad_input {branch}", grad_output.shape)
            for branch in range(1, self._branches)
        ]
        for copy in copies:
            np.copyto(copy, grad_output)
        return grad_output, *copies
