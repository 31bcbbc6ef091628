"""Branches of a block in a picture of a plan: lanes, one below the other, which part and meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from cnnspec.report import svg
from cnnspec.report.chain import Chain
from cnnspec.report.outline import Step
from cnnspec.report.svg import Line
from cnnspec.spec.layers import Join

# px: from where branches part to their layers; of the circle in which they meet, and before it;
# between two branches.
TRUNK, RADIUS, ARROW, APART = 12.0, 8.0, 14.0, 12.0


@dataclass(frozen=True)
class Lane:
    """A branch, or the input of the block where there is none."""

    label: Line
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
class Lanes:
    """Branches one below the other, which part on the left and meet on the right."""

    lanes: tuple[Lane, ...]
    join: Step

    @property
    def straight(self) -> int:
        """Number of the branch on the axis."""
        return (len(self.lanes) - 1) // 2

    @cached_property
    def axes(self) -> list[float]:
        """Where the branches are, below the axis."""
        axes = [0.0]
        for before, lane in zip(self.lanes, self.lanes[1:]):
            axes.append(axes[-1] + before.below + APART + lane.above)
        return [axis - axes[self.straight] for axis in axes]

    @property
    def above(self) -> float:
        """How far it reaches above its axis."""
        return self.lanes[0].above - self.axes[0]

    @property
    def below(self) -> float:
        """How far it reaches below its axis."""
        return self.lanes[-1].below + self.axes[-1]

    @cached_property
    def room(self) -> float:
        """Of the widest branch."""
        return max(lane.width for lane in self.lanes)

    @property
    def width(self) -> float:
        """Room from where its arrow begins."""
        return around(self.join) + self.room

    @property
    def sentences(self) -> Iterator[str]:
        """What is drawn, in words."""
        for lane in self.lanes:
            if lane.chain:
                yield from lane.chain.sentences

    def draw(
        self, x: float, axis: float, before: float, stretch: float = 0.0
    ) -> tuple[list[str], float]:
        """Draw it from `x` on, its arrow from `before` on; return also where it ends."""
        axes = [axis + lower for lower in self.axes]
        left, middle = x + TRUNK, x + TRUNK + self.room + ARROW + RADIUS
        parts = [svg.polyline([(before, axis), (x, axis)])]
        if len(axes) > 1:
            parts += [svg.polyline([(x, axes[0]), (x, axes[-1])]), svg.dot(x, axis)]
        for lane, y in zip(self.lanes, axes):
            parts += svg.text([lane.label], left, y - lane.above, "start")
            end = x
            if lane.chain:
                drawn, end = lane.chain.draw(left, y, x)
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


def around(join: Step) -> float:
    """Return the room that branches take beside their layers, given their join."""
    return TRUNK + ARROW + 2 * RADIUS + 4 + _name(join).width


def _name(join: Step) -> Line:
    return Line(join.name)


def _sign(join: Step) -> str:
    layer = join.first.layer
    return layer.sign if isinstance(layer, Join) else ""
