"""The look that all tables share."""

from __future__ import annotations

from typing import Literal

from rich import box
from rich.table import Table

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


def percent(fraction: float) -> str:
    """Write a fraction of 1 as people read accuracies."""
    return f"{100 * fraction:.2f} %"


def loss_text(loss: float, digits: int = 4) -> str:
    """Write a loss: with `digits` behind the point, or, where it is too large, as 3.14e+28."""
    return f"{loss:.{digits}f}" if not abs(loss) >= 1000 else f"{loss:.{digits - 2}e}"
