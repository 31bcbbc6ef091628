"""Diagnostic: one problem of a spec, its place and the way out."""

from __future__ import annotations

import re
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Keys and indices that lead from the top of a spec to a value."""


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

    def render(self) -> str:
        """Write the problem with its source line and a caret under the place."""
        lines = [f"{self.code}: {self.message}"]
        if self.location is not None:
            at = self.location
            number = str(at.line)
            margin = " " * len(number)
            caret = "^" * max(1, at.end_column - at.column)
            lines.append(f"{margin}--> {at.file}:{at.line}:{at.column}")
            if at.text:
                lines += [
                    f"{margin} |",
                    f"{number} | {at.text}".rstrip(),
                    f"{margin} | {' ' * (at.column - 1)}{caret}",
                ]
        elif self.path:
            lines.append(f" --> {show_path(self.path)}")
        if self.help:
            lines.append(f"help: {self.help}")
        return "\n".join(map(_printable, lines))


def _printable(line: str) -> str:
    """Replace, one by one, what would move the cursor or change the look of a terminal."""
    return re.sub(
        r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", "\ufffd", line.replace("\t", " ")
    )


def show_path(path: Path) -> str:
    """Write a path as Python would: `layers[3].conv.kernel_size`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
