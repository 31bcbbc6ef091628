"""What commands print on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

from cnnspec.documents import Document, to_json


def print_line(text: str) -> None:
    """Print a line."""
    print_raw(f"{text}\n")


def print_raw(text: str) -> None:
    """Print text in UTF-8, whatever the terminal's encoding is, line ends as they are."""
    if sys.stdout is None:  # it was closed from the start
        return
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()


def print_document(content: Document) -> None:
    """Print a JSON document."""
    print_line(to_json(content))


def discard_output(stream: TextIO | None = None) -> None:
    """Send all further output nowhere, where its reader has gone or its disk is full: stdout's.

    What is left in the buffer would else raise the same error again at the very end.
    """
    stream = stream or sys.stdout
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def prints_on_stderr() -> Iterator[None]:
    """Send what somebody's own code prints to stderr: stdout is for one document or report."""
    with redirect_stdout(sys.stderr):
        yield
