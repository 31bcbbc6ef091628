"""A terminal in which the transcripts of the pages are run."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from cnnspec.cli.group import run
from tests.cli.conftest import NEUTRAL, REMOVED

BIN = Path(sys.executable).parent
WHAT_GOES_ON = re.compile(r"\[\d+:\d\d\] ")
"""The beginning of lines that are said where a command takes long: on a busy machine alone."""
FOR_A_SHELL = re.compile(r"[|<>;&$*]")


BY_ROUNDING = re.compile(
    r"\b\d[\d,]*\.\d+(?:e[+-]\d+)?\b"
    r"|(?<=may turn )[\d,]+|(?<=in step )[\d,]+|(?<=from step )[\d,]+"
    r"|\b\d+ (?=of [\d,]+ test images)"
    r"|\b(?:conv|pool|relu|flatten|linear|batch_norm)\d+(?:\.(?:weight|bias))?\b"
    r"|\b(?:output|(?:input|weight|bias) gradient)\b"
)
"""Numbers, and the names of what has the greatest of them."""


class Typed(NamedTuple):
    """A command of a transcript, and what the page shows below it."""

    command: str
    shown: str
    start: int
    end: int
    """The lines of `shown` within the transcript, from 0, the end left out."""


def typed(transcript: str) -> Iterator[Typed]:
    """Yield the commands of a transcript; one goes on in lines that start with `> `."""
    lines = transcript.splitlines()
    assert lines[0].startswith("$ "), f"wanted a line that starts with `$ `: {lines[0]}"
    at = 0
    while at < len(lines):
        command = lines[at][2:]
        at += 1
        while at < len(lines) and lines[at].startswith("> "):
            command += "\n" + lines[at][2:]
            at += 1
        start = at
        while at < len(lines) and not lines[at].startswith("$ "):
            at += 1
        end = at
        while end > start and not lines[end - 1]:
            end -= 1
        yield Typed(command, "\n".join(lines[start:end]), start, end)


def answer(command: str, folder: Path, *, coloured: bool = False) -> str:
    """Run a command in a folder and return all that it prints, on stdout and stderr, in order."""
    environ = {name: value for name, value in os.environ.items() if name not in REMOVED}
    environ |= {**NEUTRAL, "PATH": f"{BIN}{os.pathsep}{environ['PATH']}"}
    if coloured:
        environ |= {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    if command.startswith("cnnspec ") and not FOR_A_SHELL.search(command):
        with mock.patch.dict(os.environ, environ, clear=True):
            text = _in_process(shlex.split(command), folder)
    else:
        text = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environ,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ).stdout
    lines = (line.rstrip() for line in text.splitlines() if not WHAT_GOES_ON.match(line))
    return "\n".join(lines).strip("\n")


def _in_process(arguments: list[str], folder: Path) -> str:
    """Run the command line here: Python and its libraries are loaded once for all pages."""
    with _one_stream() as printed, chdir(folder):
        run(arguments[1:])
        return printed()


@contextmanager
def _one_stream() -> Iterator[Callable[[], str]]:
    """Send stdout and stderr to one file, those of child processes, too."""
    with tempfile.TemporaryFile() as file:

        def printed() -> str:
            file.seek(0)
            return file.read().decode()

        kept = os.dup(1), os.dup(2)
        stream = io.TextIOWrapper(
            io.FileIO(1, "w", closefd=False), encoding="utf-8", write_through=True
        )
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            with mock.patch.object(sys, "stdout", stream), mock.patch.object(sys, "stderr", stream):
                yield printed
        finally:
            for number, copy in zip((1, 2), kept):
                os.dup2(copy, number)
                os.close(copy)


def matches(shown: str, found: str, *, rounded: bool = False) -> bool:
    """Tell whether a page shows what is found; `...` stands for any text, as a line for any lines.

    With `rounded`, what hangs on how BLAS rounds may be other: numbers, which layer and quantity
    has the greatest, and so where lines end.
    """
    if rounded:
        words = BY_ROUNDING.sub("#", shown).split()
        pattern = r"\s+".join(".*?" if word == "..." else re.escape(word) for word in words)
        return re.fullmatch(pattern, BY_ROUNDING.sub("#", found).strip(), re.DOTALL) is not None
    pattern = ""
    for line in shown.splitlines():
        if line == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += r"[^\n]*?".join(map(re.escape, line.split("..."))) + "\n"
    return re.fullmatch(pattern, found + "\n" if found else "") is not None
