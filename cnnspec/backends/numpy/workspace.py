"""Arrays that are allocated once and written again in every step."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


class Workspace:
    """Named scratch arrays; each is kept until another shape is asked for.

    At the sizes of a small network, the page faults of fresh arrays cost more than
    the arithmetic.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._arrays: dict[str, Array] = {}

    def array(self, name: str, shape: Shape, *, fill: float = 0) -> Array:
        """Return the array of that name: `fill` at first, then whatever was left in it."""
        array = self._arrays.get(name)
        if array is None or array.shape != shape:
            array = self._arrays[name] = np.full(shape, fill, self._dtype)
        return array
