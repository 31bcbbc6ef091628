"""What commands print on stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from cnnspec.documents import Document, to_json


def print_line(text: str) -> None:
    """Print a line."""
    print_raw(f"{text}\n")


def print_raw(text: str) -> None:
    """Print text in UTF-8, whatever the terminal's encoding is, line ends as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
    sys.stdout.flush()


def print_document(content: Document) -> None:
    """Print a JSON document."""
    print_line(to_json(content))


@contextmanager
def prints_on_stderr() -> Iterator[None]:
    """Send what somebody's own code prints to stderr: stdout is for one document or report."""
    with redirect_stdout(sys.stderr):
        yield
