"""The quantities of a verdict as a table, and the words for them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from cnnspec.compare.verdict import Comparison
from cnnspec.report.address import sides_words, words
from cnnspec.report.tables import Dotted, plain_table

UNDERFLOW = 1e-300
"""A budget in float64 that is no greater is one of underflows: no number that is shown has it."""

SIDE = len("numpy vs torch")
"""Longest pair of sides that the table names."""


def label(quantity: str) -> str:
    """Name a quantity as people do: `weight gradient`."""
    kind, _, name = quantity.partition("_")
    return f"{name} gradient" if kind == "grad" else quantity


def budget_words(budget: float) -> str:
    """Write a budget; one that underflows alone make up is written as nothing."""
    return f"{budget:.1e}" if budget > UNDERFLOW else "nothing"


COLUMNS = """\
dtype: in float64 the two sides are held together; in others a side is held against its own float64
apart: the difference of the worst number, over all probes
budget: what rounding explains there, whatever the order of sums; `--explain NAME` shows how
ratio: apart over budget; above 1 rounding does not explain it"""


def legend() -> Text:
    """Explain the columns of the table."""
    return Text(COLUMNS, style="dim")


class QuantitiesTable:
    """Every quantity, with what came nearest to its budget, or exceeds it most, first.

    Where a terminal is too narrow for all columns, what the ratio is of is left out. Where it is
    too narrow for names of layers, too, these stand before the quantities, in as many lines as it
    takes.
    """

    def __init__(self, quantities: Sequence[Comparison]) -> None:
        self._rows = sorted(quantities, key=lambda found: -found.ratio)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        quantities = [label(found.quantity) for found in self._rows] or ["quantity"]
        longest = max(map(len, quantities))
        folded = longest - max(len(word) for each in quantities for word in each.split())
        for of in (True, False):
            table = self._table(of=of)
            natural = Measurement.get(console, options.update(max_width=1000), table).maximum
            if natural - folded <= options.max_width:
                yield table
                return
        yield self._folded_table()

    def _table(self, *, of: bool) -> Table:
        numbers = ("apart", "budget", "ratio") if of else ("ratio",)
        table = plain_table(
            ("layer", "left"), ("quantity", "left"), ("dtype", "left"), ("side", "left"), *numbers
        )
        for column in (0, 2, 3):  # the quantity alone may take several lines
            table.columns[column].no_wrap = True
        for found in self._rows:
            of_ratio = (_apart(found), _budget(found)) if of else ()
            name = words(found.address), label(found.quantity)
            table.add_row(*name, *_sides(found), *of_ratio, _ratio(found), style=_style(found))
        return table

    def _folded_table(self) -> Table:
        table = plain_table(("quantity", "left"), ("dtype", "left"), ("side", "left"), "ratio")
        for column in (1, 2):
            table.columns[column].no_wrap = True
        for found in self._rows:
            name = Dotted(f"{words(found.address)}, {label(found.quantity)}")
            table.add_row(name, *_sides(found), _ratio(found), style=_style(found))
        return table


def _sides(found: Comparison) -> tuple[str, str]:
    return found.precision, _side(found)


def _style(found: Comparison) -> str | None:
    return None if found.ok else "red"


def _side(found: Comparison) -> str:
    """Name the side that is held against itself, or the two that are held together."""
    names = sides_words(found.sides)
    return "one vs other" if found.of_pair and len(names) > SIDE else names


def _apart(found: Comparison) -> str:
    if math.isfinite(found.difference):
        return f"{found.difference:.1e}"
    return "not finite" if found.position else "shape"


def _budget(found: Comparison) -> str:
    if not math.isfinite(found.difference):
        return "-"
    return budget_words(found.budget) if found.difference else f"{found.budget:.1e}"


def _ratio(found: Comparison) -> str:
    if found.difference and found.budget <= UNDERFLOW:  # the same as one of 0
        return "inf"
    return f"{found.ratio:.3f}" if found.ratio < 1000 else f"{found.ratio:.0e}"
