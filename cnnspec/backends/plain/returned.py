"""What a `backward` gives back: the gradient of the input alone, or with others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from cnnspec.backends.plain.names import ARRAYS, GRADIENT


def by_name(returned: Any, sizes: Mapping[str, int], names: Mapping[str, str]) -> dict[str, Any]:
    """Return what came back, by our name of what it is the gradient of: `input`, `weight`.

    `sizes` are the numbers of elements that there must be of each.
    """
    if returned is None:
        return {}
    if isinstance(returned, dict):
        return _of_dictionary(returned, sizes, names)
    if not isinstance(returned, tuple | list):
        return {"input": returned}
    found: dict[str, Any] = {}
    for part in returned:
        if isinstance(part, dict):
            found |= _of_dictionary(part, sizes, names)
    values = [part for part in returned if part is not None and not isinstance(part, dict)]
    return _in_order(values, {name: n for name, n in sizes.items() if name not in found}) | found


def _of_dictionary(
    returned: Mapping[str, Any], sizes: Mapping[str, int], names: Mapping[str, str]
) -> dict[str, Any]:
    found = {}
    for name in sizes:
        key = f"{GRADIENT}{name}"
        words = (names[key],) if key in names else (*ARRAYS[key], *ARRAYS.get(name, ()))
        word = next((word for word in words if word in returned), None)
        if word is not None:
            found[name] = returned[word]
    return found


def _in_order(values: Sequence[Any], sizes: Mapping[str, int]) -> dict[str, Any]:
    """Name values by the first order that their sizes fit; where none does, by our own.

    Our own is that of `sizes`; next come those with the input at the end, as in (dW, db, dx).
    """
    rest = [name for name in sizes if name != "input"]
    usual = [tuple(sizes), (*rest, "input")]
    for order in (*usual, *permutations(sizes)):
        if all(np.size(value) == sizes.get(name) for name, value in zip(order, values)):
            return dict(zip(order, values))
    return dict(zip(sizes, values))
