"""What tells the content of a submission from any other, and the machine that it is tried on."""

from __future__ import annotations

import ast
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product
from pathlib import Path

from cnnspec.compare.check.process.module import places_of
from cnnspec.compare.check.submissions.classes import NoCodeError, code_in
from cnnspec.compare.check.submissions.folder import NO_CODE, Submission
from cnnspec.files import read_regular

MOST_BYTES = 20_000_000
"""Of one file whose content counts; of a larger one, its size does."""

CODE = (".py", ".ipynb")


def content_of(submission: Submission) -> str:
    """Return a digest of all files that a submission may read: and what they import."""
    place = submission.place
    own = _below(place) if place.is_dir() else [place]
    return _digest(place, _with_imports(own))


def code_of(submission: Submission) -> str:
    """Return a digest of the code that was handed in."""
    return _digest(submission.place, submission.files)


def _digest(place: Path, files: Iterable[Path]) -> str:
    seen = hashlib.sha256()
    for path in files:
        try:
            content = read_regular(path, most=MOST_BYTES)
        except OSError as error:
            content = str(error).encode()
        name = os.path.relpath(path, place.parent).encode(errors="surrogateescape")
        seen.update(b"%d %d " % (len(name), len(content)) + name + content)
    return seen.hexdigest()


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if each not in NO_CODE and each[0] != ".")
        yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))


def _with_imports(files: Iterable[Path]) -> list[Path]:
    """Return files, and all that they import from where they lie, by way of others too."""
    found = dict.fromkeys(files)
    ahead = [*found]
    while ahead:
        own = [path for path in _imported(ahead.pop()) if path not in found]
        found |= dict.fromkeys(own)
        ahead += own
    return [*found]


def _imported(path: Path) -> Iterator[Path]:
    """Yield the files that a file imports, wherever it finds them: modules, and whole packages."""
    if path.suffix not in CODE:
        return
    try:
        tree = ast.parse(code_in(path))
    except (NoCodeError, SyntaxError, ValueError, RecursionError, MemoryError):  # it will not load
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from _modules(places_of(path), [alias.name for alias in node.names])
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from _modules(places_of(path), [node.module or ""])
        elif isinstance(node, ast.ImportFrom) and node.level <= len(path.parents):
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from _modules([path.parents[node.level - 1]], names)


def _modules(places: Iterable[Path], names: Iterable[str]) -> Iterator[Path]:
    """Yield the files of modules, by the first part of their names: of a package, all of it."""
    for place, name in product(places, names):
        base = place / name.partition(".")[0]
        if base.is_dir() and base != place:
            yield from _below(base)
        elif (module := base.with_name(f"{base.name}.py")).is_file():
            yield module


@cache
def surroundings() -> str:
    """Return a digest of what a grade hangs on beside the submission: cnnspec, and what is there.

    An import that failed may work once a package is installed.
    """
    seen = hashlib.sha256(sys.version.encode())
    package = Path(__file__).parents[3]
    for path in sorted(package.rglob("*.py")):
        found = path.stat()
        seen.update(f"{path.relative_to(package)} {found.st_size} {found.st_mtime_ns}\n".encode())
    for place in map(Path, sys.path):
        installed = sorted(path.name for path in place.glob("*.dist-info"))
        seen.update("\n".join(installed).encode(errors="surrogateescape"))
    return seen.hexdigest()
