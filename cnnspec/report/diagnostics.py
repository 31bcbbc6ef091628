"""Problems of a spec, for people and for tools."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.text import Text

from cnnspec.documents import Document, document
from cnnspec.spec.diagnostics import Diagnostic, Role, show_path

STYLES: dict[Role, str] = {
    "error": "bold red",
    "warning": "bold yellow",
    "message": "bold",
    "margin": "blue",
    "place": "",
    "source": "",
    "caret": "red",
    "note": "",
    "help": "bold cyan",
}

MOST_COLUMNS = 120
"""Lines are not made longer than this, however wide the terminal is."""


def diagnostics_text(diagnostics: Iterable[Diagnostic], width: int | None) -> Text:
    """Return problems as people read them, with colours, wrapped where a width is given."""
    blocks = []
    for problem in diagnostics:
        lines = [
            Text.assemble(*((text, STYLES[role]) for role, text in line))
            for line in problem.layout(width and min(width, MOST_COLUMNS))
        ]
        blocks.append(Text("\n").join(lines))
    return Text("\n\n").join(blocks)


def validation_document(files: Iterable[tuple[str, bool, Sequence[Diagnostic]]]) -> Document:
    """Return what `cnnspec validate --json` prints: (name, valid, problems) of each file."""
    return document(
        "validate",
        files=[
            {"file": file, "valid": valid, "diagnostics": [_entry(found) for found in problems]}
            for file, valid, problems in files
        ],
    )


def _entry(problem: Diagnostic) -> dict[str, Any]:
    at = problem.location
    return {
        "code": problem.code,
        "severity": problem.severity,
        "source": at.file if at else None,
        "line": at.line if at else None,
        "column": at.column if at else None,
        "end_column": at.end_column if at else None,
        "path": show_path(problem.path) or None,
        "message": problem.message,
        "notes": list(problem.notes),
        "help": problem.help or None,
    }
