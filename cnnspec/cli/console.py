"""stdout for tables, and stderr for problems: both through rich."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import IO, Any, TextIO, cast

from rich.console import Console
from rich.text import Text

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


class Output(Console):
    """stdout, as it is when this is made, without highlighting."""

    def __init__(self) -> None:
        super().__init__(highlight=False, emoji=False, file=cast("IO[str]", _Trimmed(sys.stdout)))
        if self.no_color:  # rich would still make text bold
            self._color_system = None


def print_problems(problems: Iterable[Diagnostic], *, apart: bool = False) -> None:
    """Print the problems of a spec on stderr, wrapped where that is a terminal.

    With `apart`, an empty line follows.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    width = console.width if console.is_terminal else None
    text = diagnostics_text(problems, width)
    if console.no_color:
        text = Text(text.plain)  # rich would still make it bold
    console.print(text, end="\n\n" if apart else "\n")
