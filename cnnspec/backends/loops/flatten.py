"""From images to features, by the textbook."""

from __future__ import annotations

from cnnspec.backends.parts import Layer
from cnnspec.trace import Array


class FlattenLoops(Layer):
    """(n, c, h, w) -> (n, c * h * w): channel by channel, row by row."""

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def input_gradient(self, grad_output: Array) -> Array:
        return grad_output.reshape(self.shape)
