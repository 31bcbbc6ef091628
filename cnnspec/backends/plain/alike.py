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
    """Return a name without the words for a number around it; a letter alone stays as it is."""
    parts = list(parts_of(name))
    for at in (0, -1):
        while len(parts) > 1 and parts[at] in COUNTS and len("".join(parts)) > len(parts[at]) + 1:
            del parts[at]
    return "".join(parts)


@lru_cache(4096)
def _counted(name: str) -> str:
    """Return what a name counts, in the singular: `nb_filter` and `num_filters` are filter.

    Nothing where no word for a number is there: a filter is not the number of them.
    """
    what = _uncounted(name)
    return _singular(what) if what != _letters(name) else ""


def _singular(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 else word


def alike(words: Sequence[str], names: Iterable[str]) -> str | None:
    """Return the name that is one of these words; None where none is.

    An exact name comes first, in the order of the words. Else it is the only name that differs in
    case and `_` alone; else the only one that differs in a word for a number besides. Where there
    are several, none is meant.
    """
    names = list(names)
    if exact := next((word for word in words if word in names), None):
        return exact
    comparisons = (
        (_letters, {_letters(word) for word in words}),
        (_uncounted, {_uncounted(word) for word in words}),
        (_counted, {_singular(_uncounted(word)) for word in words}),
    )
    for form, wanted in comparisons:
        found = [name for name in names if form(name) and form(name) in wanted]
        if found:
            return found[0] if len(found) == 1 else None
    return None
