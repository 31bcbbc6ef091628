"""One budget in numbers: what was found, what the bound is made of, and the bound."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnnspec.compare.explaining.explained import Explained
from cnnspec.report.address import sides_words, words
from cnnspec.report.wrapped import Wrapped


def explained_parts(explained: Explained) -> Iterator[RenderableType]:
    """Yield a comparison, its numbers and its terms, and how the bound comes of them."""
    found = explained.found
    at = f", at {list(found.position)}" if found.position else ""
    place = f"{found.precision}, {sides_words(found.sides)}, probe `{found.probe}`{at}"
    head = Text(f"{words(found.address)}.{found.quantity}: ", style="bold")
    yield Wrapped(head + Text(place, style="not bold"))
    table = Table.grid(padding=(0, 2))
    for name, value, meaning in _rows(explained):
        table.add_row(f"  {name}", value, Text(meaning, style="dim"))
    yield table
    yield Text("")


def _rows(explained: Explained) -> Iterator[tuple[str, str, str]]:
    found = explained.found
    if found.found is not None and found.wanted is not None:
        yield from _held_together(found.sides, found.found, found.wanted)
    yield "apart", _number(found.difference), "of the worst number, over all probes"
    for term in explained.terms:
        yield term.name, _number(term.value), term.meaning
    yield "bound", _number(found.budget), explained.formula
    yield "ratio", f"{found.ratio:.3g}", "apart over bound; above 1 rounding does not explain it"


def _held_together(
    sides: Sequence[str], one: float, other: float
) -> Iterator[tuple[str, str, str]]:
    """Yield two numbers by what they are. Of two sides, the verdict alone says who is wrong."""
    if len(sides) > 1:
        first, second = sides
        yield first, f"{one:.17g}", "the result of one side"
        yield second, f"{other:.17g}", "the result of the other"
    else:
        yield "found", f"{one:.17g}", ""
        yield "wanted", f"{other:.17g}", "its own truth"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "infinite" if math.isinf(value) else "NaN"
    return f"{value:.6g}"
