"""Paragraphs: what is the matter, where, what led to it, the way out, as problems of a spec have.

The lines are laid out by `cnnspec.spec.diagnostics`, as wide as there is room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from cnnspec.report.diagnostics import MOST_COLUMNS, STYLES
from cnnspec.spec.diagnostics import Rendering, heading_lines, place_lines, remark_lines

ROWS = 16
"""Lines that paragraphs may take on a screen of 24; what is beyond is named by its heading."""

HEADINGS = 3
"""Headings beyond that are named; the rest is counted."""


@dataclass(frozen=True)
class Paragraph:
    """One finding, of whatever kind."""

    code: str
    message: str
    place: str = ""
    notes: tuple[str, ...] = ()
    help: str = ""

    @property
    def heading(self) -> str:
        """The first line."""
        return f"{self.code}: {self.message}"

    def lines(self, width: int) -> list[Text]:
        """Return the lines, so wide."""
        lines: Rendering = heading_lines("error", self.code, _on_one_line(self.message), width)
        if self.place:
            lines += place_lines(self.place, width)
        lines += remark_lines(
            tuple(_on_one_line(note) for note in self.notes if note), self.help, width
        )
        return [Text.assemble(*((text, STYLES[role]) for role, text in line)) for line in lines]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self.lines(min(options.max_width, MOST_COLUMNS))


def _on_one_line(text: str) -> str:
    """Return somebody's text without line breaks: lines are broken where there is no room."""
    return " ".join(text.split())


@dataclass(frozen=True)
class Paragraphs:
    """Paragraphs with a blank line behind each: as many as a screen holds, or the `whole`."""

    paragraphs: Sequence[Paragraph]
    whole: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, MOST_COLUMNS)
        used = 0
        for at, paragraph in enumerate(self.paragraphs):
            lines = paragraph.lines(width)
            used += len(lines) + 1
            if at and used > ROWS and not self.whole:
                yield from _headings([paragraph.heading for paragraph in self.paragraphs[at:]])
                return
            yield from lines
            yield Text("")


def _headings(headings: list[str]) -> RenderResult:
    shown = headings if len(headings) <= HEADINGS else headings[: HEADINGS - 1]
    for heading in shown:
        yield Text(f"also: {heading}")
    rest = len(headings) - len(shown)
    if rest:
        yield Text(f"and {rest} more")
    yield Text("")
