"""An activation as a picture of a plan shows it: a block to scale, behind the arrow to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from cnnspec.report import labels, svg
from cnnspec.report.legend import THINNEST, Scale, swatch_of
from cnnspec.report.outline import LayerEntry
from cnnspec.report.svg import Line
from cnnspec.spec.layers import Join
from cnnspec.spec.sizes import Shape, show

# px: around words; the height of a broken column, the width of an edging; of a bare arrow.
PAD = 5.0
BROKEN, EDGING = 140.0, 4.0
BARE = 24.0


@dataclass(frozen=True)
class Activation:
    """A block, the layer that gives it (None: the input), and those that act on it."""

    maker: LayerEntry | None
    acting: tuple[LayerEntry, ...]
    shape: Shape
    is_logits: bool
    scale: Scale

    @property
    def broken(self) -> bool:
        """Whether it is too long to be drawn to scale."""
        return self.scale.breaks(self.shape)

    @cached_property
    def drawn(self) -> tuple[float, float, float]:
        """Thickness, height and depth as drawn: the tiny enlarged, the long broken."""
        exact = self.scale.exact(self.shape)
        thickness, height, depth = (max(THINNEST, length) for length in exact)
        return thickness, BROKEN if self.broken else height, depth if len(self.shape) > 1 else 0.0

    @property
    def block_width(self) -> float:
        """Of the block alone."""
        return self.drawn[0] + self.drawn[2]

    @property
    def height(self) -> float:
        """Of the block alone."""
        return self.drawn[1] + self.drawn[2]

    @property
    def sentence(self) -> str:
        """The block in words."""
        made = labels.sentence(self.maker) if self.maker else f"input: {show(self.shape)}"
        return "; ".join([made, *map(labels.sentence, self.acting)])

    @property
    def sentences(self) -> tuple[str, ...]:
        """The same, as what is drawn."""
        return (self.sentence,)

    @cached_property
    def over(self) -> list[Line]:
        """What stands over the arrow to the block: what the layer does. A join says it itself."""
        if self.maker is None or isinstance(self.maker.first.layer, Join):
            return []
        names = [Line(part, 12, bold=True) for part in svg.fold_name(self.maker.name)]
        options = labels.options(self.maker.first)
        return names + [Line(part) for item in options for part in svg.fold(item, 13)]

    @cached_property
    def under_arrow(self) -> list[Line]:
        """What stands below the arrow to the block: how much the layer learns."""
        words = re.findall(r"to \S+|\S+", labels.parameters(self.maker)) if self.maker else []
        return [Line(word, 10, colour=svg.GREY) for word in words]

    @cached_property
    def under(self) -> list[Line]:
        """What stands under the block: its shape, and what acts on it."""
        shapes = labels.shapes(self.maker) if self.maker else [show(self.shape)]
        lines = [Line(shape, bold=True) for shape in shapes]
        lines += [Line("input")] * (self.maker is None)
        for entry in self.acting:
            colour = svg.mixed(swatch_of(entry.first).colour, svg.BLACK, 0.15)
            lines += [Line(part, colour=colour) for part in svg.fold_name(entry.name)]
            more = svg.fold(labels.not_in_name(entry), 16)
            lines += [Line(part, 10, colour=svg.GREY) for part in more]
        return lines + [Line("logits")] * self.is_logits

    @cached_property
    def arrow_room(self) -> float:
        """Width of the arrow with its words."""
        words = [line.width + 2 * PAD for line in self.over + self.under_arrow]
        return max(words, default=BARE if self.maker else 0.0)

    @cached_property
    def block_room(self) -> float:
        """Width of the block with its words."""
        return max(self.block_width, *(line.width for line in self.under)) + 2 * PAD

    @property
    def width(self) -> float:
        """From where the arrow begins to the end of the block's room."""
        return self.arrow_room + self.block_room

    @property
    def arrows(self) -> int:
        """How many lead to it."""
        return 0 if self.maker is None else 1

    @cached_property
    def above(self) -> float:
        """How far it reaches above its axis: the arrow."""
        return max(self.height / 2, svg.height_of(self.over) + 6)

    @cached_property
    def below(self) -> float:
        """How far it reaches below its axis."""
        under = self.height / 2 + 4 + svg.height_of(self.under)
        return max(under, svg.height_of(self.under_arrow) + 6)

    def draw(self, x: float, axis: float, before: float, stretch: float) -> tuple[list[str], float]:
        """Draw it from `x` on, its arrow from `before` on; return also where it ends."""
        arrow_room = self.arrow_room + (stretch if self.maker else 0.0)
        left = x + arrow_room + (self.block_room - self.block_width) / 2
        drawn = self._block(left, axis)
        if self.maker:
            drawn += svg.arrow(before, left - 3, axis)
        middle = x + arrow_room / 2
        drawn += svg.text(self.over, middle, axis - 5 - svg.height_of(self.over))
        drawn += svg.text(self.under_arrow, middle, axis + 4)
        under = axis + self.height / 2 + 4
        drawn += svg.text(self.under, left + self.block_width / 2, under)
        return svg.group(self.sentence, drawn), left + self.block_width + 3

    def _block(self, left: float, axis: float) -> list[str]:
        """Draw a cuboid or a column, with an edging for each that acts on it."""
        thickness, height, depth = self.drawn
        bottom = axis + self.height / 2
        top, right = bottom - height, left + thickness
        colour = swatch_of(self.maker.first if self.maker else None).colour
        a, b, c, d = (left, top), (right, top), (right, bottom), (left, bottom)
        parts = [svg.polygon([a, b, c, d], colour, "front")]
        if depth:
            (ax, ay), (bx, by), (cx, cy) = ((x + depth, y - depth) for x, y in (a, b, c))
            roof = [a, b, (bx, by), (ax, ay)]
            parts.append(svg.polygon(roof, svg.mixed(colour, svg.WHITE, 0.45), "top"))
            side = [b, (bx, by), (cx, cy), c]
            parts.append(svg.polygon(side, svg.mixed(colour, svg.BLACK, 0.16), "side"))
        stripe = min(EDGING, thickness / 2 / max(1, len(self.acting)))
        for number, entry in enumerate(reversed(self.acting)):  # the last stands where data leave
            outer, inner = right - number * stripe, right - (number + 1) * stripe
            roof = [(inner, top), (inner + depth, top - depth), (outer + depth, top - depth)]
            edging = [*roof, (outer, top), (outer, bottom), (inner, bottom)]
            parts.append(svg.polygon(edging, swatch_of(entry.first).colour, "edging"))
        mark = svg.break_mark(left, right, axis - height / 4) if self.broken else []
        return parts + mark
