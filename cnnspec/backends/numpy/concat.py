"""Branches beside each other, in the fast engine: channels lie one after the other in memory."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import Concat
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class ConcatNumPy(Layer):
    """y has the channels of the first branch, then those of the second, and so on."""

    def __init__(
        self, layer: Concat, inputs: tuple[Shape, ...], output: Shape, dtype: np.dtype
    ) -> None:
        super().__init__(layer, inputs, output, dtype)
        self._output, self._workspace = output, Workspace(dtype)
        ends = list(accumulate(shape[0] for shape in inputs))
        self._channels = [slice(first, end) for first, end in zip([0, *ends], ends)]

    def forward(self, *inputs: Array) -> Array:
        y = self._workspace.array("y", (*self._output, inputs[0].shape[-1]))
        for channels, x in zip(self._channels, inputs):
            np.copyto(y[channels], x)
        return y

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        """Return the rows of each branch, as they lie in the upstream gradient."""
        return tuple(grad_output[channels] for channels in self._channels)
