"""What Python does about cycles of objects: it costs a short command a quarter of its time."""

from __future__ import annotations

import gc

SHORT = {"init", "validate", "build", "diff", "fmt", "schema", "completion", "--help", "-h"}
"""Commands that end before there is anything to free: importing makes 200,000 objects, and
Python would look through them again and again."""


def collect_for(arguments: list[str]) -> None:
    """Look for cycles only where the command goes on for so long that it matters."""
    if not arguments or arguments[0] in SHORT:
        gc.disable()


def leave_all() -> None:
    """Leave everything to the system: Python would go through all that there is once more."""
    gc.freeze()
