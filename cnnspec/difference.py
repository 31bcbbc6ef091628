"""compare_specs(): what changed between two specs, in layers, shapes and counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from cnnspec.alignment import align, content, different_options, given_name
from cnnspec.plan import INPUT, Plan, PlannedLayer, resolve
from cnnspec.spec.layers import Join
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.section import Section
from cnnspec.spec.sizes import Shape

Status = Literal[
    "added", "removed", "replaced", "changed", "follows", "moved", "renamed", "renumbered", "same"
]


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


def _without_numbers(layer: PlannedLayer) -> str:
    return re.sub(r"\d+", "", layer.name)


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


def _pair(before: PlannedLayer, after: PlannedLayer, moved: bool) -> LayerDifference:
    if before.kind != after.kind:
        return LayerDifference(before, after, moved=moved)
    full = [at.layer.resolved(at.name, at.input) for at in (before, after)]
    options = [
        change
        for option in different_options(content(before), content(after))
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
    for old, new in align(before, after, kept):
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
