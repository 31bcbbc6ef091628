"""How the arrays of a batch lie before a class: as ours, in another order, or one by one."""

from __future__ import annotations

import numpy as np

from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

LAYOUTS = ("nchw", "nhwc", "chw", "hwc", "columns")
"""Images as (n, c, h, w) or (n, h, w, c); one by one as (c, h, w) or (h, w, c); or features as
(features, n), one column for each."""

ONE_BY_ONE = ("chw", "hwc")
CHANNELS_LAST = ("nhwc", "hwc")


def to_class(array: Array, layout: str) -> Array:
    """Return a batch, or one of it, as the class has it: a view, so that changes are seen."""
    if layout in CHANNELS_LAST and array.ndim >= 3:
        return np.moveaxis(array, -3, -1)
    return array.T if layout == "columns" and array.ndim == 2 else array


def from_class(array: Array, layout: str) -> Array:
    """Return what a class gave in our order."""
    if layout in CHANNELS_LAST and array.ndim >= 3:
        return np.ascontiguousarray(np.moveaxis(array, -1, -3))
    return np.ascontiguousarray(array.T) if layout == "columns" and array.ndim == 2 else array


def shape_of_one(input: Shape, layout: str) -> Shape:
    """Return the shape of one image, or of its features, as the class has it."""
    last = layout in CHANNELS_LAST and len(input) == 3
    return (*input[1:], input[0]) if last else input
