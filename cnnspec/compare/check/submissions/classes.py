"""Finding a class in the files of a submission, by its name, without running any of them.

Names are read off the lines of the text: a file with a mistake in one place still has classes in
others, and no text can make a reader of lines fail. What is said of a mistake comes from the
process that loads the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path

from cnnspec.compare.check.submissions.assignment import CHECKED, Exercise
from cnnspec.compare.check.submissions.folder import Submission, matches
from cnnspec.files import read_regular
from cnnspec.spec.field_words import plain

MOST_BYTES = 20_000_000
"""Of one file that is looked at; a notebook may hold pictures."""

MOST_SHOWN = 12
"""Names that are listed where none fits."""

CLASS = re.compile(r"^class[ \t]+(\w+)", re.MULTILINE)
FUNCTION = re.compile(r"^(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
IMPORT = re.compile(
    r"^from[ \t]+[\w.]+[ \t]+import[ \t]+(?:\(([^()]*)\)|([^()\n#]*))", re.MULTILINE
)

Way = Callable[["Names"], list[str]]
"""Tells which names of a file fit."""

FORWARD, BACKWARD = "forward", "backward"
"""In the names of two functions that are a layer."""

ENDINGS = ("naive", "layer", "module", "block", "function", "activation", "loss", "2d", "1d")
"""What people put behind the word for a layer."""


@dataclass(frozen=True)
class Found:
    """Where a class is, or why it is nowhere."""

    file: Path | None
    name: str = ""
    problem: str = ""

    @property
    def candidate(self) -> str:
        """What is checked: `path/to/file.py:Conv2D`."""
        return f"{self.file}:{self.name}"


@dataclass(frozen=True)
class Names:
    """What the text of a file has on top."""

    classes: tuple[str, ...]
    functions: tuple[str, ...]
    imported: tuple[str, ...]


def names_in(text: str) -> Names:
    """Read the names of classes, of functions and of what is imported off a text of Python."""
    listed = (listed for groups in IMPORT.findall(text) for listed in groups)
    groups = (part.split() for group in listed for part in group.split(","))
    imported = (words[-1] for words in groups if words)
    return Names(tuple(CLASS.findall(text)), tuple(FUNCTION.findall(text)), tuple(imported))


class NoCodeError(ValueError):
    """A file that has no text of Python."""


def code_in(path: Path) -> str:
    """Return the text of a file, or of the cells of a notebook.

    Raises:
        NoCodeError: there is none.
    """
    try:
        text = read_regular(path, most=MOST_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise NoCodeError(f"cannot be read: {error.strerror}") from None
    if path.suffix != ".ipynb":
        return text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        cells = json.loads(text)["cells"]
        code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        return "\n".join("".join(source) for source in code)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise NoCodeError("is no notebook that can be read") from None


def find_class(submission: Submission, exercise: Exercise) -> Found:
    """Find the class that an exercise asks for."""
    if submission.problem:
        return Found(None, problem=submission.problem)
    patterns = exercise.files if submission.place.is_dir() else ()
    files = [path for path in submission.files if matches(path, submission.place, patterns)]
    if not files:
        return Found(None, problem=f"it has no file {' or '.join(patterns)}")
    known: dict[Path, Names] = {}
    for path in files:
        try:
            known[path] = names_in(code_in(path))
        except NoCodeError as error:
            if len(files) == 1:
                return Found(None, problem=f"{submission.within(path)} {error}")
    for names_that_fit in _ways(exercise):
        hits = [(path, name) for path, names in known.items() for name in names_that_fit(names)]
        if hits:
            return _one_of(dict.fromkeys(hits), submission)
    if len(files) == 1 and len(exercise.classes) == 1 and not _is_pattern(exercise.classes[0]):
        return Found(files[0], exercise.classes[0])  # it may be made as the file is loaded
    return _nowhere(exercise, known)


def _ways(exercise: Exercise) -> Iterator[Way]:
    """Yield ways to tell the class by its name, the surest first."""
    for wanted in exercise.classes:
        yield partial(_defined, wanted)
        if _is_pattern(wanted):
            yield partial(_matching, wanted)
        yield partial(_imported, wanted)
    words = {*map(plain, exercise.classes)} or _words(exercise.kind)
    yield partial(_alike, words)
    yield partial(_pairs, words)


def _defined(wanted: str, names: Names) -> list[str]:
    """Return a name that is there, or several of a pair, as in `conv_forward,conv_backward`."""
    parts = {part.strip() for part in wanted.split(",")}
    return [wanted] if parts <= {*names.classes, *names.functions} else []


def _matching(pattern: str, names: Names) -> list[str]:
    return [name for name in names.classes if fnmatchcase(name, pattern)]


def _imported(wanted: str, names: Names) -> list[str]:
    return [wanted] if wanted in names.imported else []


def _alike(words: set[str], names: Names) -> list[str]:
    return [name for name in names.classes if words & _plain_forms(name)]


def _pairs(words: set[str], names: Names) -> list[str]:
    """Return the first of two functions, as of `relu_forward` and `relu_backward`."""
    return [
        name
        for name in names.functions
        if words & _plain_forms(name.replace(FORWARD, ""))
        and name.replace(FORWARD, BACKWARD) in {*names.functions} - {name}
    ]


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")


@cache
def _words(kind: str) -> set[str]:
    """Return what people call a kind."""
    words = CHECKED[kind].words
    named = [kind, words.synonyms, *words.variants.values(), *words.calls]
    return {plain(word) for group in named for word in group.split()}


def _plain_forms(name: str) -> set[str]:
    """Return a name without what people put behind the word for a layer."""
    forms = {plain(name)}
    for ending in ENDINGS:
        forms |= {form.removesuffix(ending) for form in forms}
    return forms


def _one_of(hits: Iterable[tuple[Path, str]], submission: Submission) -> Found:
    """Return the class that fits, where one alone does; what lies further up comes first."""
    hits = [*hits]
    least = min(len(path.parts) for path, _ in hits)
    nearest = [hit for hit in hits if len(hit[0].parts) == least]
    if len(nearest) == 1:
        return Found(*nearest[0])
    several = ", ".join(f"{name} in {submission.within(path)}" for path, name in nearest)
    way_out = "`class:`" if len({name for _, name in nearest}) > 1 else "`file:`"
    return Found(
        None, problem=f"several could be it: {several}; say which in the assignment, by {way_out}"
    )


def _nowhere(exercise: Exercise, known: dict[Path, Names]) -> Found:
    there = [*dict.fromkeys(name for names in known.values() for name in names.classes)]
    shown = ", ".join(there[:MOST_SHOWN]) + (", ..." if len(there) > MOST_SHOWN else "")
    functions = [name for names in known.values() for name in names.functions]
    has = f"it has {shown}" if there else "it has no class at all"
    if functions and not there:
        has += f"; it has the functions {', '.join(functions[:MOST_SHOWN])}"
    if exercise.classes:
        return Found(None, problem=f"no class is called {' or '.join(exercise.classes)}; {has}")
    return Found(
        None,
        problem=f"no class is called as a {exercise.kind} is; {has}; say in the assignment which "
        "it is, by `class:`",
    )
