"""What a `backward` gives back: the gradient of the input alone, or with others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import permutations
from types import ModuleType
from typing import Any

import numpy as np

from cnnspec.backends.plain.alike import alike
from cnnspec.backends.plain.arrays import as_array_or_none
from cnnspec.backends.plain.errors import HintError
from cnnspec.backends.plain.names import ARRAYS, GRADIENT, GRADIENT_OF_DATA, words_for_array

DEEP = 8
"""How deep gradients may be nested."""


class ReturnedGradients:
    """Tells what is what by keys, and by sizes: the same way in every call."""

    def __init__(self, cls: str, names: Mapping[str, str]) -> None:
        self._cls, self._names = cls, names
        self._orders: list[tuple[str, ...]] | None = None
        """Those that fitted every call so far: a call in which sizes agree cannot tell."""

    def by_name(
        self, returned: Any, sizes: Mapping[str, int], kept: Collection[str] = ()
    ) -> dict[str, Any]:
        """Return what came back, by our name of what it is the gradient of: `input`, `weight`.

        `sizes` are the numbers of elements that there must be of each. Those that the instance
        has `kept` are looked for last.

        Raises:
            HintError: it is neither the gradient of the input nor that with others.
        """
        if not _holds_several(returned):
            return {} if returned is None else {"input": returned}
        named: dict[str, Any] = {}
        values: list[Any] = []
        self._take_apart(returned, sizes, named, values, DEEP)
        left = {name: size for name, size in sizes.items() if name not in named}
        too_many = len(values) > len(left) and not _fits(tuple(left), values, left)
        no_numbers = any(
            as_array_or_none(value) is None and not isinstance(value, int | float)
            for value in values
        )
        if too_many or no_numbers or not (named or values or _is_empty(returned)):
            raise self._unknown(returned, sizes)
        return self._in_order(values, left, kept) | named

    def _take_apart(
        self,
        returned: Any,
        sizes: Mapping[str, int],
        named: dict[str, Any],
        values: list[Any],
        deep: int,
    ) -> None:
        """Sort what is nested any way into what has a name and what comes in an order."""
        table = _as_table(returned)
        if table is None:
            parts = _gradients_of_pairs(returned)
        else:
            named |= self._of_dictionary(table, sizes)
            parts = [value for value in table.values() if _holds_several(value)]
        for part in parts:
            if _holds_several(part) and deep:
                self._take_apart(part, sizes, named, values, deep - 1)
            elif part is not None:
                values.append(part)

    def _of_dictionary(
        self, returned: Mapping[str, Any], sizes: Mapping[str, int]
    ) -> dict[str, Any]:
        found = {}
        for name in sizes:
            key = f"{GRADIENT}{name}"
            words = words_for_array(key, self._names)
            if key not in self._names and name in ARRAYS:
                words = (*words, *words_for_array(name, self._names))
            word = alike(words, [key for key in returned if isinstance(key, str)])
            if word is None:
                continue
            value = returned[word]
            table = _as_table(value) if _holds_several(value) else None
            if table is not None and (inner := alike(GRADIENT_OF_DATA, table)):
                value = table[inner]  # {"W": {"grad": dW}}
            if not _holds_several(value):
                found[name] = value
        return found

    def _in_order(
        self, values: Sequence[Any], sizes: Mapping[str, int], kept: Collection[str]
    ) -> dict[str, Any]:
        """Name values by the first order that their sizes fit; where none does, as before.

        The first is that of `sizes`; next come those with the input at the end: (dW, db, dx).
        """
        if self._orders is None:
            rest = [name for name in sizes if name != "input"]
            usual = [tuple(sizes), (*rest, "input")]
            if len(values) <= len(sizes.keys() - kept):
                usual.insert(0, tuple(sorted(sizes, key=lambda name: name in kept)))
            self._orders = list(dict.fromkeys((*usual, *permutations(sizes))))
        fitting = [order for order in self._orders if _fits(order, values, sizes)]
        self._orders = fitting or self._orders
        return dict(zip(self._orders[0], values))

    def _unknown(self, returned: Any, sizes: Mapping[str, int]) -> HintError:
        others = " and ".join(f"`{name}`" for name in sizes if name != "input")
        with_others = f", alone or with those of {others} behind it" if others else ""
        return HintError(
            f"`backward` of {self._cls} returns {in_words(returned)}; wanted the gradient of the "
            f"input{with_others}"
        )


def _gradients_of_pairs(returned: Any) -> list[Any]:
    """Return the parts of a list; of (parameter, gradient) pairs, the gradients."""
    parts = [*returned]
    are_pairs = all(
        isinstance(part, tuple)
        and len(part) == 2
        and all(isinstance(each, np.ndarray) for each in part)
        and part[0].shape == part[1].shape
        for part in parts
    )
    return [part[1] for part in parts] if are_pairs else parts


def in_words(returned: Any) -> str:
    """Say what something that came back is made of."""
    if isinstance(returned, np.ndarray):
        return f"an array of shape {list(returned.shape)}"
    if isinstance(returned, dict):
        return f"a dictionary of {', '.join(map(repr, returned)) or 'nothing'}"
    kind = type(returned).__name__
    if isinstance(returned, list | tuple):
        inner = ", ".join(_in_short(part) for part in returned)
        return f"a {'list' if isinstance(returned, list) else 'tuple'} of {inner or 'nothing'}"
    return kind


def _in_short(part: Any) -> str:
    return in_words(part) if isinstance(part, np.ndarray | dict) else type(part).__name__


def _as_table(value: Any) -> Mapping[str, Any] | None:
    """Return a dictionary, and what has its parts under names, as a dictionary."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        table: Mapping[str, Any] = value._asdict()
        return table if alike(ARRAYS[f"{GRADIENT}input"], table) else None
    if hasattr(value, "__dict__") and not isinstance(value, np.ndarray | type | ModuleType):
        return vars(value) or None
    return None


def _holds_several(value: Any) -> bool:
    """Tell several arrays, in a list or under names, from one, which may be nested lists."""
    if isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 1:
        return any(isinstance(each, np.ndarray) for each in value)
    if value is None or isinstance(value, np.ndarray | np.generic | str | bytes):
        return False
    if isinstance(value, list):
        return not (_is_nested_numbers(value) and as_array_or_none(value) is not None)
    return isinstance(value, tuple) or _as_table(value) is not None


def _is_empty(returned: Any) -> bool:
    return isinstance(returned, list | tuple) and all(part is None for part in returned)


def _is_nested_numbers(returned: Any) -> bool:
    inner = returned
    for _ in range(DEEP):
        inner = inner[0] if isinstance(inner, list) and inner else inner
    return isinstance(returned, list) and isinstance(inner, int | float | np.generic)


def _fits(order: Sequence[str], values: Sequence[Any], sizes: Mapping[str, int]) -> bool:
    return all(np.size(value) == sizes.get(name) for name, value in zip(order, values))
