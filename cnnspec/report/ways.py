"""Ways through a block in a picture of a plan, one below the other, which part and meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from cnnspec.report import svg
from cnnspec.report.chain import Chain
from cnnspec.report.outline import LayerEntry
from cnnspec.report.svg import Line
from cnnspec.spec.layers import Join

# px: from where ways part to their layers; of the circle in which they meet, and before it;
# between two ways.
TRUNK, RADIUS, ARROW, APART = 12.0, 8.0, 14.0, 12.0

ITSELF = "the input itself"
"""What a way without layers is."""


@dataclass(frozen=True)
class Way:
    """A branch, or the input of the block where there is none."""

    label: Line
    name: str
    """Its name in the plan, or the block's where it has none of its own."""
    chain: Chain | None

    @property
    def width(self) -> float:
        """Of its words and its layers."""
        return max(self.label.width, self.chain.width if self.chain else 0.0)

    @property
    def above(self) -> float:
        """How far it reaches above its axis."""
        return self.label.height + 3 + (self.chain.above if self.chain else 0.0)

    @property
    def below(self) -> float:
        """How far it reaches below its axis."""
        return self.chain.below if self.chain else 3.0


@dataclass(frozen=True)
class Ways:
    """Ways one below the other, which part on the left and meet on the right."""

    ways: tuple[Way, ...]
    join: LayerEntry

    @property
    def straight(self) -> int:
        """Number of the way on the axis."""
        return (len(self.ways) - 1) // 2

    @cached_property
    def axes(self) -> list[float]:
        """Where the ways are, below the axis."""
        axes = [0.0]
        for before, way in zip(self.ways, self.ways[1:]):
            axes.append(axes[-1] + before.below + APART + way.above)
        return [axis - axes[self.straight] for axis in axes]

    @property
    def above(self) -> float:
        """How far it reaches above its axis."""
        return self.ways[0].above - self.axes[0]

    @property
    def below(self) -> float:
        """How far it reaches below its axis."""
        return self.ways[-1].below + self.axes[-1]

    @cached_property
    def room(self) -> float:
        """Of the widest way."""
        return max(way.width for way in self.ways)

    @property
    def width(self) -> float:
        """Room from where its arrow begins."""
        return around(self.join) + self.room

    @property
    def sentences(self) -> Iterator[str]:
        """What is drawn, in words."""
        for way in self.ways:
            if way.chain:
                yield from way.chain.sentences
            else:
                yield f"{way.name}: {ITSELF}"

    def draw(
        self, x: float, axis: float, before: float, stretch: float = 0.0
    ) -> tuple[list[str], float]:
        """Draw it from `x` on, its arrow from `before` on; return also where it ends."""
        axes = [axis + lower for lower in self.axes]
        left, middle = x + TRUNK, x + TRUNK + self.room + ARROW + RADIUS
        parts = [svg.polyline([(before, axis), (x, axis)])]
        if len(axes) > 1:
            parts += [svg.polyline([(x, axes[0]), (x, axes[-1])]), svg.dot(x, axis)]
        for way, y in zip(self.ways, axes):
            parts += svg.text([way.label], left, y - way.above, "start")
            end = x
            if way.chain:
                drawn, end = way.chain.draw(left, y, x)
                parts += drawn
            if y == axis:
                parts += svg.arrow(end, middle - RADIUS, axis)
            else:
                parts.append(svg.polyline([(end, y), (middle, y)]))
        for far in {axes[0], axes[-1]} - {axis}:
            parts += svg.upright_arrow(middle, far, axis + (RADIUS if far > axis else -RADIUS))
        circle = svg.circle(middle, axis, RADIUS, _sign(self.join))
        name = _name(self.join)
        circle += svg.text([name], middle + RADIUS + 4, axis - 5 - name.height, "start")
        return parts + svg.group(self.join.first.name, circle), middle + RADIUS


def around(join: LayerEntry) -> float:
    """Return the room that ways take beside their layers, given their join."""
    return TRUNK + ARROW + 2 * RADIUS + 4 + _name(join).width


def _name(join: LayerEntry) -> Line:
    return Line(join.name)


def _sign(join: LayerEntry) -> str:
    layer = join.first.layer
    return layer.sign if isinstance(layer, Join) else ""
