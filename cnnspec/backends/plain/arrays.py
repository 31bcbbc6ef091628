"""The arrays of an instance, under the names and in the shapes that its class has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from cnnspec.backends.plain.errors import PlainClassError
from cnnspec.backends.plain.names import ARRAYS, DICTIONARIES
from cnnspec.spec.sizes import Shape, show
from cnnspec.trace import Array


class Place(NamedTuple):
    """Where an instance keeps an array: an attribute, or an entry of a dictionary."""

    holder: Any
    key: str

    def get(self) -> Any:
        """Return what is there."""
        return (
            self.holder[self.key]
            if isinstance(self.holder, dict)
            else getattr(self.holder, self.key)
        )

    def set(self, value: Array) -> None:
        """Put an array there."""
        if isinstance(self.holder, dict):
            self.holder[self.key] = value
        else:
            setattr(self.holder, self.key, value)


def find_or_none(instance: Any, name: str, names: Mapping[str, str]) -> Place | None:
    """Return where an instance keeps what we call `name`; None where nothing is called so."""
    words = (names[name],) if name in names else ARRAYS[name]
    dictionaries = [getattr(instance, word, None) for word in DICTIONARIES]
    holders = [instance, *(held for held in dictionaries if isinstance(held, dict))]
    for holder in holders:
        for word in words:
            place = Place(holder, word)
            has = word in holder if isinstance(holder, dict) else hasattr(holder, word)
            if has and isinstance(place.get(), np.ndarray):
                return place
    return None


def find(instance: Any, name: str, names: Mapping[str, str]) -> Place:
    """Return where an instance keeps what we call `name`.

    Raises:
        PlainClassError: nothing is called so.
    """
    place = find_or_none(instance, name, names)
    if place is None:
        held = [key for key, value in vars(instance).items() if isinstance(value, np.ndarray)]
        has = f"its arrays are {', '.join(held)}" if held else "it has no arrays"
        raise PlainClassError(
            f"{type(instance).__name__} has no attribute for `{name}` ({has}); "
            f"say which it is, as in --map {name}={held[0] if held else 'NAME'}"
        )
    return place


def to_class(array: Array, shape: Shape, axes: tuple[int, ...] | None) -> Array:
    """Return one of our arrays in the shape that a class has for it.

    Raises:
        PlainClassError: the shapes cannot be brought together.
    """
    if axes is not None and len(axes) == array.ndim and _permuted(array.shape, axes) == shape:
        return array.transpose(axes).copy()
    if array.shape == shape:
        return array.copy()
    if array.shape[::-1] == shape:
        return array.T.copy()
    if _squeezed(array.shape) == _squeezed(shape):
        return array.reshape(shape).copy()
    raise PlainClassError(f"an array has the shape {show(shape)}, wanted {show(array.shape)}")


def from_class(value: Any, shape: Shape, axes: tuple[int, ...] | None) -> Array:
    """Return a class's array in our shape; of another size, as it is."""
    array = np.asarray(value)
    if axes is not None and len(axes) == array.ndim and _permuted(shape, axes) == array.shape:
        return array.transpose(np.argsort(axes))
    if array.shape == shape or _squeezed(array.shape) != _squeezed(shape):
        return array
    return array.reshape(shape)


def _permuted(shape: Shape, axes: tuple[int, ...]) -> Shape:
    return tuple(shape[axis] for axis in axes)


def _squeezed(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)
