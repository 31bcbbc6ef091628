"""The arrays of an instance, under the names and in the shapes that its class has for them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from cnnspec.backends.plain.errors import PlainClassError
from cnnspec.backends.plain.names import (
    ARRAYS,
    GRADIENT,
    GRADIENT_HOLDERS,
    LISTED,
    PARAMETER_HOLDERS,
)
from cnnspec.spec.sizes import Shape, show
from cnnspec.trace import Array

AXES: Mapping[tuple[str, int], tuple[tuple[int, ...], ...]] = {
    ("nchw", 4): ((0, 1, 2, 3), (1, 0, 2, 3), (2, 3, 1, 0), (2, 3, 0, 1), (0, 2, 3, 1)),
    ("nhwc", 4): ((2, 3, 1, 0), (2, 3, 0, 1), (0, 2, 3, 1), (0, 1, 2, 3), (1, 0, 2, 3)),
    ("nchw", 2): ((0, 1), (1, 0)),
    ("nhwc", 2): ((0, 1), (1, 0)),
}
"""How people order the axes of weights, ours being (out, in, kh, kw) and (out, in)."""

MATRIX_AXES: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "nchw": ((0, 1, 2, 3), (1, 2, 3, 0)),
    "nhwc": ((0, 2, 3, 1), (2, 3, 1, 0)),
}
"""The same where filters are the rows, or the columns, of a matrix."""


class Place(NamedTuple):
    """Where an instance keeps an array: an attribute, an entry of a dictionary or of a list."""

    holder: Any
    key: Any

    def get(self) -> Any:
        """Return what is there; None where nothing is."""
        if isinstance(self.holder, dict):
            return self.holder.get(self.key)
        if isinstance(self.holder, list):
            return self.holder[self.key] if self.key < len(self.holder) else None
        return getattr(self.holder, self.key, None)

    def set(self, value: Array) -> None:
        """Put an array there."""
        if isinstance(self.holder, dict | list):
            self.holder[self.key] = value
        else:
            setattr(self.holder, self.key, value)


def find_or_none(instance: Any, name: str, names: Mapping[str, str]) -> Place | None:
    """Return where an instance keeps what we call `name`; None where nothing is called so."""
    for place in _places(instance, name, names):
        if isinstance(place.get(), np.ndarray | np.generic):
            return place
    return None


def _places(instance: Any, name: str, names: Mapping[str, str]) -> Iterator[Place]:
    """Yield where it may be, the likeliest first."""
    words = (names[name],) if name in names else ARRAYS[name]
    of = name.removeprefix(GRADIENT)
    own = GRADIENT_HOLDERS if of != name else PARAMETER_HOLDERS
    for holder in (instance, *_held(instance, (*own, *PARAMETER_HOLDERS), dict)):
        yield from (Place(holder, word) for word in words)
    if of in LISTED:
        if of != name:  # grads["W"]
            for holder in _held(instance, own, dict):
                yield from (Place(holder, word) for word in ARRAYS[of])
        yield from (Place(holder, LISTED.index(of)) for holder in _held(instance, own, list))


def _held(instance: Any, words: tuple[str, ...], kind: type) -> list[Any]:
    """Return what an instance has under these names, where it is a dictionary or a list."""
    held = (getattr(instance, word, None) for word in words)
    return [holder for holder in held if isinstance(holder, kind)]


def find(instance: Any, name: str, names: Mapping[str, str]) -> Place:
    """Return where an instance keeps what we call `name`.

    Raises:
        PlainClassError: nothing is called so.
    """
    place = find_or_none(instance, name, names)
    if place is None:
        own = getattr(instance, "__dict__", {})
        held = [key for key, value in own.items() if isinstance(value, np.ndarray)]
        has = f"its arrays are {', '.join(held)}" if held else "it has no arrays"
        raise PlainClassError(
            f"{type(instance).__name__} has no attribute for `{name}` ({has}); "
            f"say which it is, as in --map {name}={held[0] if held else 'NAME'}"
        )
    return place


def axes_between(ours: Shape, theirs: Shape, layout: str) -> tuple[int, ...] | None:
    """Return in which order a class has our axes, whole or as a matrix; None where in none."""
    images = "nhwc" if layout == "nhwc" else "nchw"
    for axes in AXES.get((images, len(ours)), ()):
        if tuple(ours[axis] for axis in axes) == theirs:
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

    def to_class(self, array: Array) -> Array:
        """Return a copy of one of our arrays as the class has it.

        Raises:
            PlainClassError: the shapes cannot be brought together.
        """
        ordered = array if self.axes is None else array.transpose(self.axes)
        matrix = self.axes is not None and len(self.theirs) < len(self.ours)
        alike = _squeezed(ordered.shape) == _squeezed(self.theirs)
        if not alike and not (matrix and math.prod(self.theirs) == ordered.size):
            raise PlainClassError(
                f"an array has the shape {show(self.theirs)}, wanted {show(self.ours)}"
            )
        return ordered.reshape(self.theirs).copy()

    def from_class(self, value: Any) -> Array:
        """Return a class's array as a copy in our order and shape; of another size, as it is."""
        array = np.array(value)
        axes = self.axes or tuple(range(len(self.ours)))
        permuted = tuple(self.ours[axis] for axis in axes)
        if _squeezed(array.shape) in (_squeezed(self.theirs), _squeezed(permuted)):
            array = array.reshape(permuted)
        return array.transpose(np.argsort(axes)) if array.ndim == len(axes) else array


def _squeezed(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)
