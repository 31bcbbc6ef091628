"""What commands print on stdout."""

from __future__ import annotations

from typing import NoReturn

from rich.console import Console

from cnnspec.report.documents import Document, to_json


class Output(Console):
    """stdout, without highlighting; `main` answers where its reader has gone."""

    def __init__(self) -> None:
        super().__init__(highlight=False)

    def on_broken_pipe(self) -> NoReturn:
        """Raise BrokenPipeError without a number: rich and click would exit with 1."""
        raise BrokenPipeError


def print_line(text: str) -> None:
    """Print one line as it is, however long."""
    Output().print(text, markup=False, soft_wrap=True)


def print_document(content: Document) -> None:
    """Print a JSON document."""
    print_line(to_json(content))
