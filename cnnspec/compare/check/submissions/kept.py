"""What was graded before: kept in one file, so that another run tries what changed alone.

It is read before any student's code runs, and written whole after all has ended: what such code
writes into it is never read. It lies beside the assignment, where no student hands anything in.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cnnspec.compare.check import Checked
from cnnspec.compare.check.submissions.assignment import Exercise
from cnnspec.compare.check.submissions.content import surroundings
from cnnspec.files import read_regular

FOLDER = ".cnnspec-check"
FORMAT = 1
MOST_BYTES = 200_000_000

CHECKED = TypeAdapter(Checked)


class Kept:
    """The grades of one folder of submissions."""

    def __init__(self, path: Path | None = None, *, fresh: bool = False) -> None:
        """Read what is kept in a file; without one, or with `fresh`, nothing is known yet."""
        self._path, self._fresh = path, fresh
        self._before = {} if path is None else _read(path)
        self._now: dict[str, Checked] = {}

    def get(self, key: str) -> Checked | None:
        """Return a grade that is known; one that cannot be read is not."""
        if self._fresh:
            return None
        try:
            checked = CHECKED.validate_python(self._before[key])
        except (KeyError, ValidationError):
            return None
        self._now[key] = checked
        return checked

    def learn(self, key: str, checked: Checked) -> None:
        """Take note of a grade."""
        self._now[key] = checked

    def forget(self, keys: Iterable[str]) -> None:
        """Take grades back: nobody knows what they are of."""
        for key in keys:
            self._now.pop(key, None)

    def write(self, *, whole: bool = True) -> str:
        """Keep the grades of this run; return why that cannot be, if it cannot.

        Those of a `whole` run are kept alone; where it was ended early, others stay.
        """
        if self._path is None:
            return ""
        grades = {} if whole else self._before
        grades |= {key: asdict(checked) for key, checked in self._now.items()}
        draft = self._path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._path.parent.mkdir(exist_ok=True)
            draft.write_text(json.dumps({"format": FORMAT, "grades": grades}), "utf-8")
            draft.replace(self._path)
        except OSError as error:
            return f"the grades are not kept for the next run: {error}"
        return ""


def kept_for(folder: Path, assignment: Path) -> Path:
    """Return the file in which the grades of a folder are kept."""
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return assignment.resolve().parent / FOLDER / f"{name}.json"


def key_of(content: str, file: str, name: str, exercise: Exercise, limits: Sequence[float]) -> str:
    """Return a digest of all that a grade hangs on."""
    asked = asdict(exercise) | {"like": exercise.like and exercise.like.model_dump()}
    said = [surroundings(), content, file, name, asked, limits]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=repr).encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """Return what is kept; nothing where that cannot be read."""
    try:
        found = json.loads(read_regular(path, most=MOST_BYTES))
        grades = found["grades"] if found["format"] == FORMAT else {}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return {}
    return grades if isinstance(grades, dict) else {}
