"""How a class lays out the arrays that we have: their axes in another order, or as a matrix."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from cnnspec.backends.plain.layouts import CHANNELS_LAST, LAYOUTS
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

AXES: Mapping[tuple[str, int], tuple[tuple[int, ...], ...]] = {
    ("nchw", 4): ((0, 1, 2, 3), (1, 0, 2, 3), (2, 3, 1, 0), (2, 3, 0, 1), (0, 2, 3, 1)),
    ("nhwc", 4): ((2, 3, 1, 0), (2, 3, 0, 1), (0, 2, 3, 1), (0, 1, 2, 3), (1, 0, 2, 3)),
    ("nchw", 2): ((0, 1), (1, 0)),
    ("nhwc", 2): ((0, 1), (1, 0)),
}
"""How people order the axes of weights, ours being (out, in, kh, kw) and (out, in)."""

IN = 1
"""The axis of what comes in: of gray images one channel, for which a class may have no axis."""

MATRIX_AXES: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "nchw": ((0, 1, 2, 3), (1, 2, 3, 0)),
    "nhwc": ((0, 2, 3, 1), (2, 3, 1, 0)),
}
"""The same where filters are the rows, or the columns, of a matrix."""


def axes_between(ours: Shape, theirs: Shape, layout: str) -> tuple[int, ...] | None:
    """Return in which order a class has our axes, whole or as a matrix; None where in none."""
    images = "nhwc" if layout in CHANNELS_LAST else "nchw"
    for axes in AXES.get((images, len(ours)), ()):
        if tuple(ours[axis] for axis in axes) == theirs:
            return axes
        if LAYOUTS[layout].gray and tuple(ours[axis] for axis in axes if axis != IN) == theirs:
            return axes
    if len(ours) == 4:
        out, rest = ours[0], math.prod(ours[1:])
        for axes, matrix in zip(MATRIX_AXES[images], ((out, rest), (rest, out))):
            if matrix == theirs:
                return axes
    return None


class Form(NamedTuple):
    """How a class lays out an array of ours: its axes in another order, then its shape."""

    ours: Shape
    theirs: Shape
    axes: tuple[int, ...] | None
    """None: in our order."""

    def to_class(self, array: Array) -> Array | None:
        """Return a copy of one of our arrays as the class has it; None where it cannot be."""
        ordered = array if self.axes is None else array.transpose(self.axes)
        matrix = self.axes is not None and len(self.theirs) < len(self.ours)
        alike = squeezed(ordered.shape) == squeezed(self.theirs)
        if not alike and not (matrix and math.prod(self.theirs) == ordered.size):
            return None
        return ordered.reshape(self.theirs).copy()

    def from_class(self, value: Any) -> Array:
        """Return a class's array as a copy in our order and shape; of another size, as it is."""
        array = np.array(value)
        axes = self.axes or tuple(range(len(self.ours)))
        permuted = tuple(self.ours[axis] for axis in axes)
        fits = squeezed(array.shape) in (squeezed(self.theirs), squeezed(permuted))
        if fits and array.size == math.prod(permuted):
            array = array.reshape(permuted)
        return array.transpose(np.argsort(axes)) if array.ndim == len(axes) else array


def squeezed(shape: Shape) -> Shape:
    """Return a shape without its axes of one number."""
    return tuple(size for size in shape if size != 1)
