"""What tells the content of a submission from any other, and the machine that it is tried on."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from cnnspec.compare.check.submissions.classes import NoCodeError, code_in
from cnnspec.compare.check.submissions.folder import NO_CODE, Submission
from cnnspec.files import read_regular

MOST_BYTES = 20_000_000
"""Of one file whose content counts; of a larger one, its size does."""

MODULE = re.compile(r"^[ \t]*(?:from|import)[ \t]+(\w+)", re.MULTILINE)


def content_of(submission: Submission) -> str:
    """Return a digest of all files that a submission may read: its folder, or what it imports."""
    files = _below(submission.place) if submission.place.is_dir() else _imported(submission.place)
    return _digest(submission.place, files)


def code_of(submission: Submission) -> str:
    """Return a digest of the code that was handed in."""
    return _digest(submission.place, iter(submission.files))


def _digest(place: Path, files: Iterator[Path]) -> str:
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


def _imported(file: Path) -> Iterator[Path]:
    """Yield a file, and those beside it that it imports, by way of others too."""
    ahead, found = [file], {file}
    while ahead:
        path = ahead.pop()
        yield path
        with contextlib.suppress(NoCodeError):
            for module in MODULE.findall(code_in(path)):
                beside = file.with_name(f"{module}.py")
                if beside not in found and beside.is_file():
                    found.add(beside)
                    ahead.append(beside)


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
