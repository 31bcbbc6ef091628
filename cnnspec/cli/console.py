"""stdout for tables, and stderr for problems: both through rich.

The colours are ours alone. What a table or a message quotes is text: neither rich's markup nor
a terminal's escape sequences mean anything in it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import IO, Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from cnnspec.printable import behind_dots, printable_lines
from cnnspec.report.diagnostics import diagnostics_text
from cnnspec.spec.diagnostics import Diagnostic


class _Trimmed:
    """A stream without the blanks that rich fills lines up with; a terminal gets all of them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._blanks = "" if stream.isatty() else r" +(?=\n)"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._stream.write(re.sub(self._blanks, "", text) if self._blanks else text)


class _Safe(Console):
    """A console on which text is text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, emoji=False, markup=False, **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as rich does, but for what would be more than text on a terminal.

        Names of layers that are longer than a line are broken behind dots.
        """
        if isinstance(renderable, Text):
            renderable = _with_names_broken(renderable, options or self.options)
        for segment in super().render(renderable, options):
            if segment.control:  # rich's own: where a bar is drawn anew
                yield segment
            else:
                yield segment._replace(text=printable_lines(segment.text))


def _with_names_broken(text: Text, options: ConsoleOptions) -> Text:
    room = options.max_width
    if options.no_wrap or text.no_wrap or len(text) <= room:
        return text
    breaks = []
    for word in re.finditer(r"\S+", text.plain):
        at = word.start()
        for piece in behind_dots(word[0], room)[:-1]:
            at += len(piece)
            breaks.append(at)
    return text.blank_copy("\n").join(text.divide(breaks)) if breaks else text


class Errors(_Safe):
    """stderr, as it is when this is made."""

    def __init__(self, *, soft_wrap: bool = False) -> None:
        super().__init__(stderr=True, soft_wrap=soft_wrap)


class Output(_Safe):
    """stdout, as it is when this is made."""

    def __init__(self) -> None:
        super().__init__(file=cast("IO[str]", _Trimmed(sys.stdout)))
        if self.no_color:  # rich would still make text bold
            self._color_system = None


def print_problems(problems: Iterable[Diagnostic], *, apart: bool = False) -> None:
    """Print the problems of a spec on stderr, wrapped where that is a terminal.

    With `apart`, an empty line follows.
    """
    console = Errors(soft_wrap=True)
    width = console.width if console.is_terminal else None
    text = diagnostics_text(problems, width)
    if console.no_color:
        text = Text(text.plain)  # rich would still make it bold
    console.print(text, end="\n\n" if apart else "\n")
