"""What a `backward` gives back: the gradient of the input alone, or with others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from cnnspec.backends.plain.names import ARRAYS, GRADIENT


class ReturnedGradients:
    """Tells what is what by keys, and by sizes: the same way in every call."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._orders: list[tuple[str, ...]] | None = None
        """Those that fitted every call so far: a call in which sizes agree cannot tell."""

    def by_name(self, returned: Any, sizes: Mapping[str, int]) -> dict[str, Any]:
        """Return what came back, by our name of what it is the gradient of: `input`, `weight`.

        `sizes` are the numbers of elements that there must be of each.
        """
        if returned is None:
            return {}
        if isinstance(returned, dict):
            return self._of_dictionary(returned, sizes)
        if not isinstance(returned, tuple | list) or _is_nested_numbers(returned):
            return {"input": returned}
        found: dict[str, Any] = {}
        for part in returned:
            if isinstance(part, dict):
                found |= self._of_dictionary(part, sizes)
        values = [part for part in returned if part is not None and not isinstance(part, dict)]
        return self._in_order(values, {k: n for k, n in sizes.items() if k not in found}) | found

    def _of_dictionary(
        self, returned: Mapping[str, Any], sizes: Mapping[str, int]
    ) -> dict[str, Any]:
        found = {}
        for name in sizes:
            key = f"{GRADIENT}{name}"
            usual = (*ARRAYS[key], *ARRAYS.get(name, ()))
            words = (self._names[key],) if key in self._names else usual
            word = next((word for word in words if word in returned), None)
            if word is not None:
                found[name] = returned[word]
        return found

    def _in_order(self, values: Sequence[Any], sizes: Mapping[str, int]) -> dict[str, Any]:
        """Name values by the first order that their sizes fit; where none does, as before.

        The first is that of `sizes`; next come those with the input at the end: (dW, db, dx).
        """
        if self._orders is None:
            rest = [name for name in sizes if name != "input"]
            usual = [tuple(sizes), (*rest, "input")]
            self._orders = list(dict.fromkeys((*usual, *permutations(sizes))))
        fitting = [
            order
            for order in self._orders
            if all(np.size(value) == sizes.get(name) for name, value in zip(order, values))
        ]
        self._orders = fitting or self._orders
        return dict(zip(self._orders[0], values))


def _is_nested_numbers(returned: Any) -> bool:
    """Tell one gradient, as lists, from a list of several."""
    inner = returned
    while isinstance(inner, list) and inner:
        inner = inner[0]
    return isinstance(returned, list) and isinstance(inner, int | float)
