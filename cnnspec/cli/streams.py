"""stdout and stderr that never stop a command: what cannot be written is said at the end.

A training of hours must not end because the disk with its log is full, a pipe's reader has
gone, or somebody closed stdout. One place sees to that: the file descriptors themselves.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, BinaryIO, TextIO, cast

from cnnspec.cli import interrupt
from cnnspec.cli.exit_codes import BAD_INPUT


class _Buffer(io.BufferedWriter):
    """Takes whatever is written, and remembers that it could not be passed on.

    Not a raw file: a buffer would write again what it had written when Ctrl-C struck.
    """

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self._fail(error)
            return memoryview(data).nbytes

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """Stay open: a stream that somebody's file wraps around this one closes it when it goes."""
        self.flush()

    def _fail(self, error: OSError) -> None:
        """Send all further output nowhere: a gap would be worse than an end."""
        self.failure = self.failure or error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


class _Text(io.TextIOWrapper):
    """Stays in place, whatever somebody's file does to get at the buffer."""

    def detach(self) -> BinaryIO:
        self.flush()
        return cast(BinaryIO, self.buffer)

    def close(self) -> None:
        self.flush()


def never_fail() -> None:
    """Make stdout and stderr such, where they are the process's own."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # closed: the next file that is opened would take its place
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _stream(sys.stdout, 1)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _stream(sys.stderr, 2)


def _stream(old: TextIO | None, number: int) -> TextIO:
    buffer = _Buffer(io.FileIO(number, "w", closefd=False))
    if not isinstance(old, io.TextIOWrapper):
        return _Text(buffer, encoding="utf-8", errors="backslashreplace")
    return _Text(
        buffer,
        encoding=old.encoding,
        errors=old.errors,
        line_buffering=old.line_buffering,
        write_through=old.write_through,
    )


def finish(code: int) -> int:
    """Write what is left, and return the exit code: its own where the output is not whole.

    A reader that has gone has read what it wanted.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    failure = getattr(sys.stdout.buffer, "failure", None)
    if failure is None or failure.errno == errno.EPIPE:
        return code
    reason = f"the output cannot be written ({failure.strerror}){interrupt.kept()}"
    print(f"cnnspec: {reason}", file=sys.stderr, flush=True)
    return code or BAD_INPUT
