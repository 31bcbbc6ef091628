"""Sliding windows as pairs of slices, so that no padded copy is ever made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from cnnspec.spec.sizes import Pair


class Offset(NamedTuple):
    """One cell of the kernel: which outputs it serves, and which inputs it reads for them."""

    row: int
    column: int
    output: tuple[slice, slice]
    input: tuple[slice, slice]


def offsets(
    input: Pair, output: Pair, *, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair = (1, 1)
) -> list[Offset]:
    """Return, for each cell of the kernel in scan order, the outputs and inputs it ties together.

    `padding` is what is added at the top and on the left. Outputs whose cell falls on
    padding are left out: `y[..., *offset.output, :]` and `x[..., *offset.input, :]`
    always match, and no padding is ever read.
    """
    rows, columns = (
        list(_ties(*axis)) for axis in zip(input, output, kernel, stride, padding, dilation)
    )
    return [
        Offset(row, column, (out_rows, out_columns), (in_rows, in_columns))
        for (row, out_rows, in_rows), (column, out_columns, in_columns) in product(rows, columns)
    ]


def _ties(
    size: int, windows: int, kernel: int, stride: int, padding: int, dilation: int
) -> Iterator[tuple[int, slice, slice]]:
    """Yield (cell, outputs, inputs) along one axis: output j reads input j * stride + shift."""
    for cell in range(kernel):
        shift = cell * dilation - padding
        first = max(0, -(shift // stride))
        last = min(windows - 1, (size - 1 - shift) // stride)
        if first <= last:
            start = first * stride + shift
            yield cell, slice(first, last + 1), slice(start, last * stride + shift + 1, stride)
