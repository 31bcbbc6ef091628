"""The submissions of a folder: one file a student, or a folder a student."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from cnnspec.compare.check.submissions.assignment import Assignment
from cnnspec.errors import BackendError
from cnnspec.printable import printable

SUFFIXES = (".py", ".ipynb")

NO_CODE = {"__pycache__", "venv", "env", "node_modules", "site-packages", "__MACOSX"}
"""Folders that hold nothing that a student wrote."""

MOST_FILES = 200
"""Files of one student that are looked at."""

MOST_LEVELS = 6


@dataclass(frozen=True)
class Submission:
    """What one student handed in."""

    name: str
    place: Path
    """The file, or the folder."""
    files: tuple[Path, ...]
    """Its files of Python and its notebooks, those on top first."""
    problem: str = ""
    """Why nothing of it can be tried."""

    def within(self, file: Path) -> str:
        """Name one of its files as the student does."""
        start = self.place if self.place.is_dir() else self.place.parent
        return file.relative_to(start).as_posix()


@dataclass(frozen=True)
class PassedOver:
    """Something in the folder that is no submission."""

    name: str
    why: str


@dataclass(frozen=True)
class Folder:
    """What a folder holds."""

    submissions: tuple[Submission, ...]
    passed_over: tuple[PassedOver, ...]


def read_folder(folder: Path, assignment: Assignment) -> Folder:
    """Return the submissions of a folder, by name, and what else lies in it.

    Raises:
        BackendError: it cannot be read, or holds none.
    """
    found: list[Submission] = []
    passed_over: list[PassedOver] = []
    try:
        entries = sorted(folder.iterdir(), key=lambda path: (path.name.casefold(), path.name))
    except OSError as error:
        raise BackendError(f"cannot read the folder {folder}: {error.strerror}") from None
    for path in entries:
        name = path.name
        if name.startswith((".", "__")) or name in NO_CODE or _fits(name, assignment.ignore):
            continue
        if path.is_symlink():
            passed_over.append(
                PassedOver(path.name, "it is a link; put the files there themselves")
            )
        elif path.is_dir():
            found.append(_of_folder(path, assignment.files))
        elif path.is_file() and path.suffix in SUFFIXES:
            found.append(Submission(path.stem, path, (path,)))
        else:
            passed_over.append(PassedOver(path.name, _why_not(path)))
    if not found:
        raise BackendError(
            f"there is no submission in {folder}; wanted a file of Python for each student, as in "
            f"{folder / 'ada.py'}, or a folder for each, as in {folder / 'ada' / 'layers.py'}"
        )
    return Folder(tuple(_named_apart(found)), tuple(passed_over))


def _why_not(path: Path) -> str:
    if path.suffix.lower() in (".zip", ".gz", ".tar", ".rar", ".7z"):
        return "it is packed; unpack it into a folder"
    return f"wanted a folder, or a file that ends with {' or '.join(SUFFIXES)}"


def _named_apart(submissions: Sequence[Submission]) -> Iterator[Submission]:
    """Give those of one name the names of their files: `ada.py` and `ada/`."""
    times = Counter(each.name.casefold() for each in submissions)
    for each in submissions:
        if times[each.name.casefold()] == 1:
            yield each
        else:
            end = "/" if each.place.is_dir() else ""
            yield replace(each, name=each.place.name + end)


def _of_folder(folder: Path, patterns: Sequence[str]) -> Submission:
    everything = list(_python_files(folder, 0))
    files = [each for each in everything if matches(each, folder, patterns)]
    files.sort(key=lambda path: (len(path.parts), path.as_posix()))
    problem = ""
    if len(everything) > MOST_FILES:
        problem = f"it has more than {MOST_FILES} files of Python; leave libraries out"
        files = []
    elif not everything:
        problem = "its folder holds no file of Python"
    elif not files:
        names = ", ".join(sorted({path.name for path in everything})[:8])
        problem = f"it has no file {' or '.join(patterns)}; it has {printable(names)}"
    return Submission(folder.name, folder, tuple(files), problem)


def _python_files(folder: Path, level: int) -> Iterator[Path]:
    """Yield files of Python, at most one more than are looked at; no link is followed."""
    left = MOST_FILES + 1
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in NO_CODE or entry.is_symlink():
            continue
        if entry.is_dir() and level < MOST_LEVELS:
            inside = _python_files(Path(entry.path), level + 1)
        elif entry.is_file() and entry.name.endswith(SUFFIXES):
            inside = iter([Path(entry.path)])
        else:
            continue
        for path in inside:
            yield path
            left -= 1
            if not left:
                return


def matches(path: Path, folder: Path, patterns: Sequence[str]) -> bool:
    """Tell whether a file is one of those that are asked for; all are, where none is named."""
    within = path.relative_to(folder).as_posix()
    return not patterns or any(
        fnmatchcase(name, each) for each in patterns for name in (path.name, within)
    )


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern.rstrip("/")) for pattern in patterns)
