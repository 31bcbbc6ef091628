"""Windows one by one, as the textbook's loops go through them, and where faults of them show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers.window import Windows
from cnnspec.spec.sizes import Shape


class Cell(NamedTuple):
    """A cell of the image, and the cell of the kernel that lies on it."""

    y: int
    x: int
    row: int
    column: int


class Window(NamedTuple):
    """What one output sees."""

    i: int
    j: int
    cells: list[Cell]
    """In scan order; what falls on padding is left out."""


def windows_of(layer: Any, input: Shape, output: Shape) -> list[Window]:
    """Return the windows of a layer in scan order."""
    heights, widths = (
        [list(_cells(axis, size, index)) for index in range(count)]
        for axis, size, count in zip(layer.windows(), input[1:], output[1:])
    )
    return [
        Window(i, j, [Cell(y, x, row, column) for (y, row), (x, column) in product(rows, columns)])
        for (i, rows), (j, columns) in product(enumerate(heights), enumerate(widths))
    ]


def _cells(axis: Windows, size: int, index: int) -> Iterator[tuple[int, int]]:
    """Yield what one window sees of the image along one axis, with the cells of the kernel."""
    start = index * axis.stride - axis.padding[0]
    for cell in range(axis.kernel):
        seen = start + cell * axis.dilation
        if 0 <= seen < size:
            yield seen, cell


def axes_of(at: PlannedLayer) -> list[tuple[Windows, int, int]]:
    """Return the windows along each axis, with the size of the input and the number of them."""
    layer: Any = at.layer
    return list(zip(layer.windows(), at.input[1:], at.output[1:]))


def has_kernel(at: PlannedLayer) -> bool:
    """Tell whether a window has more than one cell."""
    return any(axis.kernel > 1 for axis, _, _ in axes_of(at))


def is_padded(at: PlannedLayer) -> bool:
    """Tell whether cells are added around the image."""
    return any(any(axis.padding) for axis, _, _ in axes_of(at))


def is_padded_in_part(at: PlannedLayer) -> bool:
    """Tell whether some windows reach over the edge of the image, and others do not."""
    seen = {len(window.cells) for window in windows_of(at.layer, at.input, at.output)}
    whole = math.prod(axis.kernel for axis, _, _ in axes_of(at))
    return whole in seen and len(seen) > 1


def overlaps(at: PlannedLayer) -> bool:
    """Tell whether windows share cells."""
    return any(axis.kernel > axis.stride and count > 1 for axis, _, count in axes_of(at))
