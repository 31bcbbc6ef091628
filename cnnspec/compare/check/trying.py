"""What is asked of a class, whatever it is checked as."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.records import Checked, CheckFinding

Progress = Callable[[int, int, str], None]
"""Called before each setting: how many are done, of how many, and which comes now."""


@dataclass(frozen=True)
class Asked:
    """A class that is to be tried."""

    label: str
    """`file.py:Conv2D`"""
    kind: str
    request: dict[str, Any]
    """What that process must know."""
    require: tuple[str, ...]
    """What the class must offer."""
    layout_is_said: bool
    """Whether it holds that layout; else, that which it is made for."""
    limit: float
    on_progress: Progress
    values: Mapping[str, Any] = field(default_factory=dict)
    """What is known that it has built in, other than the defaults."""

    def checked(self, findings: Iterable[CheckFinding], results: Results, **more: Any) -> Checked:
        """Return findings with what the code printed."""
        text, lines = results.printed.text, results.printed.lines
        own = (self.label, self.kind, tuple(findings))
        return Checked(*own, output=text, lines_printed=lines, **more)

    def not_graded(
        self, unreached: Iterable[CheckFinding], results: Results, hint: str
    ) -> Checked | None:
        """Return why nothing can be graded, if so: it cannot be loaded, or more must be said.

        `hint` is what.
        """
        if hint:
            return self.checked(unreached, results, error=hint)
        if error := results.load_error():
            return self.checked(unreached, results, loaded=False, error=error)
        return None
