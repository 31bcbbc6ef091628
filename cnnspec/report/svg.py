"""Words and shapes as SVG elements, and the room that words take in whatever font draws them."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

# Lengths on the page are in px (CSS pixels, as floats), rightwards and downwards.
Point = tuple[float, float]

INK, GREY, FAINT, PALE = "#1a1a1a", "#595959", "#9a9a9a", "#c8c8c8"
BLACK, WHITE = 0, 255
FONT = "Helvetica, Arial, sans-serif"


class Line(NamedTuple):
    """One line of text."""

    text: str
    size: float = 11
    bold: bool = False
    colour: str = INK

    @property
    def width(self) -> float:
        """Room for the text in any usual font: the letters of DejaVu Sans, rounded up."""
        return self.size * math.fsum(map(_ems, self.text)) * (1 if self.bold else 0.92)

    @property
    def height(self) -> float:
        """From this line to the next one."""
        return self.size + 2.5


def _ems(letter: str) -> float:
    """Return the width of a letter in bold type, or a little more."""
    if letter in "ijlIJft/\\|,.:;'!()[]- ":
        return 0.5
    if letter.isascii() and letter not in "mw" and (letter.islower() or letter.isdigit()):
        return 0.73
    return 1.12 if letter in "mMW" or not letter.isascii() else 1.0


def height_of(lines: Sequence[Line]) -> float:
    """Return the height of lines that stand one under the other."""
    return sum(line.height for line in lines)


def count(number: int, noun: str) -> str:
    """Write a number of things: `1 layer`, `61,706 parameters`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def fold(text: str, letters: int) -> list[str]:
    """Break a text between words, but not within `3 x 3`."""
    whole = text.replace(" x ", "\u00a0x\u00a0")
    return [line.replace("\u00a0", " ") for line in textwrap.wrap(whole, letters)]


def fold_name(name: str, letters: int = 16) -> list[str]:
    """Break a long name behind a `_` where there is one."""
    pattern = f".{{1,{letters}}}$|.{{1,{letters - 1}}}_|.{{1,{letters}}}"
    return re.findall(pattern, name, re.DOTALL)


def fit(line: Line, room: float) -> list[Line]:
    """Break a line into as many as it takes to be no wider than `room`."""
    for letters in range(len(line.text), 1, -1):
        lines = [line._replace(text=part) for part in fold(line.text, letters)]
        if all(part.width <= room for part in lines):
            return lines
    return [line]


def page(title: str, description: str, width: float, height: float, parts: Sequence[str]) -> str:
    """Return a whole picture on white, its size rounded up, in ASCII."""
    size = f'width="{math.ceil(width)}" height="{math.ceil(height)}"'
    box = f'viewBox="0 0 {math.ceil(width)} {math.ceil(height)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} role="img" font-family="{FONT}">',
        f"<title>{_xml(title)}</title>",
        f"<desc>{_xml(description)}</desc>",
        f'<rect {size} fill="#ffffff"/>',
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def group(title: str, parts: Sequence[str]) -> list[str]:
    """Return parts that belong together; viewers show the title of what is pointed at."""
    return ["<g>", f"<title>{_xml(title)}</title>", *parts, "</g>"]


def text(lines: Sequence[Line], x: float, top: float, anchor: str = "middle") -> list[str]:
    """Return lines one under the other, `x` being their middle, or with `start` their left."""
    parts = []
    for line in lines:
        weight = ' font-weight="bold"' if line.bold else ""
        parts.append(
            f'<text x="{_px(x)}" y="{_px(top + line.size)}" font-size="{line.size:g}" '
            f'text-anchor="{anchor}" fill="{line.colour}"{weight}>{_xml(line.text)}</text>'
        )
        top += line.height
    return parts


def polygon(corners: Sequence[Point], fill: str, part: str, edge: str = "#404040") -> str:
    """Return a filled shape; `part` is its class, which says what it stands for."""
    stroke = f'fill="{fill}" stroke="{edge}" stroke-linejoin="round"'
    return f'<polygon class="{part}" points="{_points(corners)}" {stroke}/>'


def polyline(
    corners: Sequence[Point], colour: str = GREY, width: float = 1, part: str = "line"
) -> str:
    """Return a line with corners; `part` is its class, which says what it stands for."""
    stroke = f'fill="none" stroke="{colour}" stroke-width="{width:g}"'
    return f'<polyline class="{part}" points="{_points(corners)}" {stroke}/>'


def arrow(start: float, end: float, y: float) -> list[str]:
    """Return a level arrow to the right."""
    head = [(end - 7, y - 3.5), (end, y), (end - 7, y + 3.5)]
    return [polyline([(start, y), (end - 5, y)]), polygon(head, GREY, "arrow", edge="none")]


def upright_arrow(x: float, start: float, end: float) -> list[str]:
    """Return an arrow down, or up."""
    back = -1 if end > start else 1
    head = [(x - 3.5, end + 7 * back), (x, end), (x + 3.5, end + 7 * back)]
    line = polyline([(x, start), (x, end + 5 * back)])
    return [line, polygon(head, GREY, "arrow", edge="none")]


def frame(left: float, top: float, width: float, height: float, tint: str, part: str) -> str:
    """Return a frame with round corners; `part` is its class, which says what it stands for."""
    place = f'x="{_px(left)}" y="{_px(top)}" width="{_px(width)}" height="{_px(height)}"'
    return f'<rect class="{part}" {place} rx="6" fill="{tint}" stroke="{FAINT}"/>'


def dot(x: float, y: float) -> str:
    """Return a dot where a line parts."""
    return f'<circle cx="{_px(x)}" cy="{_px(y)}" r="2.2" fill="{GREY}"/>'


def circle(x: float, y: float, radius: float, sign: str) -> list[str]:
    """Return a circle with a sign in it."""
    place = f'cx="{_px(x)}" cy="{_px(y)}" r="{radius:g}"'
    ring = f'<circle class="join" {place} fill="#ffffff" stroke="#404040"/>'
    line = Line(sign, 10, bold=True)
    return [ring, *text([line], x, y + 0.36 * line.size - line.size)]


def break_mark(left: float, right: float, middle: float) -> list[str]:
    """Return a zigzag gap across a column, which is longer than it is drawn."""
    xs = [left - 4 + (right - left + 8) * step / 4 for step in range(5)]
    upper = [(x, middle - 3.5 + (3 if step % 2 else -3)) for step, x in enumerate(xs)]
    lower = [(x, y + 7) for x, y in upper]
    gap = polygon(upper + lower[::-1], "#ffffff", "break", edge="none")
    return [gap, polyline(upper), polyline(lower)]


def mixed(colour: str, other: int, share: float) -> str:
    """Return a colour with a share of `BLACK` or `WHITE` in it."""
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part + (other - part) * share):02x}" for part in parts)


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_px(x)},{_px(y)}" for x, y in points)


def _px(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _xml(text: str) -> str:
    return escape(text).encode("ascii", "xmlcharrefreplace").decode()
