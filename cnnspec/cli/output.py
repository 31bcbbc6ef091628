"""What commands print, in plain text: nothing that they quote can reach a terminal as more.

What has colours goes through `cnnspec.cli.console`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from cnnspec.documents import Document, to_json
from cnnspec.printable import printable_lines


def print_line(text: str) -> None:
    """Print a line."""
    print_raw(f"{printable_lines(text)}\n")


def print_raw(text: str) -> None:
    """Print text in UTF-8, whatever the terminal's encoding is, line ends as they are.

    A file gets it as it is, a terminal what is printable of it.
    """
    if sys.stdout.isatty():
        text = printable_lines(text)
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
    sys.stdout.flush()


def print_document(content: Document) -> None:
    """Print a JSON document."""
    print_line(to_json(content))


def say(text: str) -> None:
    """Say something on stderr, beside what is printed."""
    print(printable_lines(text), file=sys.stderr, flush=True)


@contextmanager
def prints_on_stderr() -> Iterator[None]:
    """Send what somebody's own code prints to stderr: stdout is for one document or report."""
    with redirect_stdout(sys.stderr):
        yield
