"""Warnings of data: one line on stderr each; those of other packages as Python writes them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def in_one_line() -> Iterator[None]:
    """Show warnings of ours as the command line shows errors."""
    others = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        from cnnspec.cli.output import say
        from cnnspec.errors import DataWarning

        if issubclass(category, DataWarning):
            say(f"cnnspec: warning: {message}")
        else:
            shown = warnings.formatwarning(message, category, filename, lineno, line)
            say(shown.rstrip("\n"))

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = others
