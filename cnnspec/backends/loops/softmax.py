"""The softmax by the textbook: cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class SoftmaxLoops(Layer):
    """p = exp(x) / sum(exp(x)), over the features of an image or the channels of a cell.

    The greatest x is subtracted first: exp overflows nowhere, and p is the same.
    """

    def forward(self, x: Array) -> Array:
        self.p = np.zeros_like(x)
        for group in groups(x.shape):
            e = np.exp(x[group] - np.max(x[group]))
            self.p[group] = e / np.sum(e)
        return self.p.copy()

    def input_gradient(self, grad_output: Array) -> Array:
        """Return p * (g - sum(g * p)): dp_i/dx_j is p_i * ((1 if i is j) - p_j)."""
        grad = np.zeros_like(grad_output)
        for group in groups(grad.shape):
            p, g = self.p[group], grad_output[group]
            grad[group] = p * (g - np.sum(g * p))
        return grad


def groups(shape: Shape) -> Iterator[tuple[Any, ...]]:
    """Yield where the numbers are that add up to 1, in an array (n, c, h, w) or (n, f)."""
    images, _, *cells = shape
    for n in range(images):
        yield from ((n, slice(None), *cell) for cell in np.ndindex(*cells))
