"""What of a product of cases is tried each time: enough for every kind, option and pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping
from functools import cache
from itertools import combinations, product

import pytest

Axis = tuple[str, tuple[tuple[object, frozenset[Hashable]], ...]]
"""Its name, and its values, each with what of it must meet the other axes."""


def covering(
    **axes: Collection[object] | Mapping[object, Collection[Hashable]],
) -> pytest.MarkDecorator:
    """Parametrize over a product of axes, most of whose rows are slow.

    Each value is in a quick row, and so are any two values of two axes. A mapping says of each
    value what of it must meet the others, in place of itself: of a layer, its kind and its
    options.
    """
    columns = tuple((name, tuple(_values(axis))) for name, axis in axes.items())
    quick = _quick(columns)
    rows = [
        pytest.param(*row, marks=() if at in quick else pytest.mark.slow)
        for at, row in enumerate(product(*([value for value, _ in axis] for _, axis in columns)))
    ]
    return pytest.mark.parametrize(",".join(axes), rows)


def _values(
    axis: Collection[object] | Mapping[object, Collection[Hashable]],
) -> Iterator[tuple[object, frozenset[Hashable]]]:
    for value in axis:
        meets = axis[value] if isinstance(axis, Mapping) else [repr(value)]
        yield value, frozenset(meets)


@cache
def _quick(columns: tuple[Axis, ...]) -> frozenset[int]:
    """Choose rows by their number: one after the other the one that brings most that is new.

    Of several, the one whose values are in the fewest rows already: no backend is preferred.
    """
    rows = [*product(*(axis for _, axis in columns))]
    brings = [frozenset(_brought(columns, row)) for row in rows]
    missing = frozenset[Hashable]().union(*brings)
    chosen: set[int] = set()
    used: Counter[str] = Counter()

    def gain(at: int) -> tuple[int, int]:
        return len(brings[at] & missing), -sum(used[other] for other in _others(rows[at]))

    each = len(rows) // len(columns[0][1])  # rows of one first value
    turns = [range(first, first + each) for first in range(0, len(rows), each)]
    while missing:
        for turn in turns:
            best = max(turn, key=gain)
            if brings[best] & missing:
                chosen.add(best)
                missing -= brings[best]
                used.update(_others(rows[best]))
    return frozenset(chosen)


def _others(row: tuple[tuple[object, frozenset[Hashable]], ...]) -> list[str]:
    """Return what a row has beside its first value: each by itself, and all together."""
    values = [repr(value) for value, _ in row[1:]]
    return [*values, repr(values)]


def _brought(
    columns: tuple[Axis, ...], row: tuple[tuple[object, frozenset[Hashable]], ...]
) -> Iterator[Hashable]:
    """Yield each value of a row, and each two things that meet in it."""
    for (name, _), (value, _) in zip(columns, row):
        yield name, repr(value)
    for (one, (_, first)), (other, (_, second)) in combinations(enumerate(row), 2):
        yield from ((one, other, *pair) for pair in product(first, second))
