"""Columns: what each output cell sees, as the columns of a matrix (im2col), in tiles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnnspec.spec.sizes import Pair, Shape
from cnnspec.trace import Array

TILE = 1 << 18
"""Bytes of columns that are made at a time: they are read while they are still in a cache."""

LEAST = 1024
"""Columns that a tile has at least: BLAS copies the kernels for each product, too."""


class Tile(NamedTuple):
    """The columns of a block of outputs."""

    outputs: slice
    """Which outputs, counted over height, width and images."""
    windows: Array
    """(groups, channels, kh, kw, rows, columns, n): what they see, a view of the padded images."""
    cells: Array
    """The same shape, in the columns' own memory."""
    columns: Array
    """(groups, channels * kh * kw, outputs): that memory, as a matrix for each group."""
    extended: Array
    """The columns with a row of ones below, where a bias is to be multiplied with it."""
    ones: Array
    """(groups, 0 or 1, outputs): that row."""
    beside: list[Array]
    """The cells that see what lies beside the images, where that is to be taken as zeros."""


@dataclass(frozen=True)
class Sliding:
    """How a kernel slides: for each group of channels, over height and width."""

    groups: int
    kernel: Pair
    stride: Pair
    dilation: Pair
    outputs: Pair
    """Places at which it comes to stand."""


class Memory:
    """Where columns are written, by one layer after the other: as much as the widest needs."""

    def __init__(self, dtype: np.dtype) -> None:
        self.flat: Array = np.empty(0, dtype)

    def matrix(self, shape: Shape) -> Array:
        """Return the beginning of the memory as a matrix; whatever was left in it."""
        size = math.prod(shape)
        if size > self.flat.size:
            self.flat = np.empty(size, self.flat.dtype)
        return self.flat[:size].reshape(shape)


@runtime_checkable
class WritesColumns(Protocol):
    """A layer that makes columns."""

    def write_columns_to(self, memory: Memory) -> None:
        """Share the memory of columns with other layers, none of which runs at the same time."""


class Columns:
    """The columns of a kernel that slides over images, a tile at a time.

    Those of all outputs would take kh*kw times the memory of the images.
    """

    def __init__(
        self, sliding: Sliding, dtype: np.dtype, *, ones: bool = False, beside: Pair = (0, 0)
    ) -> None:
        """With `ones`, the columns get a row of ones below; `beside` is that of the padding."""
        self._sliding, self._ones, self._beside = sliding, ones, beside
        self.write_to(Memory(dtype))

    def write_to(self, memory: Memory) -> None:
        """Share the memory of other layers, none of which runs at the same time."""
        self._memory = memory
        self._cut_from: tuple[Array, Array] | None = None
        self._tiles: list[Tile] = []

    def over(self, padded: Array) -> list[Tile]:
        """Return the tiles over padded images (c, h, w, n), their columns still to be filled.

        They are cut once for images, and columns, that lie in the same memory.
        """
        before = self._cut_from
        if before is None or before[0] is not padded or before[1] is not self._memory.flat:
            self._tiles = list(self._cut(padded))
            self._cut_from = padded, self._memory.flat
        return self._tiles

    def gathered(self, padded: Array) -> Iterator[Tile]:
        """Yield the tiles over padded images, filled with what the outputs see."""
        for tile in self.over(padded):
            np.copyto(tile.cells, tile.windows)
            for cells in tile.beside:
                cells.fill(0)
            tile.ones.fill(1)
            yield tile

    def _cut(self, padded: Array) -> Iterator[Tile]:
        channels, *_, batch = padded.shape
        sliding, width = self._sliding, self._sliding.outputs[1]
        shape = (sliding.groups, channels // sliding.groups, *sliding.kernel)
        depth = math.prod(shape[1:])
        column = sliding.groups * (depth + self._ones) * padded.itemsize
        most = max(1, max(LEAST, TILE // column) // max(1, batch))
        for rows, across in _blocks(sliding.outputs, most):
            first = (rows.start * width + across.start) * batch
            outputs = slice(first, first + len(rows) * len(across) * batch)
            extended = self._memory.matrix(
                (sliding.groups, depth + self._ones, outputs.stop - first)
            )
            columns = extended[:, :depth]
            seen = (*shape, len(rows), len(across), batch)
            cells = columns.reshape(seen)
            yield Tile(
                outputs,
                windows=self._windows(padded, rows, across).reshape(seen),
                cells=cells,
                columns=columns,
                extended=extended,
                ones=extended[:, depth:],
                beside=list(self._cells_beside(cells, across, padded.shape[2])),
            )

    def _windows(self, padded: Array, rows: range, across: range) -> Array:
        """Return what a block of outputs sees: a view (c, kh, kw, rows, columns, n)."""
        channel, row, column, image = padded.strides
        sliding = self._sliding
        (down, right), (apart_down, apart_right) = sliding.stride, sliding.dilation
        return as_strided(
            padded[:, rows.start * down :, across.start * right :],
            (len(padded), *sliding.kernel, len(rows), len(across), padded.shape[-1]),
            (channel, row * apart_down, column * apart_right, row * down, column * right, image),
        )

    def _cells_beside(self, cells: Array, across: range, width: int) -> Iterator[Array]:
        """Yield those of a tile's cells that lie in the columns left and right of the images."""
        left, right = self._beside
        for column in range(self._sliding.kernel[1]):
            apart = column * self._sliding.dilation[1]
            before = left - (across.start + apart)
            after = across.stop + apart - (width - right)
            if before > 0:
                yield cells[:, :, :, column, :, :before]
            if after > 0:
                yield cells[:, :, :, column, :, -after:]


def _blocks(outputs: Pair, most: int) -> Iterator[tuple[range, range]]:
    """Cut outputs into blocks of at most so many: of whole rows, or of parts of one row."""
    height, width = outputs
    if most >= width:
        for rows in _parts(height, most // width):
            yield rows, range(width)
    else:
        for row in range(height):
            for across in _parts(width, most):
                yield range(row, row + 1), across


def _parts(length: int, most: int) -> Iterator[range]:
    """Cut a length into parts of at most so many, all but the last of the same."""
    size = -(-length // -(-length // most))
    for start in range(0, length, size):
        yield range(start, min(start + size, length))
