"""Diagnostic: one problem of a spec, its place and the way out."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

from cnnspec.printable import behind_dots, printable
from cnnspec.spec.codes import CODES, Severity

Path = tuple[str | int, ...]
"""Keys and indices that lead from the top of a spec to a value."""

Role = Literal["error", "warning", "message", "margin", "place", "source", "caret", "note", "help"]
"""What a part of a rendering is; a terminal gives each a colour."""

Rendering = list[list[tuple[Role, str]]]
"""Lines of parts."""

SOURCE_WIDTH = 140
"""Columns of a source line that are shown where no width is given."""


@dataclass(frozen=True)
class Location:
    """A span of one line of a text; `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    end_column: int
    text: str


@dataclass(frozen=True)
class Diagnostic:
    """One problem of a spec."""

    code: str
    message: str
    path: Path = ()
    location: Location | None = None
    help: str = ""
    notes: tuple[str, ...] = ()
    """What led to it: what a layer receives, and the arithmetic."""

    @property
    def severity(self) -> Severity:
        """An error, which makes a spec invalid, or a warning."""
        return CODES[self.code].severity

    def render(self, width: int | None = None) -> str:
        """Write the problem with its source line and a caret under the place.

        Words are wrapped at `width` columns; without one, only long source lines are cut.
        """
        return "\n".join("".join(text for _, text in line) for line in self.layout(width))

    def layout(self, width: int | None = None) -> Rendering:
        """Return the lines of `render`, each in parts that are told apart."""
        heading = self.code if self.severity == "error" else f"{self.code} (warning)"
        lines = heading_lines(self.severity, heading, self.message, width)
        margin = ""
        if self.location is not None:
            margin = " " * len(str(self.location.line))
            lines += _place(self.location, margin, width)
        elif self.path:
            lines += place_lines(show_path(self.path), width)
        return lines + remark_lines(self.notes, self.help, width, margin)


def heading_lines(severity: Severity, heading: str, message: str, width: int | None) -> Rendering:
    """Lay out the first lines of a block: what kind of thing it is, and what is the matter."""
    first, *more = _wrapped(f"{heading}: {message}", width, "  ")
    lines: Rendering = [[(severity, first[: len(heading)]), ("message", first[len(heading) :])]]
    return lines + [[("message", line)] for line in more]


def place_lines(place: str, width: int | None) -> Rendering:
    """Lay out where something is, where there is no line of a file to show."""
    head, *rest = _wrapped(place, width and width - 5, "")
    lines: Rendering = [[("margin", " --> "), ("place", head)]]
    return lines + [[("margin", "     "), ("place", line)] for line in rest]


def remark_lines(
    notes: tuple[str, ...], help: str, width: int | None, margin: str = ""
) -> Rendering:
    """Lay out the last lines of a block: what led to it, and the way out."""
    lines: Rendering = []
    for note in notes:
        head, *rest = _wrapped(note, width and width - len(margin) - 3, "  ")
        lines.append([("margin", f"{margin} = "), ("note", head)])
        lines += [[("margin", f"{margin}   "), ("note", line)] for line in rest]
    if help:
        head, *rest = _wrapped(help, width and width - 6, "")
        lines.append([("help", "help: "), ("note", head)])
        lines += [[("help", "      "), ("note", line)] for line in rest]
    return lines


def _wrapped(text: str, width: int | None, indent: str) -> list[str]:
    """Break a text between words, and long names behind dots, where it is wider than `width`."""
    first, *words = printable(text).split(" ")
    if width is None:
        return [" ".join([first, *words])]
    lines = behind_dots(first, width)
    for word in words:
        longer = f"{lines[-1]} {word}"
        if _columns(longer) <= width:
            lines[-1] = longer
        else:
            lines += [indent + piece for piece in behind_dots(word, width - len(indent))]
    return lines


def _place(at: Location, margin: str, width: int | None) -> Rendering:
    place = printable(f"{at.file}:{at.line}:{at.column}")
    lines: Rendering = [[("margin", f"{margin}--> "), ("place", place)]]
    if at.text:
        room = (width or SOURCE_WIDTH + 10) - len(margin) - 3
        text, start, span = _clipped(at, max(room, 20))
        bar: tuple[Role, str] = ("margin", f"{margin} |")
        source = f" {text}".rstrip()
        lines += [
            [bar],
            [("margin", f"{at.line} |"), ("source", source)],
            [bar, ("caret", f" {' ' * start}{'^' * span}")],
        ]
    return lines


def _clipped(at: Location, room: int) -> tuple[str, int, int]:
    """Return the part of a line around the place, and the columns of the caret in it."""
    start, end = at.column - 1, max(at.end_column - 1, at.column)
    first = 0
    text = at.text[: start + 4 * room]
    if _columns(text) > room and _columns(text[:end]) > room - 4:
        first = max(0, start - room // 3)
    before = "..." if first else ""
    lead = before + printable(text[first:start])
    under = printable(text[start:end])
    shown = lead + under + printable(text[end:])
    if _columns(shown) > room:
        while _columns(shown) > room - 3:
            shown = shown[: -max(1, (_columns(shown) - room + 3) // 2)]
        shown += "..."
    span = min(max(1, _columns(under)), max(1, room - _columns(lead)))
    return shown, _columns(lead), span


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF")
        for sign in text
    )


def brief(text: str, most: int = 60) -> str:
    """Cut a text that is quoted in a message."""
    return text if len(text) <= most else f"{text[:most]}..."


def show_path(path: Path) -> str:
    """Write a path as Python would: `layers[3].conv.kernel_size`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
