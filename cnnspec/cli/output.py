"""What commands print on stdout."""

from __future__ import annotations

import os
import sys

from rich.console import Console

from cnnspec.documents import Document, to_json


class Output(Console):
    """stdout, without highlighting."""

    def __init__(self) -> None:
        super().__init__(highlight=False)

    def on_broken_pipe(self) -> None:
        """Go on without a reader; rich would exit with 1, which is the code of a verdict."""
        discard_output()


def print_line(text: str) -> None:
    """Print a line as it is."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        discard_output()


def print_document(content: Document) -> None:
    """Print a JSON document."""
    print_line(to_json(content))


def discard_output() -> None:
    """Send all further output nowhere, where its reader has gone or its disk is full.

    What is left in the buffer would else raise the same error again at the very end.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
