"""Arrays as pictures: a cell for each number, blue below 0 and orange above it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from cnnspec.report.page.html import Html, element

Rows = Sequence[Sequence[float]]

# px of a cell: with its number written in it, and without.
WRITTEN, BARE = (54.0, 24.0), (24.0, 24.0)
MOST_WRITTEN = 6
"""Columns up to which numbers are written into the cells."""
FAINTEST = 0.08
"""How much colour a number has that is not 0, at least."""


def array_pictures(
    found: Rows, wanted: Rows, worst: tuple[int, int], corner: tuple[int, int] = (0, 0)
) -> Html:
    """Return what was found, what is wanted and the difference, beside each other.

    `worst` is the row and the column of the element that is marked; `corner` says which row and
    column of the whole array come first.
    """
    apart = [[a - b for a, b in zip(*rows)] for rows in zip(found, wanted)]
    both = _greatest([*found, *wanted])
    shown = (("found", found, both), ("wanted", wanted, both), ("difference", apart, None))
    pictures = (
        element(
            "figure",
            _picture(name, rows, worst, corner, _greatest(rows) if most is None else most),
            element("figcaption", name),
        )
        for name, rows, most in shown
    )
    return element("div", *pictures, class_="arrays")


def _greatest(rows: Rows) -> float:
    return max((abs(value) for row in rows for value in row if math.isfinite(value)), default=0)


def _picture(
    name: str, rows: Rows, worst: tuple[int, int], corner: tuple[int, int], most: float
) -> Html:
    columns = max(map(len, rows))
    width, height = WRITTEN if columns <= MOST_WRITTEN else BARE
    cells = [
        part for at, row in enumerate(rows) for part in _row(row, at, (width, height), corner, most)
    ]
    marked = element(
        "rect",
        class_="worst",
        x=worst[1] * width + 1,
        y=worst[0] * height + 1,
        width=width - 2,
        height=height - 2,
    )
    value = rows[worst[0]][worst[1]]
    said = f"{name}: {len(rows)} x {columns} numbers; the one that is marked is {_text(value, 6)}"
    return element(
        "svg",
        *cells,
        marked,
        viewBox=f"0 0 {columns * width:g} {len(rows) * height:g}",
        width=columns * width,
        role="img",
        aria_label=said,
    )


def _row(
    row: Sequence[float],
    at: int,
    size: tuple[float, float],
    corner: tuple[int, int],
    most: float,
) -> Iterator[Html]:
    width, height = size
    for column, value in enumerate(row):
        place = f"row {corner[0] + at}, column {corner[1] + column}: {_text(value, 6)}"
        yield element(
            "g",
            element("title", place),
            element(
                "rect",
                class_=_tone(value),
                x=column * width,
                y=at * height,
                width=width,
                height=height,
                fill_opacity=_opacity(value, most),
            ),
            *_number(value, column * width + width / 2, at * height + height / 2, size),
        )


def _number(value: float, x: float, y: float, size: tuple[float, float]) -> Iterator[Html]:
    if size == WRITTEN:
        yield element("text", _text(value, 3), x=x, y=y + 3.5)
    elif not math.isfinite(value):
        yield element("text", "?", x=x, y=y + 3.5)


def _tone(value: float) -> str:
    if not math.isfinite(value):
        return "odd"
    return "above" if value > 0 else "below"


def _opacity(value: float, most: float) -> float:
    """Return how strong the colour of a number is, beside the greatest one."""
    if not math.isfinite(value):
        return 1.0
    return 0.0 if value == 0 or most == 0 else max(FAINTEST, abs(value) / most)


def _text(value: float, digits: int) -> str:
    return "NaN" if math.isnan(value) else f"{value:.{digits}g}".replace("e-0", "e-")
