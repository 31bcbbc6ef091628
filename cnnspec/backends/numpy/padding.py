"""Cells around images (c, h, w, n).

`around` is ((top, bottom), (left, right)); below 0, cells are taken off.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnnspec.backends.numpy.workspace import Workspace
from cnnspec.spec.sizes import Pair, Shape
from cnnspec.trace import Array


class Padding:
    """Puts cells around images, and takes them off again.

    Where there are none, nothing is copied. What is returned lives until the next call.
    """

    beside: Pair = (0, 0)
    """Columns left and right that are not there: a reader has to take zeros in their place."""

    def __init__(
        self, input: Shape, around: tuple[Pair, Pair], dtype: np.dtype, *, value: float = 0
    ) -> None:
        channels, *sizes = input
        height, width = (size + sum(added) for size, added in zip(sizes, around))
        self.shape = (channels, height, width)
        channel = slice(None)  # each of them
        self._taken = channel, *map(_taken, sizes, around)
        self._inside = channel, *map(_inside, sizes, around)
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


class RowPadding:
    """Puts rows above and below images, and only pretends to put columns beside them.

    Rows follow each other in memory: beside one lie the end of the row above and the beginning of
    the row below. Each cell of a kernel, which sees the whole width, then sees one run of memory,
    where real columns beside the images would cut it up. Columns cannot be taken off.
    """

    def __init__(self, input: Shape, around: tuple[Pair, Pair], dtype: np.dtype) -> None:
        channels, height, width = input
        rows, self.beside = around
        self._shape = (channels, height + sum(rows), width)
        self._taken, self._inside = _taken(height, rows), _inside(height, rows)
        self._workspace = Workspace(dtype)
        self._lay_out(self._workspace.array("rows", (0,)), 0)

    def pad(self, x: Array) -> Array:
        """Return a view of the padded images, right but for the columns `beside` them.

        It lives until the next call.
        """
        batch = x.shape[-1]
        cells = math.prod(self._shape) + sum(self.beside)
        memory = self._workspace.array("rows", (cells * batch,))
        if memory is not self._memory:
            self._lay_out(memory, batch)
        np.copyto(self._images, x[:, self._taken])
        return self._padded

    def _lay_out(self, memory: Array, batch: int) -> None:
        (left, right), (*rows, width) = self.beside, self._shape
        cells = memory[left * batch : len(memory) - right * batch].reshape(*self._shape, batch)
        self._memory, self._images = memory, cells[:, self._inside]
        self._padded = as_strided(
            memory, (*rows, left + width + right, batch), cells.strides, writeable=False
        )


def _taken(size: int, around: Pair) -> slice:
    """Return what of the images there is between the padding, along one axis."""
    before, after = around
    return slice(max(0, -before), size - max(0, -after))


def _inside(size: int, around: Pair) -> slice:
    """Return where in the padded images that lies."""
    before, after = around
    return slice(max(0, before), size + sum(around) - max(0, after))
