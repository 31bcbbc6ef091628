"""The look that all tables share."""

from __future__ import annotations

import re
from typing import Literal

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

Column = str | tuple[str, Literal["left", "right"]]


def plain_table(*columns: Column, title: str | None = None) -> Table:
    """Return an empty table with thin lines; numbers stand right, words left and may fold."""
    table = Table(
        title=title,
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        title_justify="left",
        title_style="bold",
    )
    for column in columns:
        if isinstance(column, str):
            table.add_column(column, justify="right", no_wrap=True)
        else:
            table.add_column(column[0], justify=column[1], overflow="fold")
    return table


class Dotted:
    """The name of a layer, which takes more lines behind its dots where it has no room in one."""

    def __init__(self, name: str, depth: int = 0) -> None:
        """`depth`: of how many blocks around it the name says nothing; it is indented by them."""
        self.name = name
        self.parts = re.findall(r"\([^)]*\)|[^. ]+(?:\.\d+)*[. ]?", name)
        self.indent = " " * INDENT * depth
        self.hanging = self.indent + " " * INDENT

    @property
    def least(self) -> int:
        """Columns that it takes at least."""
        first, *others = (len(part.rstrip()) for part in self.parts)
        return max(len(self.indent) + first, *(len(self.hanging) + other for other in others), 0)

    @property
    def most(self) -> int:
        """Columns that it takes in one line."""
        return len(self.indent + self.name)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self.least, self.most).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = [self.indent]
        for part in self.parts:
            if lines[-1].strip() and len(lines[-1]) + len(part.strip()) > options.max_width:
                lines.append(self.hanging)
            lines[-1] += part
        yield Text("\n".join(line.rstrip() for line in lines), overflow="fold")


INDENT = 2
"""Columns before the rest of a name, and before the layers of a block."""


def percent(fraction: float) -> str:
    """Write a fraction of 1 as people read accuracies."""
    return f"{100 * fraction:.2f} %"


def loss_text(loss: float, digits: int = 4) -> str:
    """Write a loss: with `digits` behind the point, or, where it is too large, as 3.14e+28."""
    return f"{loss:.{digits}f}" if not abs(loss) >= 1000 else f"{loss:.{digits - 2}e}"
