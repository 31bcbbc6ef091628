"""align(): which layer of one plan stands for which of another."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from cnnspec.plan import PlannedLayer
from cnnspec.spec.composites import COMPOSITES
from cnnspec.spec.layers import Layer

# What an alignment costs. A pair of one kind costs less than one layer alone, a pair of two
# kinds less than two alone, but more than one: layers that change places are not replaced.
ALONE, PAIR_OF_ONE_KIND, PAIR_OF_TWO_KINDS, MOST_OPTIONS = 10, 6, 16, 3
# Of a pair in two blocks of other names or kinds, or in two repetitions; so a layer may still come
# into a block.
OTHER_PLACE = 8


def align(
    before: Sequence[PlannedLayer], after: Sequence[PlannedLayer], kept: set[str | None]
) -> list[tuple[PlannedLayer | None, PlannedLayer | None]]:
    """Pair layers at the least cost (Needleman and Wunsch, 1970).

    Layers with a name that users gave in both specs (`kept`) pair with each other alone.
    Those of a repetition pair within that repetition alone: what all of them have in common may
    have changed in all of them, and then a layer is most like another one of the next.
    Of alignments at one cost, that counts in which fewer layers change their name.
    """
    first, last = _common_ends(before, after)
    if first or last:
        ends = len(before) - last, len(after) - last
        inner = align(before[first : ends[0]], after[first : ends[1]], kept)
        return [*zip(before[:first], after), *inner, *zip(before[ends[0] :], after[ends[1] :])]
    unit = 1 + len(before) + len(after)  # more than names can differ
    alone = ALONE * unit
    pairs = _pair_costs(before, after, kept, unit)
    costs = [[alone * j for j in range(1 + len(after))]]
    for row in pairs:
        above, here = costs[-1], [costs[-1][0] + alone]
        for j, cost in enumerate(row):
            here.append(min(above[j] + cost, above[j + 1] + alone, here[j] + alone))
        costs.append(here)

    found: list[tuple[PlannedLayer | None, PlannedLayer | None]] = []
    i, j = len(before), len(after)
    while i or j:
        if i and j and costs[i][j] == costs[i - 1][j - 1] + pairs[i - 1][j - 1]:
            i, j = i - 1, j - 1
            found.append((before[i], after[j]))
            continue
        removes = bool(i) and costs[i][j] == costs[i - 1][j] + alone
        adds = bool(j) and costs[i][j] == costs[i][j - 1] + alone
        # a choice that is the same with the sides exchanged
        if removes and not (adds and repr(before[i - 1]) < repr(after[j - 1])):
            i -= 1
            found.append((before[i], None))
        else:
            j -= 1
            found.append((None, after[j]))
    return found[::-1]


def _common_ends(before: Sequence[PlannedLayer], after: Sequence[PlannedLayer]) -> tuple[int, int]:
    """Count the layers at the start that are the same by name and content, and those at the end."""

    def same(pair: tuple[PlannedLayer, PlannedLayer]) -> bool:
        old, new = pair
        return old.name == new.name and old.layer == new.layer

    first = len(list(itertools.takewhile(same, zip(before, after))))
    rest = zip(
        before[: first - 1 if first else None : -1], after[: first - 1 if first else None : -1]
    )
    return first, len(list(itertools.takewhile(same, rest)))


def _pair_costs(
    before: Sequence[PlannedLayer],
    after: Sequence[PlannedLayer],
    kept: set[str | None],
    unit: int,
) -> list[list[int]]:
    """Return what each pair costs, in units; 1 is for another name."""
    contents = [[content(at) for at in side] for side in (before, after)]
    barred = [[given_name(at) in kept for at in side] for side in (before, after)]
    places = [[_place(at) for at in side] for side in (before, after)]
    repeats = [[_repetitions(at) for at in side] for side in (before, after)]
    in_blocks = any("." in at.name for at in (*before, *after))
    distance = cache(_distance)
    never = 2 * ALONE * unit + 1

    def cost(i: int, j: int) -> int:
        renamed = before[i].name != after[j].name
        if renamed and (barred[0][i] or barred[1][j]):
            return never
        old, new = repeats[0][i], repeats[1][j]
        if any(old[repeat] != new[repeat] for repeat in old.keys() & new.keys()):
            return never
        other = (places[0][i] != places[1][j]) + (
            len(old) == len(new) and [*old.values()] != [*new.values()]
        )
        elsewhere = OTHER_PLACE * other if in_blocks else 0
        return (distance(contents[0][i], contents[1][j]) + elsewhere) * unit + renamed

    return [[cost(i, j) for j in range(len(after))] for i in range(len(before))]


def _distance(before: Layer, after: Layer) -> int:
    if before == after:
        return 0
    if type(before) is not type(after):
        return PAIR_OF_TWO_KINDS
    return PAIR_OF_ONE_KIND + min(MOST_OPTIONS, len(different_options(before, after)))


def _place(layer: PlannedLayer) -> str:
    """Return where a layer stands, without numbers; with its own name where a user gave it."""
    around, _, own = layer.name.rpartition(".")
    named = "" if re.fullmatch(rf"{layer.kind}\d+", own) else own
    return re.sub(r"\d+", "", around) + named


def _repetitions(layer: PlannedLayer) -> dict[str, str]:
    """Return which repetition of each repeat around it a layer stands in: {"stage1": "0"}."""
    steps = layer.name.split(".")
    return {
        ".".join(steps[:at]): step
        for at, step in enumerate(steps)
        if step.isdecimal() and steps[at - 1] != "paths"
    }


def given_name(layer: PlannedLayer) -> str | None:
    """Return the name that users gave to a layer, and to all blocks that it stands in.

    Kind + number is the plan's, even written out; a join has the name of its block.
    """
    *around, own = layer.name.split(".")
    numbered = {re.fullmatch(r"(\w+?)\d+", name) for name in around} - {None}
    if any(found and found[1] in COMPOSITES for found in numbered):
        return None
    return None if re.fullmatch(rf"{layer.kind}\d+", own) else layer.name


def content(at: PlannedLayer) -> Layer:
    """Return the layer without its name and without options that would be inferred as they are."""
    full = at.layer.resolved(at.name, at.input)
    inferred: dict[str, Any] = {}
    for option, field in type(at.layer).model_fields.items():
        if not field.is_required():
            default = {option: field.get_default(call_default_factory=True)}
            if at.layer.model_copy(update=default).resolved(at.name, at.input) == full:
                inferred |= default
    return at.layer.model_copy(update=inferred)


def different_options(before: Layer, after: Layer) -> list[str]:
    """Name the options of two layers of one kind that differ."""
    return [
        option
        for option in type(before).model_fields
        if getattr(before, option) != getattr(after, option)
    ]
