"""What came of somebody's code, as its process wrote it down, stage by stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cnnspec.compare.check.process.printed import Printed
from cnnspec.trace import Array

LOAD = "load"
"""The key, and the stage, of loading the file."""


@dataclass
class Results:
    """What the process said, and the arrays that it gave."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    given_back: dict[str, dict[str, Array]] = field(default_factory=dict)
    """By key; of two with one name, the later."""
    printed: Printed = field(default_factory=Printed)

    def error(self, key: str, stage: str) -> str:
        """Return what went wrong in a stage, if anything did."""
        found = (line["error"] for line in self._of(key, stage) if "error" in line)
        return next(found, "")

    def succeeded(self, key: str, stage: str) -> bool:
        """Tell whether a stage came to its end."""
        return any(line.get("event") == "end" for line in self._of(key, stage))

    def raised(self, key: str, stage: str) -> bool:
        """Tell whether a stage raised; a process that hung or died in it did not."""
        return any(line.get("event") == "stop" for line in self._of(key, stage))

    def hint(self) -> str:
        """Return what the user must say about the class, if anything."""
        return next((line["hint"] for line in self.lines if "hint" in line), "")

    def hints(self) -> dict[str, str]:
        """Return what the user must say about the class, by the keys of settings."""
        found = (
            (line["key"].partition("-")[0], line["hint"]) for line in self.lines if "hint" in line
        )
        return dict(reversed([*found]))

    def notes(self, key: str) -> list[str]:
        """Return what was taken for granted about a class."""
        return [line["note"] for line in self._of(key) if "note" in line]

    def not_tried(self, key: str) -> dict[str, str]:
        """Return what cannot be judged of a class, and why, by its name."""
        return {line["not_tried"]: line["why"] for line in self._of(key) if "not_tried" in line}

    def precisions(self) -> Sequence[str]:
        """Return the precisions that the files of a class name."""
        return self.said(LOAD, "precisions") or ()

    def load_error(self) -> str:
        """Return why the file cannot be loaded, if it cannot."""
        return self.error(LOAD, LOAD)

    def unsupported(self, key: str) -> str | None:
        """Return why a setting cannot be expressed, if it cannot."""
        why: str | None = self.said(key, "unsupported")
        return why

    def said(self, key: str, what: str) -> Any:
        """Return what was said of a key by one name; None where nothing was."""
        found = (line[what] for line in self.lines if line["key"] == key and what in line)
        return next(found, None)

    def unfit(self, key: str) -> dict[str, str]:
        """Return what is no array of numbers, by its name, in words."""
        return {line["name"]: line["unfit"] for line in self._of(key) if "unfit" in line}

    def arrays(self, key: str) -> dict[str, Array]:
        """Return the arrays of a key; none where it did not come so far."""
        return {name: array.copy() for name, array in self.given_back.get(key, {}).items()}

    def _of(self, key: str, stage: str | None = None) -> Iterable[dict[str, Any]]:
        return (
            line for line in self.lines if line["key"] == key and stage in (None, line.get("stage"))
        )
