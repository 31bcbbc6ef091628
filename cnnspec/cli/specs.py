"""Reading specs for commands: from a file or from stdin, with warnings on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import rich_click as click

from cnnspec.cli.options import SUFFIXES
from cnnspec.errors import SpecError
from cnnspec.spec.diagnostics import Diagnostic
from cnnspec.spec.load import inspect_spec, read_text
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.source import MAX_BYTES

STDIN = "-"


def read_spec(path: str, overrides: Iterable[str] = ()) -> tuple[ModelSpec, bytes]:
    """Return a spec and its text; warnings are printed.

    Raises:
        SpecError: the file cannot be read, or the spec in it is not valid.
    """
    text = text_of(path)
    found = inspect_spec(text, file=name_of(path), overrides=overrides)
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
    return sys.stdin.buffer.read(MAX_BYTES + 1) if path == STDIN else read_text(path)


def name_of(path: str) -> str:
    """Name a file in messages."""
    return "<stdin>" if path == STDIN else path


def write_text(path: str, text: str) -> None:
    """Replace a file by way of a new one, so that it is never half written."""
    target = Path(os.path.realpath(path))
    new = target.with_name(f".{target.name}.new")
    try:
        new.write_text(text, "utf-8", newline="\n")
        new.chmod(target.stat().st_mode)
        new.replace(target)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise click.ClickException(f"cannot write {path}: {error.strerror or error}") from None


def expanded(files: Iterable[str]) -> Iterator[str]:
    """Yield each file once; of a folder, the specs in it and below, by name.

    Raises:
        SpecError: a folder holds no specs.
    """
    seen = set()
    for given in files:
        found = [given]
        if given != STDIN and Path(given).is_dir():
            found = sorted(
                os.path.join(folder, name)  # noqa: PTH118 - keeps ./ and the like as written
                for folder, _, names in os.walk(given)
                for name in names
                if name.endswith(SUFFIXES)
            )
            if not found:
                message = f"there is no .yaml or .yml file in the folder {given}"
                raise SpecError([Diagnostic("unreadable", message)])
        yield from (path for path in found if path not in seen)
        seen.update(found)
