"""Files in the IDX format of MNIST (bytes alone), plain or gzipped.

Two zero bytes, the type (8: unsigned bytes), the number of axes, the size of each axis as four
bytes, the most significant first; then the numbers, the last axis running fastest.
http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from cnnspec.data.stored import BLOCK, rows_at_once
from cnnspec.errors import DataError
from cnnspec.files import open_regular
from cnnspec.printable import printable

MOST_BYTES = 2**30
"""Of a file, and of what it holds; MNIST has 47 million."""

ANOTHER = "put the published file in its place"


@dataclass(frozen=True)
class Idx:
    """A file that was read once, as a whole: it is neither cut off nor too long."""

    path: Path
    shape: tuple[int, ...]
    sha256: str
    """Of the file without its compression."""

    def blocks(self, until: int) -> Iterator[NDArray[np.uint8]]:
        """Yield the first rows.

        Raises:
            DataError: the file has changed since.
        """
        row_shape = self.shape[1:]
        at_once = rows_at_once(math.prod(row_shape))
        with _stream(self.path) as stream:
            _exactly(stream, 4 + 4 * len(self.shape))
            for start in range(0, until, at_once):
                rows = min(at_once, until - start)
                content = _exactly(stream, rows * math.prod(row_shape))
                yield np.frombuffer(content, np.uint8).reshape(rows, *row_shape)


def open_idx(path: Path, axes: int) -> Idx:
    """Read a file from its first byte to its last, and say what it holds.

    Raises:
        DataError: the file cannot be read, or is no IDX file of bytes with so many axes.
    """
    digest = hashlib.sha256()
    with _stream(path) as stream:
        header = stream.read(4 + 4 * axes)
        digest.update(header)
        if header[:4] != bytes([0, 0, 8, axes]) or len(header) < 4 + 4 * axes:
            raise ValueError(
                f"it begins with the bytes {header[:4].hex(' ') or '(none)'}; wanted "
                f"{bytes([0, 0, 8, axes]).hex(' ')}: unsigned bytes with {axes} "
                f"{'axis' if axes == 1 else 'axes'}"
            )
        shape = struct.unpack(f">{axes}I", header[4:])
        numbers = math.prod(shape)
        said = f"its header says {' x '.join(map(str, shape))} bytes"
        if not 0 < numbers <= MOST_BYTES:
            raise ValueError(f"{said}; wanted 1 to {MOST_BYTES:,}")
        left = numbers
        while left and (piece := stream.read(min(BLOCK, left))):
            digest.update(piece)
            left -= len(piece)
        if left:
            raise ValueError(f"{said}, of which {left:,} are missing: it is cut off")
        if stream.read(1):
            raise ValueError(f"{said}, but it goes on behind them")
    return Idx(path, shape, digest.hexdigest())


@contextmanager
def _stream(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, and say which one it was where it cannot be read."""
    try:
        with open_regular(path, most=MOST_BYTES) as file:
            if path.suffix != ".gz":
                yield file
                return
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield cast(IO[bytes], unpacked)
    except (OSError, EOFError, ValueError, zlib.error) as error:  # those of gzip, and those above
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(
            f"cannot read {printable(str(path.absolute()))}: {printable(reason)}", help=ANOTHER
        ) from None


def _exactly(stream: IO[bytes], count: int) -> bytes:
    content = stream.read(count)
    if len(content) != count:
        raise ValueError("it has changed while it was read")
    return content
