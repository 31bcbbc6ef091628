"""The rectifier of the fast engine: in place, forward and back."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.backends.parts import Layer
from cnnspec.spec.layers import ReLU
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

ZEROS = 1 << 16
"""Zeros that a relu keeps at most, to compare with; of larger arrays, as many as a channel has."""


class ReLUNumPy(Layer):
    """max(x, 0), in place: no other layer of the engine looks at its own output later.

    One that did would have to copy it. This one looks where its output is 0. Layers behind it
    that write in place, another relu or a dropout, make 0 only of numbers whose gradient is 0.

    The gradient is masked in place, too, as whole numbers: its bits times 1 or 0. As floats,
    an infinite gradient times 0 would be NaN; by indexing, it would take ten times as long.
    """

    overwrites = True

    def __init__(self, layer: ReLU, input: Shape, output: Shape, dtype: np.dtype) -> None:
        super().__init__(layer, input, output, dtype)
        self._workspace, self._masks = Workspace(dtype), Workspace(bool)
        self._bits = np.dtype(f"i{dtype.itemsize}")

    def forward(self, x: Array) -> Array:
        self._y = np.maximum(x, self._zeros(x), out=x)
        return self._y

    def _zeros(self, x: Array) -> Array:
        """Return zeros to compare with, of the whole shape or of one channel's.

        NumPy compares two arrays four times as fast as one and a number, and two of one shape
        twice as fast as all channels of one with the same zeros.
        """
        return self._workspace.array("zeros", x.shape if x.size <= ZEROS else x.shape[1:])

    def input_gradient(self, grad_output: Array) -> Array:
        passes = self._masks.array("passes", grad_output.shape)
        np.not_equal(self._y, 0, out=passes)  # NaN passes, as in torch
        bits = grad_output.view(self._bits)
        np.multiply(bits, passes, out=bits)
        return grad_output
