"""Names that mean the same: without case and `_`, and without a word for a number of things.

`filterSize` is `filter_size`; `nb_filters`, `numFilters` and `n_filters` are `filters`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


COUNTS = word_set("n nb num nof no number of count")
"""Words before what is counted, as in `nb_filters`."""


@lru_cache(4096)
def parts_of(name: str) -> tuple[str, ...]:
    """Return the words of a name, in small letters: `numFilters` is num, filters."""
    return tuple(part.lower() for part in PARTS.findall(name))


@lru_cache(4096)
def _letters(name: str) -> str:
    return "".join(parts_of(name))


@lru_cache(4096)
def _uncounted(name: str) -> str:
    """Return a name without the words for a number before it; a letter alone stays as it is."""
    parts = list(parts_of(name))
    while len(parts) > 1 and parts[0] in COUNTS and len("".join(parts[1:])) > 1:
        del parts[0]
    return "".join(parts)


def alike(words: Sequence[str], names: Iterable[str]) -> str | None:
    """Return the name that is one of these words; None where none is.

    An exact name comes first, in the order of the words. Else it is the only name that differs in
    case and `_` alone; else the only one that differs in a word for a number besides. Where there
    are several, none is meant.
    """
    names = list(names)
    if exact := next((word for word in words if word in names), None):
        return exact
    for loosely in (_letters, _uncounted):
        wanted = {loosely(word) for word in words}
        found = [name for name in names if loosely(name) in wanted and loosely(name)]
        if found:
            return found[0] if len(found) == 1 else None
    return None
