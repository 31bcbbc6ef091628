"""A command whose help begins with examples."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import rich_click as click


class Command(click.RichCommand):
    """A command with lines that show how it is called."""

    def __init__(self, *given: Any, examples: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(*given, **options)
        self.examples = examples

    def format_help_text(  # type: ignore[override]
        self, ctx: click.RichContext, formatter: click.RichHelpFormatter
    ) -> None:
        """Write what the command does, in a sentence, then the examples, then the rest."""
        from rich.padding import Padding
        from rich.text import Text

        first, *rest = [
            paragraph.replace("\n", " ")
            for paragraph in inspect.cleandoc(self.help or "").split("\n\n")
        ]
        parts = [(first, ""), ("\n".join(self.examples), "bold"), *((text, "") for text in rest)]
        for text, style in parts:
            indent = 3 if style else 1
            formatter.write(Padding(Text(text, style), (0, 1, 1, indent)))


def with_examples(name: str, *examples: str) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a command, with examples of how it is called."""
    return click.command(name, cls=Command, examples=examples)
