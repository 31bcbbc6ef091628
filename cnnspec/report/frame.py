"""The pieces of a picture of a plan: activations, and blocks, each in a frame with its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from cnnspec.plan import PlannedLayer
from cnnspec.report import svg
from cnnspec.report.activation import Activation
from cnnspec.report.chain import Chain, Piece
from cnnspec.report.legend import Scale
from cnnspec.report.outline import Block, Branch, Entry, LayerEntry
from cnnspec.report.svg import Line
from cnnspec.report.ways import ITSELF, Way, Ways, around
from cnnspec.spec.sizes import Shape

# px: before a frame, within it, between the sheets of a repeat.
BEFORE, PAD, SHEET = 10.0, 8.0, 3.0
SHEETS = 2
NARROWEST = 160.0
"""Room that a title takes, however narrow its block is."""

DIFFERS = "shapes and counts: first to last"
"""Said of repetitions, of which one is drawn, where they are not alike."""

TINTS = ("#f5f5f5", "#ffffff")
"""Of frames that stand within each other, by turns."""


@dataclass(frozen=True)
class Frame:
    """A block with its name, in a frame; that of a repeat lies on others like it."""

    block: Block
    inside: Chain | Ways
    depth: int
    arrows: int = 1

    @property
    def sheets(self) -> int:
        """How many others are seen below it."""
        return min(SHEETS, len(self.block.branches) - 1) if self.block.join is None else 0

    @cached_property
    def title(self) -> list[Line]:
        """Its name, and how often its layers come."""
        lines = svg.fit(Line(self.block.name + self._times, 12, bold=True), self._room)
        if self._differs:
            lines += svg.fit(Line(DIFFERS, 10, colour=svg.GREY), self._room)
        return lines

    @property
    def _times(self) -> str:
        return "" if self.block.join else f": {svg.count(len(self.block.branches), 'time')}"

    @property
    def _differs(self) -> bool:
        return self.block.join is None and not self.block.are_alike

    @property
    def _room(self) -> float:
        return max(self.inside.width, NARROWEST)

    @cached_property
    def frame_width(self) -> float:
        """Of the frame alone."""
        return 2 * PAD + max(self.inside.width, *(line.width for line in self.title))

    @property
    def width(self) -> float:
        """Room from where its arrow begins."""
        return BEFORE + self.frame_width + SHEET * self.sheets

    @cached_property
    def above(self) -> float:
        """How far it reaches above its axis."""
        return self._top + SHEET * self.sheets

    @property
    def _top(self) -> float:
        return self.inside.above + svg.height_of(self.title) + PAD

    @cached_property
    def below(self) -> float:
        """How far it reaches below its axis."""
        return self.inside.below + PAD

    @property
    def sentences(self) -> Iterator[str]:
        """What is drawn, in words."""
        yield self._said
        yield from self.inside.sentences

    @property
    def _said(self) -> str:
        said = self.block.path + self._times
        return f"{said}; {DIFFERS}" if self._differs else said

    def draw(self, x: float, axis: float, before: float, stretch: float) -> tuple[list[str], float]:
        """Draw it from `x` on, its arrow from `before` on; return also where it ends."""
        left, top = x + BEFORE + stretch, axis - self._top
        height, tint = self._top + self.below, TINTS[self.depth % len(TINTS)]
        parts = [
            svg.frame(left + by, top - by, self.frame_width, height, tint, "sheet")
            for by in (SHEET * number for number in range(self.sheets, 0, -1))
        ]
        parts.append(svg.frame(left, top, self.frame_width, height, tint, "frame"))
        parts += svg.text(self.title, left + PAD, top + PAD / 2, "start")
        drawn, end = self.inside.draw(left + PAD, axis, before)
        return [*svg.group(self._said, parts), *drawn], end


Group = list[LayerEntry | None]
"""The layer that gives an activation (None: the input), and those that act on it."""


def drawn_branches(block: Block) -> Sequence[Branch | None]:
    """Return the branches that are drawn of a block: of repetitions one, which stands for all."""
    return block.ways if block.join else [block.once]


def groups(entries: Sequence[Entry], before: Sequence[Group] = ()) -> list[Group | Block]:
    """Put layers that act on an activation to the one that gives it."""
    found: list[Group | Block] = [*before]
    for entry in entries:
        if isinstance(entry, Block):
            found.append(entry)
            if entry.join:
                found.append([entry.join])
        elif found and isinstance(found[-1], list) and _acts_in_place(entry.first):
            found[-1].append(entry)
        else:
            found.append([entry])
    return found


def all_groups(found: Sequence[Group | Block]) -> Iterator[Group]:
    """Yield the activations that are drawn, within blocks too."""
    for each in found:
        if isinstance(each, Block):
            for branch in drawn_branches(each):
                yield from all_groups(groups(branch.entries)) if branch else ()
        else:
            yield each


def _acts_in_place(layer: PlannedLayer) -> bool:
    """Tell layers that mix neither channels nor places, such as relu, by what they say."""
    mixes = layer.layer.windows() or any(len(shape) > 1 for shape in layer.parameters.values())
    return layer.output == layer.input and not mixes


@dataclass(frozen=True)
class Drawing:
    """Makes pieces of activations and blocks."""

    input: Shape
    scale: Scale
    last: PlannedLayer
    """The layer that gives the logits."""

    def pieces(self, found: Sequence[Group | Block], limit: float, depth: int = 0) -> list[Piece]:
        """Return pieces no wider than `limit`, where they can be.

        What branches give stands in the row of the branches, where there is room.
        """
        pieces: list[Piece] = []
        joined: Frame | None = None
        for each in found:
            if isinstance(each, Block):
                frame = self._frame(each, limit, depth)
                joined = frame if each.join else None
                pieces.append(frame)
                continue
            activation = self._activation(each)
            if joined and joined.width + activation.width <= limit:
                pieces[-1] = Chain(((joined, activation),))
            else:
                pieces.append(activation)
            joined = None
        return pieces

    def _activation(self, group: Group) -> Activation:
        maker, *acting = group
        shape = maker.first.output if maker else self.input
        ends = group[-1] is not None and group[-1].last is self.last
        ends = ends and len(shape) == 1
        return Activation(maker, tuple(filter(None, acting)), shape, ends, self.scale)

    def _frame(self, block: Block, limit: float, depth: int) -> Frame:
        limit -= BEFORE + 2 * PAD + SHEET * SHEETS
        if block.join is None:
            inside: Chain | Ways = self._chain(block.once, limit, depth)
        else:
            limit -= around(block.join)
            named = zip(block.ways, block.labels)
            ways = tuple(
                Way(
                    Line(branch.label if branch else ITSELF, 10, colour=svg.GREY),
                    ".".join(filter(None, (block.path, label))),
                    self._chain(branch, limit, depth) if branch else None,
                )
                for branch, label in named
            )
            inside = Ways(ways, block.join)
        return Frame(block, inside, depth)

    def _chain(self, branch: Branch, limit: float, depth: int) -> Chain:
        return Chain.of(self.pieces(groups(branch.entries), limit, depth + 1), limit)
