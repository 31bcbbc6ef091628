"""Branches beside each other, one channel after the other."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.trace import Array


class ConcatLoops(Layer):
    """y has the channels of the first branch, then those of the second, and so on."""

    def forward(self, *inputs: Array) -> Array:
        self.widths = [x.shape[1] for x in inputs]
        channels = [x[:, c] for x in inputs for c in range(x.shape[1])]
        y = np.zeros((len(inputs[0]), len(channels), *inputs[0].shape[2:]), inputs[0].dtype)
        for c, channel in enumerate(channels):
            y[:, c] = channel
        return y

    def input_gradients(self, grad_output: Array) -> tuple[Array, ...]:
        """Give each branch the gradients of its own channels."""
        grads, first = [], 0
        for width in self.widths:
            grads.append(grad_output[:, first : first + width].copy())
            first += width
        return tuple(grads)
