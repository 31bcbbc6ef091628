"""Reading specs for commands: from a file or from stdin, with warnings on stderr."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import rich_click as click

from cnnspec.cli.targets import STDIN, SUFFIXES, way_out
from cnnspec.errors import SpecError
from cnnspec.printable import printable
from cnnspec.spec.diagnostics import Diagnostic
from cnnspec.spec.load import inspect_spec, most_bytes, read_text
from cnnspec.spec.model import ModelSpec


def read_spec(
    path: str, overrides: Iterable[str] = (), *, trains: bool = False
) -> tuple[ModelSpec, bytes]:
    """Return a spec and its text; warnings are printed.

    `trains` asks for outputs that a loss takes, of a spec without data, too.

    Raises:
        SpecError: the file cannot be read, or the spec in it is not valid.
    """
    text = text_of(path)
    found = inspect_spec(text, file=name_of(path), overrides=overrides, trains=trains)
    if found.spec is None:
        raise SpecError(found.diagnostics)
    if found.diagnostics:
        from cnnspec.cli.console import print_problems

        print_problems(found.diagnostics)
    return found.spec, text


def text_of(path: str) -> bytes:
    """Read a file; `-` is stdin.

    Raises:
        SpecError: the file cannot be read.
    """
    if path != STDIN:
        if Path(path).is_dir():
            message = f"there is no .yaml or .yml file in the folder {name_of(path)}"
            raise SpecError([Diagnostic("unreadable", message)])
        try:
            return read_text(path)
        except SpecError as error:
            (problem,) = error.diagnostics
            if os.path.lexists(path):
                raise
            raise SpecError([replace(problem, help=way_out(path))]) from None
    if sys.stdin is None:
        raise SpecError([Diagnostic("unreadable", "stdin is closed")])
    return sys.stdin.buffer.read(most_bytes())


def name_of(path: str) -> str:
    """Name a file in messages."""
    return "<stdin>" if path == STDIN else printable(path)


def write_text(path: str, text: str) -> None:
    """Replace a file, or make it, by way of a new one, so that it is never half written."""
    target = Path(os.path.realpath(path))
    new = None
    try:
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
            new = Path(file.name)
            file.write(text.encode())
        umask = os.umask(0)
        os.umask(umask)
        new.chmod(target.stat().st_mode if target.exists() else 0o666 & ~umask)
        new.replace(target)
    except OSError as error:
        if new is not None:
            new.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise click.ClickException(f"cannot write {name_of(path)}: {reason}") from None


def check_writable(path: str) -> None:
    """Refuse a file that could not be written in the end, before the work for it begins."""
    target = Path(os.path.realpath(path))
    for needed in (target if target.exists() else target.parent, target.parent):
        if not needed.exists():
            code = errno.ENOENT
        elif not os.access(needed, os.W_OK):
            code = errno.EACCES
        elif needed == target.parent and not needed.is_dir():
            code = errno.ENOTDIR
        else:
            continue
        raise click.ClickException(f"cannot write {name_of(path)}: {os.strerror(code)}")


PASSED_OVER = {"node_modules", "__pycache__"}
"""Folders that hold no specs of a user's own; hidden ones are passed over, too."""


def expanded(files: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Yield each file once, and whether it was found in a folder, in the order of names.

    Of a folder that holds no .yaml and .yml files, itself is yielded: it cannot be read.
    """
    seen: set[str] = set()
    for given in files:
        if given == STDIN or not Path(given).is_dir():
            found = [(given, False)]
        else:
            found = [(path, True) for path in _below(given)] or [(given, False)]
        yield from (entry for entry in found if entry[0] not in seen)
        seen.update(path for path, _ in found)


def _below(given: str) -> list[str]:
    found = []
    for folder, folders, names in os.walk(given):
        folders[:] = [
            name for name in folders if not name.startswith(".") and name not in PASSED_OVER
        ]
        found += [
            os.path.join(folder, name)  # noqa: PTH118 - keeps ./ and the like as written
            for name in names
            if name.endswith(SUFFIXES) and not name.startswith(".")
        ]
    return sorted(found)
