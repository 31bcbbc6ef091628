"""Cells around images."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.spec.sizes import Pair, Shape
from cnnspec.trace import Array


class Padding:
    """Puts cells around images (c, h, w, n), and takes them off again.

    `around` is ((top, bottom), (left, right)); below 0, cells are taken off. Where all are 0,
    nothing is copied. What is returned lives until the next call.
    """

    def __init__(
        self, input: Shape, around: tuple[Pair, Pair], dtype: np.dtype, *, value: float = 0
    ) -> None:
        channels, *sizes = input
        height, width = (size + sum(added) for size, added in zip(sizes, around))
        self.shape = (channels, height, width)
        every_channel = slice(None)
        self._taken = every_channel, *(
            slice(max(0, -before), size - max(0, -after))
            for size, (before, after) in zip(sizes, around)
        )
        self._inside = every_channel, *(
            slice(max(0, before), size - max(0, after))
            for size, (before, after) in zip((height, width), around)
        )
        self._none = around == ((0, 0), (0, 0))
        self._workspace, self._value = Workspace(dtype), value

    def pad(self, x: Array) -> Array:
        """Return the padded images."""
        if self._none:
            return x
        padded = self._workspace.array("padded", (*self.shape, x.shape[-1]), fill=self._value)
        padded[self._inside] = x[self._taken]
        return padded

    def zeros(self, batch: int) -> Array:
        """Return padded images of zeros."""
        zeros = self._workspace.array("zeros", (*self.shape, batch))
        zeros.fill(0)
        return zeros

    def crop(self, padded: Array) -> Array:
        """Return what lies inside the padding."""
        if self._none:
            return padded
        inside = padded[self._inside]
        cropped = self._workspace.array("cropped", inside.shape)
        np.copyto(cropped, inside)
        return cropped
