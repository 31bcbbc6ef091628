"""The arrays of an instance, under the names and in the shapes that its class has for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cnnspec.backends.plain.alike import alike
from cnnspec.backends.plain.errors import HintError, UnsupportedSettingError
from cnnspec.backends.plain.names import (
    ARRAYS,
    DATA,
    GRADIENT,
    GRADIENT_HOLDERS,
    GRADIENT_OF_DATA,
    LISTED,
    NUMBERED,
    PARAMETER_HOLDERS,
    gradients_of,
    named_by_parts,
    words_for_array,
)
from cnnspec.trace import Array

LATE = ("running_mean", "running_var")
"""Arrays that a pass changes, and that are no parameters."""


class Place(NamedTuple):
    """Where an instance keeps an array: an attribute, an entry of a dictionary or of a list."""

    holder: Any
    key: Any

    def get(self) -> Any:
        """Return what is there; None where nothing is."""
        if isinstance(self.holder, dict):
            return self.holder.get(self.key)
        if isinstance(self.holder, list | tuple):
            is_there = isinstance(self.key, int) and self.key < len(self.holder)
            return self.holder[self.key] if is_there else None
        try:
            return getattr(self.holder, self.key, None)
        except Exception:  # a property may have nothing to give yet
            return None

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


def is_empty(instance: Any, name: str, names: Mapping[str, str]) -> bool:
    """Tell whether an instance has an attribute for an array, and nothing is there yet."""
    if find_or_none(instance, name, names) is not None:
        return False
    held = getattr(instance, "__dict__", {})
    words = words_for_array(name, names)
    found = alike(words, held)
    return found is not None and held[found] is None


def _places(instance: Any, name: str, names: Mapping[str, str]) -> Iterator[Place]:
    """Yield where it may be, the likeliest first."""
    if name in names:
        yield from _dotted(instance, names[name])
    usual = words_for_array(name, names)
    words = (*usual, *(f"_{word}" for word in usual))
    of = name.removeprefix(GRADIENT)
    own = GRADIENT_HOLDERS if of != name else PARAMETER_HOLDERS
    holders = (instance, *_records(instance, (*own, *PARAMETER_HOLDERS)))
    for holder in holders:
        yield from (Place(holder, word) for word in words)
    if name not in names:
        yield from (place for holder in holders if (place := _alike(holder, usual)))
        yield from (place for holder in holders if (place := _by_parts(holder, name)))
    if of in LISTED and name not in names:
        if of != name:  # grads["W"]
            for holder in _records(instance, own):
                yield from (Place(holder, word) for word in words_for_array(of, names))
        at = LISTED.index(of)
        yield from (Place(holder, at) for holder in _held(instance, own, list, tuple))


def _alike(holder: Any, words: Sequence[str]) -> Place | None:
    """Return where a name lies that is alike one of these words: an array, or an object of one."""
    held = _names_in(holder)
    found = alike(words, held)
    return None if found is None else Place(holder, held[found])


def _by_parts(holder: Any, name: str) -> Place | None:
    """Return the only place whose name has the words of an array in it: `weightMatrix`."""
    held = _names_in(holder)
    found = [own for own in held if named_by_parts(own) == name]
    return Place(holder, held[found[0]]) if len(found) == 1 else None


def _names_in(holder: Any) -> dict[str, str]:
    """Return the keys of what may be, or hold, an array, by their names as they were written."""
    keys = holder if isinstance(holder, dict) else getattr(holder, "__dict__", {})
    plain = {_unmangled(key): key for key in keys if isinstance(key, str)}
    return {name: key for name, key in plain.items() if not _is_single(Place(holder, key).get())}


def _unmangled(key: str) -> str:
    """Return a name as it was written: `_Dense__W` is `__W`."""
    return re.sub(r"^_[A-Za-z0-9]+(?=__)", "", key)


def _is_single(value: Any) -> bool:
    """Tell what is one number, a word or nothing from what may be, or hold, an array."""
    return value is None or isinstance(value, str | int | float)


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
    if value is None or type(value) is np.ndarray or isinstance(value, np.generic):
        return None
    places = (Place(value, word) for word in words)
    return next((place for place in places if isinstance(place.get(), np.ndarray)), None)


def _held(instance: Any, words: tuple[str, ...], *kinds: type) -> list[Any]:
    """Return what an instance has under these names that is of a kind."""
    held = (getattr(instance, form, None) for word in words for form in (word, f"_{word}"))
    return [holder for holder in held if isinstance(holder, kinds)]


def _records(instance: Any, words: tuple[str, ...]) -> list[Any]:
    """Return the dictionaries that an instance has under these names, and objects like them."""
    held = (getattr(instance, form, None) for word in words for form in (word, f"_{word}"))
    return [
        holder
        for holder in held
        if isinstance(holder, dict) or (hasattr(holder, "__dict__") and not callable(holder))
    ]


def arrays_of(instance: Any) -> dict[str, Array]:
    """Return the arrays that an instance keeps, by their dotted names: `W`, `params.0`, `W.val`."""
    found: dict[str, Array] = {}
    for key, value in getattr(instance, "__dict__", {}).items():
        found |= {
            ".".join((key, *steps)): array
            for steps, array in _within(value)
            if not set(steps) & {*GRADIENT_OF_DATA}
        }
    return found


def _within(value: Any, deep: int = 2) -> Iterator[tuple[tuple[str, ...], Array]]:
    """Yield the arrays in a value, and the steps that lead to each."""
    several = isinstance(value, list) and any(isinstance(each, np.ndarray) for each in value)
    array = None if several else as_array_or_none(value)
    if array is not None:
        yield (), array
    elif deep:
        for key, inner in _parts(value):
            yield from (((key, *steps), array) for steps, array in _within(inner, deep - 1))


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((key, inner) for key, inner in value.items() if isinstance(key, str))
    elif isinstance(value, list | tuple):
        yield from ((str(at), inner) for at, inner in enumerate(value))
    else:
        inner = ((word, getattr(value, "__dict__", {}).get(word)) for word in DATA)
        yield from ((word, each) for word, each in inner if each is not None)


def find(
    instance: Any, name: str, names: Mapping[str, str], held: Sequence[str], option: str = ""
) -> Place:
    """Return where an instance keeps what we call `name`.

    `held` are the dotted names of the arrays that it has, without those that a pass left there.
    `option` is that by which it may be left out, if there is one.

    Raises:
        UnsupportedSettingError: it has no array that may be it: it leaves that out.
        HintError: the user named an attribute that is not there; or which it is must be said.
    """
    place = find_or_none(instance, name, names)
    if place is not None:
        return place
    has = f"its arrays are {', '.join(held)}" if held else "it has no arrays"
    cls = type(instance).__name__
    if name in names:
        raise HintError(
            f"{cls} has no array `{names[name]}`, as --map {name}={names[name]} says ({has})"
        )
    known = {word for own in (*NUMBERED, *LATE) if own != name for word in ARRAYS.get(own, ())}
    known |= {*names.values()} | {word for own in names.values() for word in gradients_of(own)}
    sizes = {key: array.size for key, array in arrays_of(instance).items()}
    free = [key for key in held if key.split(".")[0] not in known]
    free.sort(key=lambda key: sizes.get(key, 0), reverse=name == "weight")
    said = f"{cls} has no attribute for `{name}` ({has})"
    if option and not free:
        raise UnsupportedSettingError(said, lacks=option)
    ways = [f"say which it is, as in --map {name}={free[0] if free else 'NAME'}"]
    if option:
        ways.insert(0, f"if it has none, say so: --like '{{..., {option}: false}}'")
    raise HintError(f"{said}; {'; else '.join(ways)}")
