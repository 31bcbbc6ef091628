"""Arrays in NumPy's own format (.npy), read in blocks of rows, from any stream.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import io
import math
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from cnnspec.data.stored import BLOCK, Array, rows_at_once

MAGIC = b"\x93NUMPY"
MOST_HEADER = 10_000
"""Bytes of a header that are parsed; NumPy's own limit."""

_READERS = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}


@dataclass(frozen=True)
class Header:
    """What stands in front of the numbers."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    """The first axis runs fastest: a row lies in pieces."""
    length: int
    """Bytes of the header itself."""

    @property
    def size(self) -> int:
        """Bytes that header and numbers take."""
        return self.length + math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: IO[bytes]) -> Header:
    """Read the header of an array; nothing in it is run, and no number is read.

    Raises:
        ValueError: it is no array, or one of Python objects.
    """
    start = stream.read(len(MAGIC) + 2)
    if not start.startswith(MAGIC):
        raise ValueError("it is no array of numpy.save")
    version = start[len(MAGIC)] if len(start) == len(MAGIC) + 2 else 0
    if version not in _READERS:
        raise ValueError("it has named fields, or is of a format that is not known")
    counted = "<H" if version == 1 else "<I"
    count = stream.read(struct.calcsize(counted))
    length = struct.unpack(counted, count)[0] if len(count) == struct.calcsize(counted) else 0
    if not 0 < length <= MOST_HEADER:
        raise ValueError(f"its header has {length:,} bytes; wanted 1 to {MOST_HEADER:,}")
    text = stream.read(length)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 2 wrote 10L, which is read all the same
            shape, fortran, dtype = _READERS[version](io.BytesIO(count + text))
    except Exception:  # whatever the parser makes of another text, memory errors included
        raise ValueError("its header cannot be read") from None
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"its header says a shape of {shape}")
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not loaded: they could run code")
    return Header(shape, dtype, fortran, len(start) + len(count) + length)


def row_blocks(stream: IO[bytes], header: Header, until: int) -> Iterator[Array]:
    """Yield the first `until` rows of an array, in blocks.

    Of an array in Fortran order, whose rows lie in pieces, all these rows are held at once.

    Raises:
        ValueError: the stream ends early, or goes on behind its last row.
    """
    rows, row_shape = header.shape[0], header.shape[1:]
    at_once = rows_at_once(math.prod(row_shape) * header.dtype.itemsize)
    starts = range(0, until, at_once)
    if header.fortran:
        array = _first_rows(stream, header, until)
        yield from (array[start : start + at_once] for start in starts)
    else:
        for start in starts:
            block = np.empty((min(at_once, until - start), *row_shape), header.dtype)
            _fill(stream, block)
            yield block
    if (until == rows or header.fortran) and stream.read(1):
        raise ValueError("it goes on behind its last number")


def _first_rows(stream: IO[bytes], header: Header, until: int) -> Array:
    """Read an array in Fortran order: number 1 of every row, then number 2 of every row, ..."""
    rows, row_shape = header.shape[0], header.shape[1:]
    numbers = math.prod(row_shape)
    kept = np.empty((numbers, until), header.dtype)
    at_once = rows_at_once(rows * header.dtype.itemsize)
    for start in range(0, numbers, at_once):
        block = np.empty((min(at_once, numbers - start), rows), header.dtype)
        _fill(stream, block)
        kept[start : start + at_once] = block[:, :until]
    return kept.reshape(*reversed(row_shape), until).T


def _fill(stream: IO[bytes], block: Array) -> None:
    raw = block.reshape(-1).view(np.uint8)
    for start in range(0, len(raw), BLOCK):
        wanted = min(BLOCK, len(raw) - start)
        piece = stream.read(wanted)
        if len(piece) != wanted:
            raise ValueError("it ends early")
        raw[start : start + wanted] = np.frombuffer(piece, np.uint8)
