"""compare_specs(): what changed between two specs, in layers, shapes and counts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from cnnspec.plan import INPUT, Plan, PlannedLayer, resolve
from cnnspec.spec.composites import COMPOSITES
from cnnspec.spec.layers import Join, Layer
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.section import Section
from cnnspec.spec.sizes import Shape

Status = Literal[
    "added", "removed", "replaced", "changed", "follows", "moved", "renamed", "renumbered", "same"
]

# What an alignment costs. A pair of one kind costs less than one layer alone, a pair of two
# kinds less than two alone, but more than one: layers that change places are not replaced.
ALONE, PAIR_OF_ONE_KIND, PAIR_OF_TWO_KINDS, MOST_OPTIONS = 10, 6, 16, 3
# Of a pair in two blocks of other names or kinds; so a layer may still come into a block.
OTHER_PLACE = 8


@dataclass(frozen=True)
class Change:
    """One option that differs; None where it is not set."""

    path: str
    """Where it stands, as in `training.optimizer.learning_rate`."""
    before: Any
    after: Any


@dataclass(frozen=True)
class LayerDifference:
    """A layer before and after; None where there is no such layer."""

    before: PlannedLayer | None
    after: PlannedLayer | None
    options: tuple[Change, ...] = ()
    moved: bool = False
    """Whether the layer, known by its name, has another place in the order."""

    @property
    def renamed(self) -> bool:
        """Whether its name differs, and so the names of its parameters."""
        return bool(self.before and self.after and self.before.name != self.after.name)

    @property
    def status(self) -> Status:
        """What happened to the layer; `follows`: its shapes changed, its options did not."""
        if self.before is None or self.after is None:
            return "added" if self.before is None else "removed"
        if self.before.kind != self.after.kind:
            return "replaced"
        if self.options:
            return "changed"
        if (self.before.output, self.before.state) != (self.after.output, self.after.state):
            return "follows"
        if self.moved:
            return "moved"
        if self.renamed:
            given = given_name(self.before) or given_name(self.after)
            alike = _without_numbers(self.before) == _without_numbers(self.after)
            return "renumbered" if alike and not given else "renamed"
        return "same"


@dataclass(frozen=True)
class Misfit:
    """A parameter or buffer that one spec alone has, or that has two shapes."""

    name: str
    before: Shape | None
    after: Shape | None


@dataclass(frozen=True)
class Difference:
    """What changed between two specs."""

    before: Plan
    after: Plan
    layers: tuple[LayerDifference, ...]
    """All layers, the same ones too, in order of execution."""
    options: tuple[Change, ...]
    """Everything but the layers."""

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.options and all(layer.status == "same" for layer in self.layers)

    @property
    def misfits(self) -> tuple[Misfit, ...]:
        """What keeps weights of the one from being loaded into the other."""
        before, after = self.before.state, self.after.state
        return tuple(
            Misfit(name, before.get(name), after.get(name))
            for name in dict.fromkeys([*before, *after])
            if before.get(name) != after.get(name)
        )

    @property
    def renamed_parameters(self) -> dict[str, str]:
        """Parameters and buffers of renamed layers that kept their shape: {before: after}."""
        return {
            f"{layer.before.name}.{name}": f"{layer.after.name}.{name}"
            for layer in self.layers
            if layer.before and layer.after and layer.renamed and layer.status != "replaced"
            for name, shape in layer.before.state.items()
            if layer.after.state.get(name) == shape
        }


def compare_specs(before: ModelSpec, after: ModelSpec) -> Difference:
    """Say what changed between two specs; what is written out without need is no difference.

    Raises:
        SpecError: the layers of one do not fit together.
    """
    old, new = resolve(before), resolve(after)
    layers = list(_layers(old.layers, new.layers))
    options = [
        change
        for option in type(before).model_fields
        if option != "layers"
        for change in _changes(option, getattr(before, option), getattr(after, option))
    ]
    return Difference(old, new, tuple(_with_inputs(layers)), tuple(options))


def given_name(layer: PlannedLayer) -> str | None:
    """Return the name that users gave to a layer, and to all blocks that it stands in.

    Kind + number is the plan's, even written out; a join has the name of its block.
    """
    *around, own = layer.name.split(".")
    numbered = {re.fullmatch(r"(\w+?)\d+", name) for name in around} - {None}
    if any(found and found[1] in COMPOSITES for found in numbered):
        return None
    return None if re.fullmatch(rf"{layer.kind}\d+", own) else layer.name


def _without_numbers(layer: PlannedLayer) -> str:
    return re.sub(r"\d+", "", layer.name)


def _place(layer: PlannedLayer) -> str:
    """Return where a layer stands, without numbers; with its own name where a user gave it."""
    around, _, own = layer.name.rpartition(".")
    named = "" if re.fullmatch(rf"{layer.kind}\d+", own) else own
    return re.sub(r"\d+", "", around) + named


def _changes(path: str, before: Any, after: Any) -> Iterator[Change]:
    """Yield what differs below a path, in as small parts as both sides have."""
    if before == after:
        return
    if isinstance(before, Section) and type(before) is type(after):
        for option in type(before).model_fields:
            values = getattr(before, option), getattr(after, option)
            yield from _changes(f"{path}.{option}", *values)
    elif _are_lists_of_sections(before, after):
        for index, values in enumerate(zip(before, after)):
            yield from _changes(f"{path}[{index}]", *values)
    else:
        yield Change(path, before, after)


def _are_lists_of_sections(before: Any, after: Any) -> bool:
    return (
        isinstance(before, tuple)
        and isinstance(after, tuple)
        and len(before) == len(after)
        and all(isinstance(item, Section) for item in (*before, *after))
    )


def _content(at: PlannedLayer) -> Layer:
    """Return the layer without its name and without options that would be inferred as they are."""
    full = at.layer.resolved(at.name, at.input)
    inferred: dict[str, Any] = {}
    for option, field in type(at.layer).model_fields.items():
        if not field.is_required():
            default = {option: field.get_default(call_default_factory=True)}
            if at.layer.model_copy(update=default).resolved(at.name, at.input) == full:
                inferred |= default
    return at.layer.model_copy(update=inferred)


def _different_options(before: Layer, after: Layer) -> list[str]:
    return [
        option
        for option in type(before).model_fields
        if getattr(before, option) != getattr(after, option)
    ]


def _pair(before: PlannedLayer, after: PlannedLayer, moved: bool) -> LayerDifference:
    if before.kind != after.kind:
        return LayerDifference(before, after, moved=moved)
    full = [at.layer.resolved(at.name, at.input) for at in (before, after)]
    options = [
        change
        for option in _different_options(_content(before), _content(after))
        for change in _changes(option, *(getattr(layer, option) for layer in full))
    ]
    return LayerDifference(before, after, tuple(options), moved)


def _layers(
    before: Sequence[PlannedLayer], after: Sequence[PlannedLayer]
) -> Iterator[LayerDifference]:
    """Yield the layers of both, aligned; removed ones stand before what was added there."""
    given = {given_name(at): at for at in before if given_name(at)}
    kept = {given_name(at) for at in after} & set(given)
    added: list[LayerDifference] = []
    for old, new in _align(before, after, kept):
        if old and new:
            yield from added
            added.clear()
            yield _pair(old, new, moved=False)
        elif old and given_name(old) not in kept:
            yield LayerDifference(old, None)
        elif new:
            origin = given[given_name(new)] if given_name(new) in kept else None
            added.append(_pair(origin, new, True) if origin else LayerDifference(None, new))
    yield from added


def _with_inputs(layers: Sequence[LayerDifference]) -> Iterator[LayerDifference]:
    """Add what joins read, where that is more, less, or in another order.

    What is new, no longer there, or has moved, is told of itself.
    """
    stayed = [at for at in layers if not at.moved]
    pairs = [(at.before.name, at.after.name) for at in stayed if at.before and at.after]
    became = {INPUT: INPUT, **dict(pairs)}
    there = set(became.values())
    for layer in layers:
        old, new = layer.before, layer.after
        if old and new and isinstance(old.layer, Join) and isinstance(new.layer, Join):
            reads = [(became.get(source), now) for source, now in zip(old.inputs, new.inputs)]
            other = any(was and now in there and was != now for was, now in reads)
            if other or len(old.inputs) != len(new.inputs):
                change = Change("inputs", old.inputs, new.inputs)
                layer = replace(layer, options=(*layer.options, change))
        yield layer


def _align(
    before: Sequence[PlannedLayer], after: Sequence[PlannedLayer], kept: set[str | None]
) -> list[tuple[PlannedLayer | None, PlannedLayer | None]]:
    """Pair layers at the least cost (Needleman and Wunsch, 1970).

    Layers with a name that users gave in both specs (`kept`) pair with each other alone.
    Of alignments at one cost, that counts in which fewer layers change their name.
    """
    first, last = _common_ends(before, after)
    if first or last:
        ends = len(before) - last, len(after) - last
        inner = _align(before[first : ends[0]], after[first : ends[1]], kept)
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
    contents = [[_content(at) for at in side] for side in (before, after)]
    barred = [[given_name(at) in kept for at in side] for side in (before, after)]
    places = [[_place(at) for at in side] for side in (before, after)]
    in_blocks = any("." in at.name for at in (*before, *after))
    distance = cache(_distance)
    never = 2 * ALONE * unit + 1

    def cost(i: int, j: int) -> int:
        renamed = before[i].name != after[j].name
        if renamed and (barred[0][i] or barred[1][j]):
            return never
        elsewhere = OTHER_PLACE if in_blocks and places[0][i] != places[1][j] else 0
        return (distance(contents[0][i], contents[1][j]) + elsewhere) * unit + renamed

    return [[cost(i, j) for j in range(len(after))] for i in range(len(before))]


def _distance(before: Layer, after: Layer) -> int:
    if before == after:
        return 0
    if type(before) is not type(after):
        return PAIR_OF_TWO_KINDS
    return PAIR_OF_ONE_KIND + min(MOST_OPTIONS, len(_different_options(before, after)))
