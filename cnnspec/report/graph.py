"""A plan as a picture: one SVG, each activation a block to scale, the layers between them."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.plan import Plan
from cnnspec.report import svg
from cnnspec.report.chain import GAP, LANE, Chain, wrapped
from cnnspec.report.frame import Drawing, Group, all_groups, groups
from cnnspec.report.legend import Scale, legend
from cnnspec.report.outline import Block, outline
from cnnspec.report.plan import gives
from cnnspec.report.svg import Line
from cnnspec.spec.sizes import show

# px: of the page.
WIDEST, NARROWEST, MARGIN = 1080.0, 600.0, 20.0

WIDTHS = (720.0, WIDEST, 1240.0)
"""Of the pages that are tried where there are blocks, which leave more of a row empty."""

SHEET = 2**0.5
"""Height of a sheet of paper over its width: on one, the best page is seen largest."""


def plan_svg(plan: Plan) -> str:
    """Return the plan as one self-contained SVG picture, in ASCII."""
    found = groups(outline(plan), before=[[None]])
    activations = [*all_groups(found)]
    shapes = [maker.first.output if maker else plan.input for maker, *_ in activations]
    scale = Scale.of(shapes)
    chain = _laid_out(found, Drawing(plan.input, scale, plan.layers[-1]))
    right = max(NARROWEST - MARGIN, MARGIN + 2 * LANE + chain.room)
    title = f"{plan.name}: {show(plan.input)} -> {gives(plan)}"
    numbers = {"layer": len(plan.layers), "parameter": plan.parameter_count, "MAC": plan.macs}
    counts = ", ".join(svg.count(number, noun) for noun, number in numbers.items())
    counts += " for one image"
    heading = svg.fit(Line(title, 16, bold=True), right - MARGIN)
    heading += svg.fit(Line(counts, 12, colour=svg.GREY), right - MARGIN)
    parts = svg.text(heading, MARGIN, MARGIN, "start")
    top = MARGIN + svg.height_of(heading) + GAP / 2
    drawn, _, _ = chain.draw_rows(top, MARGIN, right, MARGIN)
    layers = [entry.first if entry else None for group in activations for entry in group]
    key, bottom = legend(
        layers, shapes, scale, top + chain.above + chain.below + GAP, MARGIN, right
    )
    words = ". ".join([counts, *chain.sentences])
    return svg.page(title, words, right + MARGIN, bottom + MARGIN, [*parts, *drawn, *key])


def _laid_out(found: Sequence[Group | Block], drawing: Drawing) -> Chain:
    """Return the rows of a page."""

    def rows(width: float) -> Chain:
        limit = width - 2 * (MARGIN + LANE)
        return Chain(wrapped(drawing.pieces(found, limit), limit))

    if not any(isinstance(each, Block) for each in found):
        return rows(WIDEST)
    chains = map(rows, WIDTHS)
    return min(chains, key=lambda chain: max(chain.room, (chain.above + chain.below) / SHEET))
