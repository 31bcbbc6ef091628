"""Files of other people: regular files of a bounded size, or a reason why they are not read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def open_regular(path: str | Path, *, most: int) -> BinaryIO:
    """Open a regular file of at most `most` bytes for reading.

    A pipe or a device is refused before it is opened: opening alone may wait for ever, or do
    something.

    Raises:
        OSError: the file cannot be opened, is no regular file, or is too large; `strerror` says
            which.
    """
    _refuse_irregular(os.stat(path))  # noqa: PTH116 - as os.fstat below
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes
    try:
        found = os.fstat(file.fileno())
        _refuse_irregular(found)  # it may have been replaced since
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"it has {found.st_size:,} bytes; at most {most:,} are read")
    except BaseException:
        file.close()
        raise
    return file


def read_regular(path: str | Path, *, most: int) -> bytes:
    """Return the content of a regular file of at most `most` bytes.

    Raises:
        OSError: as `open_regular`.
    """
    with open_regular(path, most=most) as file:
        content: bytes | None = file.read(most + 1)
    if content is None:  # /proc/kmsg, which would wait for the kernel to say more
        raise OSError(errno.EAGAIN, "it has nothing to read now: it is no file that is kept")
    if len(content) > most:  # files of /proc have a size of 0, and others grow
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes, which is the most read")
    return content


def _refuse_irregular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, not a regular file")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
