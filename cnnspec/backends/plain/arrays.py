"""The arrays of an instance, under the names and in the shapes that its class has for them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from cnnspec.backends.plain.errors import HintError, PlainClassError
from cnnspec.backends.plain.layouts import CHANNELS_LAST
from cnnspec.backends.plain.names import (
    ARRAYS,
    DATA,
    GRADIENT,
    GRADIENT_HOLDERS,
    GRADIENT_OF_DATA,
    INPUTS,
    LISTED,
    PARAMETER_HOLDERS,
)
from cnnspec.spec.sizes import Shape
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
        if isinstance(self.holder, list | tuple):
            return self.holder[self.key] if self.key < len(self.holder) else None
        return getattr(self.holder, self.key, None)

    def array(self) -> Array | None:
        """Return what is there as an array; None where it is none."""
        return as_array_or_none(self.get())

    def set(self, value: Array) -> None:
        """Put an array there: into the old one, as the class may know it by two names."""
        held = self.get()
        if isinstance(held, np.ndarray) and _fits(held, value):
            held[...] = value
            return
        new = value.tolist() if isinstance(held, list) else value
        if isinstance(self.holder, dict | list):
            self.holder[self.key] = new
        else:
            setattr(self.holder, self.key, new)


def _fits(held: Array, value: Array) -> bool:
    return held.shape == value.shape and held.dtype == value.dtype and held.flags.writeable


def as_array_or_none(value: Any) -> Array | None:
    """Return an array, a number of NumPy or nested lists of numbers as an array."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, np.generic):
        return np.asarray(value)
    if isinstance(value, list) and value:
        try:
            array = np.array(value)
        except ValueError:  # ragged
            return None
        return array if array.dtype.kind in "fiub" else None
    return None


def find_or_none(instance: Any, name: str, names: Mapping[str, str]) -> Place | None:
    """Return where an instance keeps what we call `name`; None where nothing is called so."""
    for place in _places(instance, name, names):
        if place.array() is not None:
            return place
        if inner := _of_object(place.get(), DATA):
            return inner
    of = name.removeprefix(GRADIENT)
    if of != name and of in ARRAYS:
        for place in _places(instance, of, names):
            if inner := _of_object(place.get(), GRADIENT_OF_DATA):
                return inner
    return None


def _places(instance: Any, name: str, names: Mapping[str, str]) -> Iterator[Place]:
    """Yield where it may be, the likeliest first."""
    if name in names:
        yield from _dotted(instance, names[name])
    usual = (names[name],) if name in names else ARRAYS[name]
    words = (*usual, *(f"_{word}" for word in usual))
    of = name.removeprefix(GRADIENT)
    own = GRADIENT_HOLDERS if of != name else PARAMETER_HOLDERS
    for holder in (instance, *_held(instance, (*own, *PARAMETER_HOLDERS), dict)):
        yield from (Place(holder, word) for word in words)
    if of in LISTED and name not in names:
        if of != name:  # grads["W"]
            for holder in _held(instance, own, dict):
                yield from (Place(holder, word) for word in ARRAYS[of])
        at = LISTED.index(of)
        yield from (Place(holder, at) for holder in _held(instance, own, list))
        yield from (Place(holder, at) for holder in _held(instance, own, tuple))


def _dotted(instance: Any, path: str) -> Iterator[Place]:
    """Yield where `params.W` or `layers.0.W` leads, if it leads anywhere."""
    *steps, last = path.split(".")
    holder = instance
    for step in steps:
        holder = Place(holder, _key(holder, step)).get()
    if steps and holder is not None:
        yield Place(holder, _key(holder, last))


def _key(holder: Any, step: str) -> Any:
    return int(step) if isinstance(holder, list | tuple) and step.isdecimal() else step


def _of_object(value: Any, words: tuple[str, ...]) -> Place | None:
    """Return where an object that is a parameter has its array, or the gradient of it."""
    if value is None or isinstance(value, np.ndarray | np.generic):
        return None
    places = (Place(value, word) for word in words)
    return next((place for place in places if isinstance(place.get(), np.ndarray)), None)


def _held(instance: Any, words: tuple[str, ...], kind: type) -> list[Any]:
    """Return what an instance has under these names, where it is a dictionary or a list."""
    held = (getattr(instance, word, None) for word in words)
    return [holder for holder in held if isinstance(holder, kind)]


def find(instance: Any, name: str, names: Mapping[str, str]) -> Place:
    """Return where an instance keeps what we call `name`.

    Raises:
        HintError: the user named an attribute that is not there.
        PlainClassError: nothing is called so.
    """
    place = find_or_none(instance, name, names)
    if place is not None:
        return place
    own = getattr(instance, "__dict__", {})
    held = [key for key, value in own.items() if as_array_or_none(value) is not None]
    has = f"its arrays are {', '.join(held)}" if held else "it has no arrays"
    cls = type(instance).__name__
    if name in names:
        raise HintError(
            f"{cls} has no array `{names[name]}`, as --map {name}={names[name]} says ({has})"
        )
    usual = {word for words in ARRAYS.values() for word in words}
    free = [key for key in held if key not in usual and key not in INPUTS]
    ways = [f"say which it is, as in --map {name}={free[0] if free else 'NAME'}"]
    if name == "bias":
        ways.insert(0, "if it has none, say so: --like '{..., bias: false}'")
    raise PlainClassError(f"{cls} has no attribute for `{name}` ({has}); {'; else '.join(ways)}")


def axes_between(ours: Shape, theirs: Shape, layout: str) -> tuple[int, ...] | None:
    """Return in which order a class has our axes, whole or as a matrix; None where in none."""
    images = "nhwc" if layout in CHANNELS_LAST else "nchw"
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

    def to_class(self, array: Array) -> Array | None:
        """Return a copy of one of our arrays as the class has it; None where it cannot be."""
        ordered = array if self.axes is None else array.transpose(self.axes)
        matrix = self.axes is not None and len(self.theirs) < len(self.ours)
        alike = _squeezed(ordered.shape) == _squeezed(self.theirs)
        if not alike and not (matrix and math.prod(self.theirs) == ordered.size):
            return None
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
