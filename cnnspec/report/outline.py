"""A plan as the tree that its spec was: blocks, their branches, and the layers in these.

A plan is flat. The names of its layers say in which blocks they stand, and what a join reads says
where a branch without layers goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from cnnspec.plan import Plan, PlannedLayer


@dataclass(frozen=True)
class LayerEntry:
    """A layer; within a repeat that is shown once, the layer in all its repetitions."""

    name: str
    """Its name in the list that it stands in."""
    first: PlannedLayer
    last: PlannedLayer
    """That of the last repetition; the same as `first` where nothing is repeated."""


@dataclass(frozen=True)
class Branch:
    """Layers and blocks, one after the other: a way through a block, or one repetition."""

    label: str
    """What stands in names between the block's and those of its layers: `body`, `paths.0`."""
    entries: tuple[LayerEntry | Block, ...]

    @property
    def layers(self) -> Iterator[PlannedLayer]:
        """The layers of the plan, in order; of what is shown once, those of the first time."""
        for entry in self.entries:
            if isinstance(entry, LayerEntry):
                yield entry.first
            else:
                yield from entry.layers


@dataclass(frozen=True)
class Block:
    """Branches that meet in a join; or, without a join, repetitions one after the other."""

    name: str
    """Its name in the list that it stands in."""
    path: str
    """Its name in the plan, with those of the blocks around it."""
    branches: tuple[Branch, ...]
    join: LayerEntry | None

    @property
    def layers(self) -> Iterator[PlannedLayer]:
        """The layers of the plan, in order; of what is shown once, those of the first time."""
        for branch in self.branches:
            yield from branch.layers
        if self.join:
            yield self.join.first

    @cached_property
    def ways(self) -> tuple[Branch | None, ...]:
        """What the join reads, in its order; None: the input of the block itself."""
        sources = self.join.first.inputs if self.join else ()
        branches = {branch.label: branch for branch in self.branches}
        return tuple(branches.get(_label(source, self.path)) for source in sources)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels of its ways; the input of the block itself has one among numbered ways."""
        numbered = (branch.label.rpartition(".") for branch in self.branches)
        stem = next((stem for stem, _, number in numbered if number.isdecimal()), "")
        unnamed = (f"{stem}.{number}" if stem else "" for number in range(len(self.ways)))
        return tuple(way.label if way else label for way, label in zip(self.ways, unnamed))

    @cached_property
    def are_alike(self) -> bool:
        """Whether each repetition has the same layers with the same shapes."""
        first, *others = ([*map(_content, branch.layers)] for branch in self.branches)
        return all(other == first for other in others)

    @property
    def once(self) -> Branch:
        """All repetitions as one branch, whose layers hold those of the first and of the last."""
        return _together(self.branches[0], self.branches[-1])


Entry = LayerEntry | Block


def outline(plan: Plan) -> tuple[Entry, ...]:
    """Return the layers and blocks that a plan consists of, from the outermost inwards."""
    return _entries(plan.layers, "")


def _entries(layers: Sequence[PlannedLayer], prefix: str) -> tuple[Entry, ...]:
    """Return what layers whose names begin with a prefix consist of."""
    entries: list[Entry] = []
    for name, group in groupby(layers, lambda at: at.name[len(prefix) :].partition(".")[0]):
        inside = [*group]
        if inside[0].name == prefix + name:
            entries += [LayerEntry(name, layer, layer) for layer in inside]
        else:
            entries.append(_block(inside, name, prefix + name))
    return tuple(entries)


def _block(layers: Sequence[PlannedLayer], name: str, path: str) -> Block:
    branches, join = [], None
    for label, group in groupby(layers, lambda at: _label(at.name, path)):
        inside = [*group]
        if label:
            branches.append(Branch(label, _entries(inside, f"{path}.{label}.")))
        else:
            join = LayerEntry(inside[-1].name.removeprefix(f"{path}."), inside[-1], inside[-1])
    return Block(name, path, tuple(branches), join)


def _label(name: str, path: str) -> str:
    """Return the label of the branch of a block in which a layer stands; empty: in no branch."""
    inside = re.match(r"([^.]+(?:\.\d+)*)\.", name[len(path) + 1 :])
    return inside[1] if inside and name.startswith(f"{path}.") else ""


def _content(layer: PlannedLayer) -> tuple[object, ...]:
    return layer.layer, layer.input_shapes, layer.output


def _together(first: Branch, last: Branch) -> Branch:
    entries = zip(first.entries, last.entries, strict=True)
    return Branch(first.label, tuple(_pair(*pair) for pair in entries))


def _pair(first: Entry, last: Entry) -> Entry:
    if isinstance(first, LayerEntry) and isinstance(last, LayerEntry):
        return LayerEntry(first.name, first.first, last.last)
    if not (isinstance(first, Block) and isinstance(last, Block)):
        raise ValueError(f"repetitions differ: {first.name} and {last.name}")
    pairs = zip(first.branches, last.branches, strict=True)
    join = None
    if first.join and last.join:
        join = LayerEntry(first.join.name, first.join.first, last.join.last)
    branches = tuple(_together(*pair) for pair in pairs)
    return Block(first.name, first.path, branches, join)
