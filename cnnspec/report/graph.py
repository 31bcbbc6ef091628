"""A plan as a picture: one SVG, each activation a block to scale, the layers between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cnnspec.plan import Plan, PlannedLayer
from cnnspec.report import svg
from cnnspec.report.legend import THINNEST, Scale, family_of, legend
from cnnspec.report.svg import Line
from cnnspec.spec.sizes import Shape, pair, show

# px: of the page; between things on it; the height of a broken column, the width of an edging.
WIDEST, NARROWEST, MARGIN = 1080.0, 600.0, 20.0
LANE, PAD, GAP = 16.0, 5.0, 28.0
BROKEN, EDGING = 140.0, 4.0

UNSAID = {"name", "kind", "kernel_size"}
"""Options that the first line of a label says; the shapes say how wide a layer is."""


@dataclass(frozen=True)
class Block:
    """An activation, the layer that gives it (None: the input), and those that act on it."""

    maker: PlannedLayer | None
    acting: tuple[PlannedLayer, ...]
    shape: Shape
    is_logits: bool
    scale: Scale

    @property
    def broken(self) -> bool:
        return self.scale.breaks(self.shape)

    @cached_property
    def drawn(self) -> tuple[float, float, float]:
        """Thickness, height and depth as drawn: the tiny enlarged, the long broken."""
        exact = self.scale.exact(self.shape)
        thickness, height, depth = (max(THINNEST, length) for length in exact)
        return thickness, BROKEN if self.broken else height, depth if len(self.shape) > 1 else 0.0

    @property
    def width(self) -> float:
        return self.drawn[0] + self.drawn[2]

    @property
    def height(self) -> float:
        return self.drawn[1] + self.drawn[2]

    @property
    def sentence(self) -> str:
        """The block in words."""
        made = _sentence(self.maker) if self.maker else f"input: {show(self.shape)}"
        return "; ".join([made, *map(_sentence, self.acting)])

    @cached_property
    def over(self) -> list[Line]:
        """What stands over the arrow to the block: what the layer does."""
        if self.maker is None:
            return []
        names = [Line(part, 12, bold=True) for part in svg.fold_name(self.maker.name)]
        return names + [Line(part) for item in _options(self.maker) for part in svg.fold(item, 13)]

    @cached_property
    def below(self) -> list[Line]:
        """What stands below the arrow to the block: how much the layer learns."""
        words = _parameters(self.maker).split() if self.maker else []
        return [Line(word, 10, colour=svg.GREY) for word in words]

    @cached_property
    def under(self) -> list[Line]:
        """What stands under the block: its shape, and what acts on it."""
        lines = [Line(show(self.shape), bold=True)] + [Line("input")] * (self.maker is None)
        for layer in self.acting:
            colour = svg.mixed(family_of(layer).colour, svg.BLACK, 0.15)
            lines += [Line(part, colour=colour) for part in svg.fold_name(layer.name)]
            more = svg.fold(_not_in_name(layer), 16)
            lines += [Line(part, 10, colour=svg.GREY) for part in more]
        return lines + [Line("logits")] * self.is_logits

    @cached_property
    def arrow_room(self) -> float:
        return max((line.width + 2 * PAD for line in self.over + self.below), default=0.0)

    @cached_property
    def block_room(self) -> float:
        return max(self.width, *(line.width for line in self.under)) + 2 * PAD


def plan_svg(plan: Plan) -> str:
    """Return the plan as one self-contained SVG picture, in ASCII."""
    blocks = _blocks(plan)
    rows = _wrap(blocks, WIDEST - 2 * (MARGIN + LANE))
    right = max(NARROWEST - MARGIN, MARGIN + 2 * LANE + max(map(_room, rows)))
    title = f"{plan.name}: {show(plan.input)} -> {plan.classes} logits"
    numbers = {"layer": len(plan.layers), "parameter": plan.parameter_count, "MAC": plan.macs}
    counts = ", ".join(svg.count(number, noun) for noun, number in numbers.items())
    counts += " for one image"
    heading = svg.fit(Line(title, 16, bold=True), right - MARGIN)
    heading += svg.fit(Line(counts, 12, colour=svg.GREY), right - MARGIN)
    parts = svg.text(heading, MARGIN, MARGIN, "start")
    chain, y = _rows(rows, MARGIN + svg.height_of(heading) + GAP / 2, right)
    layers = [layer for block in blocks for layer in (block.maker, *block.acting)]
    shapes = [block.shape for block in blocks]
    key, bottom = legend(layers, shapes, blocks[0].scale, y, MARGIN, right)
    words = ". ".join([counts, *(block.sentence for block in blocks)])
    return svg.page(title, words, right + MARGIN, bottom + MARGIN, [*parts, *chain, *key])


def _blocks(plan: Plan) -> list[Block]:
    groups: list[tuple[PlannedLayer | None, list[PlannedLayer]]] = [(None, [])]
    for layer in plan.layers:
        if _acts_in_place(layer):
            groups[-1][1].append(layer)
        else:
            groups.append((layer, []))
    shapes = [maker.output if maker else plan.input for maker, _ in groups]
    scale = Scale.of(shapes)
    return [
        Block(maker, tuple(acting), shape, index == len(groups) - 1, scale)
        for index, ((maker, acting), shape) in enumerate(zip(groups, shapes))
    ]


def _acts_in_place(layer: PlannedLayer) -> bool:
    """Tell layers that mix neither channels nor places, such as relu, by what they say."""
    mixes = hasattr(layer.layer, "kernel_size") or any(
        len(shape) > 1 for shape in layer.parameters.values()
    )
    return layer.output == layer.input and not mixes


def _room(row: Sequence[Block]) -> float:
    return sum(block.arrow_room + block.block_room for block in row)


def _wrap(blocks: Sequence[Block], limit: float) -> list[list[Block]]:
    """Break the chain into as few rows as fit the page, and these of about the same length."""

    def rows_of(limit: float) -> list[list[Block]]:
        rows: list[list[Block]] = [[]]
        for block in blocks:
            if rows[-1] and _room([*rows[-1], block]) > limit:
                rows.append([])
            rows[-1].append(block)
        return rows

    rows = rows_of(limit)
    while limit > 0 and len(closer := rows_of(limit - 10)) == len(rows):
        rows, limit = closer, limit - 10
    return rows


def _rows(rows: Sequence[Sequence[Block]], y: float, right: float) -> tuple[list[str], float]:
    """Draw the rows from the height `y`, and the lines that lead from each to the next."""
    parts: list[str] = []
    for index, row in enumerate(rows):
        gutter = y - GAP / 2
        axis = y + max(max(block.height / 2, svg.height_of(block.over) + 6) for block in row)
        under = max(block.height / 2 + 4 + svg.height_of(block.under) for block in row)
        y = axis + max(under, *(svg.height_of(block.below) + 6 for block in row)) + GAP
        slack = right - 2 * LANE - MARGIN - _room(row)
        arrows = sum(block.maker is not None for block in row)
        # all rows but the last reach the right margin, as in set text
        stretch = 0.0 if index == len(rows) - 1 or not arrows else slack / arrows
        if index:
            parts.append(svg.polyline([(MARGIN, gutter), (MARGIN, axis)]))
        drawn, end = _row(row, axis, stretch)
        parts += drawn
        if index < len(rows) - 1:
            low = y - GAP / 2
            parts.append(svg.polyline([(end, axis), (right, axis), (right, low), (MARGIN, low)]))
    return parts, y


def _row(row: Sequence[Block], axis: float, stretch: float) -> tuple[list[str], float]:
    """Draw a row's blocks around the height `axis`; return also where the last one ends."""
    parts, x, before = [], MARGIN + LANE, MARGIN
    for block in row:
        arrow_room = block.arrow_room + (stretch if block.maker else 0.0)
        left = x + arrow_room + (block.block_room - block.width) / 2
        drawn = _block(block, left, axis)
        if block.maker:
            drawn += svg.arrow(before, left - 3, axis)
        middle = x + arrow_room / 2
        drawn += svg.text(block.over, middle, axis - 5 - svg.height_of(block.over))
        drawn += svg.text(block.below, middle, axis + 4)
        drawn += svg.text(block.under, left + block.width / 2, axis + block.height / 2 + 4)
        parts += svg.group(block.sentence, drawn)
        before = left + block.width + 3
        x += arrow_room + block.block_room
    return parts, before


def _block(block: Block, left: float, axis: float) -> list[str]:
    """Draw a cuboid or a column; what acts on it colours an edging where the data leave."""
    thickness, height, depth = block.drawn
    bottom = axis + block.height / 2
    top, right = bottom - height, left + thickness
    colour = family_of(block.maker).colour
    a, b, c, d = (left, top), (right, top), (right, bottom), (left, bottom)
    parts = [svg.polygon([a, b, c, d], colour, "front")]
    if depth:
        (ax, ay), (bx, by), (cx, cy) = ((x + depth, y - depth) for x, y in (a, b, c))
        roof = [a, b, (bx, by), (ax, ay)]
        parts.append(svg.polygon(roof, svg.mixed(colour, svg.WHITE, 0.45), "top"))
        side = [b, (bx, by), (cx, cy), c]
        parts.append(svg.polygon(side, svg.mixed(colour, svg.BLACK, 0.16), "side"))
    if block.acting:
        inner = right - min(EDGING, thickness / 2)
        roof = [(inner, top), (inner + depth, top - depth), (right + depth, top - depth)]
        edging = [*roof, b, c, (inner, bottom)]
        parts.append(svg.polygon(edging, family_of(block.acting[-1]).colour, "edging"))
    return parts + (svg.break_mark(left, right, axis - height / 4) if block.broken else [])


def _options(layer: PlannedLayer) -> list[str]:
    """Say what kind of layer it is, and the options that are not the usual ones."""
    options = layer.layer
    kernel = getattr(options, "kernel_size", None)
    kind = [getattr(options, "kind", ""), layer.kind, show(pair(kernel)) if kernel else ""]
    said = [" ".join(filter(None, kind))]
    unsaid = UNSAID | {options.width, options.input_width}
    for name, field in type(options).model_fields.items():
        value, word = getattr(options, name), name.replace("_", " ")
        # a pool without a written stride steps from window to window
        usual = kernel if name == "stride" and field.default is None else field.default
        if name in unsaid or value is None or value == usual:
            continue
        if isinstance(value, bool):
            said.append(word if value else f"no {word}")
        elif isinstance(value, int | float | str):
            said.append(f"{word} {value}")
        elif isinstance(value, tuple) and all(isinstance(part, int) for part in value):
            said.append(f"{word} {show(value)}")
    return said


def _not_in_name(layer: PlannedLayer) -> str:
    kind, *options = _options(layer)
    named = [] if layer.name.startswith(kind) else [kind]
    return ", ".join(filter(None, [*named, *options, _parameters(layer)]))


def _sentence(layer: PlannedLayer) -> str:
    said = [f"{layer.name}: {show(layer.output)}", *_options(layer), _parameters(layer)]
    return ", ".join(filter(None, said))


def _parameters(layer: PlannedLayer) -> str:
    return svg.count(layer.parameter_count, "parameter") if layer.parameter_count else ""
