"""Text wrapped to the width that there is, each line behind an indent."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text


@dataclass(frozen=True)
class Wrapped:
    """A text whose lines end in no blanks, as those that rich wraps and pads do."""

    text: Text
    indent: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.text.wrap(console, max(1, options.max_width - len(self.indent))):
            line.rstrip()
            yield Text.assemble(self.indent if line else "", line)
