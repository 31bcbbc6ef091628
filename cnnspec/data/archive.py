"""The zip file around the arrays of an .npz file: members by name, each read as a stream."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from cnnspec.data.npy import Header, read_header, row_blocks
from cnnspec.data.stored import Array
from cnnspec.errors import DataError, MissingDataError
from cnnspec.files import open_regular
from cnnspec.printable import printable
from cnnspec.spec.diagnostics import brief

MOST_BYTES = 10**12
MOST_AT_ONCE = 2**20
"""Bytes of a list of members, which zipfile reads at once: some ten thousand arrays."""

AS_NUMPY_WRITES = "write it with numpy.savez(path, images=..., labels=...)"


class Archive:
    """Arrays by name. What is not asked for is not read."""

    def __init__(self, file: zipfile.ZipFile, shown: str) -> None:
        self.shown = shown
        self._file = file
        self._members: dict[str, list[zipfile.ZipInfo]] = {}
        for member in file.infolist():
            self._members.setdefault(member.filename.removesuffix(".npy"), []).append(member)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    @property
    def names(self) -> list[str]:
        """The names of all arrays, as they stand in the file."""
        return list(self._members)

    def header(self, name: str, option: str | None = None) -> Header:
        """Read the header of an array, and hold it against the size of its member.

        Raises:
            DataError: the array cannot be read.
        """
        with self._told(name, option), self._file.open(self._member(name)) as stream:
            header = read_header(stream)
            found = self._member(name).file_size
            if found != header.size:
                raise ValueError(
                    f"its header promises {header.size:,} bytes, but there are {found:,}"
                )
            return header

    def blocks(self, name: str, until: int, option: str | None = None) -> Iterator[Array]:
        """Yield the first rows of an array.

        Raises:
            DataError: the array cannot be read.
        """
        with self._told(name, option), self._file.open(self._member(name)) as stream:
            yield from row_blocks(stream, read_header(stream), until)

    def _member(self, name: str) -> zipfile.ZipInfo:
        member, *others = self._members[name]
        if others:
            raise ValueError("it is there twice")
        if member.flag_bits & 1:
            raise ValueError("it is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("it is compressed in another way than numpy.savez_compressed does")
        return member

    @contextmanager
    def _told(self, name: str, option: str | None) -> Iterator[None]:
        with told(f"`{quoted(name)}` of {self.shown}", option):
            yield


@contextmanager
def open_archive(path: str) -> Iterator[Archive]:
    """Open an .npz file.

    Raises:
        DataError: it is not there, is no regular file, or no zip file.
    """
    shown = printable(str(Path(path).absolute()))
    try:
        file = open_regular(path, most=MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a null character
        raise MissingDataError(
            f"there is no file {shown}, which `data.npz.path` names",
            option="path",
            help="write its path from the working directory",
        ) from None
    except OSError as error:
        raise DataError(
            f"cannot read {shown}: {error.strerror}", option="path", help=AS_NUMPY_WRITES
        ) from None
    with file:
        with told(f"{shown} as an .npz file", "path"):
            if file.read(6) == b"\x93NUMPY":
                raise ValueError("it is a single array, written by numpy.save")
            if not zipfile.is_zipfile(file):
                raise ValueError("it is no zip file")
            archive = Archive(zipfile.ZipFile(cast(BinaryIO, _Bounded(file))), shown)
        yield archive


@contextmanager
def told(what: str, option: str | None) -> Iterator[None]:
    """Raise a DataError where a damaged or hostile file raises almost anything."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        lines = str(error).strip().splitlines()
        reason = printable(lines[0] if lines else type(error).__name__)
        raise DataError(
            f"cannot read {what}: {reason}", option=option, help=AS_NUMPY_WRITES
        ) from None


def quoted(name: str) -> str:
    """Write a name that a file gives, so that a terminal is not moved by it."""
    return printable(brief(name))


class _Bounded:
    """A file of which nobody reads more than a little at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, count: int = -1) -> bytes:
        """Read as the file does, or refuse.

        Raises:
            ValueError: it is too much at once.
        """
        if count < 0:
            count = os.fstat(self._file.fileno()).st_size - self._file.tell()
        if count > MOST_AT_ONCE:
            raise ValueError("its list of arrays is too long")
        return self._file.read(count)
