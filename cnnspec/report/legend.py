"""What the colours and lengths in a picture of a plan mean, and the legend that says so."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from cnnspec.plan import PlannedLayer
from cnnspec.report import svg
from cnnspec.report.svg import Line, Point
from cnnspec.spec.sizes import Shape

# At most these px: an image's height or width, its channels, a whole column, a scale bar.
SIDE, THICKNESS, COLUMN, BAR = 120.0, 64.0, 110.0, 48.0
COLUMN_WIDTH, THINNEST = 12.0, 2.5
SLANT = math.sqrt(2) / 4
"""Right and up per px of width: a cabinet projection, which draws depth at half its length."""
BREAK_OVER = 10
"""Columns over this many times the median length are broken: to scale they would hide the rest."""


class Swatch(NamedTuple):
    """A colour and what has it. Hues after Okabe and Ito, whose lightness differs in grey too."""

    title: str
    colour: str


INPUT = Swatch("input", "#ffffff")
COLOURS = {
    "convolution": "#56a0d3",
    "pooling": "#f5c84c",
    "fully connected": "#2f9e7c",
    "reshaping": "#a8a8a8",
    "activation": "#a8326e",
    "normalisation": "#d9693c",
    "joining branches": "#b7a3d6",
    "other": "#8a7156",
}


def swatch_of(layer: PlannedLayer | None) -> Swatch:
    """Return the swatch of a layer, or of the input, which no layer gives."""
    return Swatch(layer.layer.family, COLOURS[layer.layer.family]) if layer else INPUT


class Scale(NamedTuple):
    """Px for one pixel, one channel and one feature; columns over `longest` are broken."""

    space: float
    channels: float
    features: float
    longest: int

    @classmethod
    def of(cls, shapes: Sequence[Shape]) -> Scale:
        """Return the one scale at which all these activations are drawn."""
        images = [shape for shape in shapes if len(shape) == 3]
        lengths = [shape[0] for shape in shapes if len(shape) == 1] or [1]
        limit = BREAK_OVER * statistics.median_low(lengths)
        longest = max(length for length in lengths if length <= limit)
        return cls(
            space=min(8.0, SIDE / max(max(shape[1:]) for shape in images)),
            channels=min(4.0, THICKNESS / max(shape[0] for shape in images)),
            features=min(4.0, COLUMN / longest),
            longest=longest,
        )

    def exact(self, shape: Shape) -> tuple[float, float, float]:
        """Return thickness, height and depth to scale, the depth as it goes to the right."""
        if len(shape) == 1:
            return COLUMN_WIDTH, shape[0] * self.features, 0.0
        channels, height, width = shape
        return channels * self.channels, height * self.space, width * self.space * SLANT

    def breaks(self, shape: Shape) -> bool:
        """Tell a column that is too long to be drawn to scale."""
        return len(shape) == 1 and shape[0] > self.longest


def legend(
    layers: Sequence[PlannedLayer | None],
    shapes: Sequence[Shape],
    scale: Scale,
    top: float,
    left: float,
    right: float,
) -> tuple[list[str], float]:
    """Draw the colours, the scale bars and what is not to scale; return also where it ends."""
    parts = [svg.polyline([(left, top), (right, top)], svg.PALE)]
    x, y = left, top + 16
    for swatch in dict.fromkeys(map(swatch_of, layers)):
        line = Line(swatch.title)
        if x + 18 + line.width > right:
            x, y = left, y + 18
        square = [(x, y), (x + 12, y), (x + 12, y + 12), (x, y + 12)]
        parts.append(svg.polygon(square, swatch.colour, "swatch"))
        parts += svg.text([line], x + 18, y - 1, "start")
        x += 18 + line.width + 8
    x, foot = left, y + 28 + BAR
    for bar, width, words in _bars(scale, columns=any(len(shape) == 1 for shape in shapes)):
        line = Line(words)
        if x + width + 8 + line.width > right:
            x, foot = left, foot + 14 + BAR
        corners = [(x + dx, foot + dy) for dx, dy in bar]
        parts.append(svg.polyline(corners, svg.INK, 2, "bar"))
        parts += svg.text([line], x + width + 8, foot - line.size, "start")
        x += width + 8 + line.width + 16
    lines = [Line(note, colour=svg.GREY) for note in _notes(shapes, scale)]
    notes = [part for line in lines for part in svg.fit(line, right - left)]
    return parts + svg.text(notes, left, foot + 10, "start"), foot + 10 + svg.height_of(notes)


def _bars(scale: Scale, *, columns: bool) -> list[tuple[list[Point], float, str]]:
    """Return the scale bars: points right of and below the foot, width, and what it says."""
    pixels, length = _bar(scale.space)
    slant = length * SLANT
    bent = [(0.0, -length), (0.0, 0.0), (slant, -slant)]
    channels, thickness = _bar(scale.channels)
    features, height = _bar(scale.features)
    return [
        (bent, slant, f"{svg.count(pixels, 'pixel')}: height upright, width slanted"),
        ([(0.0, 0.0), (thickness, 0.0)], thickness, svg.count(channels, "channel")),
        *[([(0.0, 0.0), (0.0, -height)], 2.0, svg.count(features, "feature"))] * columns,
    ]


def _bar(unit: float) -> tuple[int, float]:
    """Return the largest 1, 2 or 5 times a power of ten that fits a bar, and its length."""
    counts = [first * 10**zeros for zeros in range(12) for first in (1, 2, 5)]
    count = max(count for count in counts if count * unit <= BAR)
    return count, count * unit


def _notes(shapes: Sequence[Shape], scale: Scale) -> list[str]:
    """Say what is not to scale."""
    thicknesses, heights, depths = zip(*(scale.exact(shape) for shape in shapes if shape[1:]))
    columns = [scale.exact(shape)[1] for shape in shapes if not shape[1:]]
    lengths = {
        "channels": (thicknesses, scale.channels),
        "pixels of height": (heights, scale.space),
        "pixels of width": (depths, scale.space * SLANT),
        "features": (columns, scale.features),
    }
    tiny = [
        f"fewer than {math.ceil(THINNEST / unit):,} {what}"
        for what, (exact, unit) in lengths.items()
        if min(exact, default=THINNEST) < THINNEST
    ]
    notes = [f"Enlarged, to be visible: {', '.join(tiny)}."] if tiny else []
    if any(map(scale.breaks, shapes)):
        longest = svg.count(scale.longest, "feature")
        notes.append(f"Broken, not to scale: columns of more than {longest}.")
    return notes
