"""Two ways to call the command line: within this process, and as a program of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cnnspec.cli import heartbeat
from cnnspec.cli.group import run

SCRIPT = Path(sys.executable).with_name("cnnspec")

# What changes the width or the colours of a report.
NEUTRAL = {"COLUMNS": "80", "TERM": "dumb"}
REMOVED = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "LINES", "CNNSPEC_DATA")

SMALL = """\
name: small
input: [1, 8, 8]
layers: [flatten, linear: {out_features: 10}]
data: {digits: {train_samples: 200, test_samples: 100}}
training: {epochs: 2, optimizer: {sgd: {learning_rate: 0.5}}}
"""


class Done(NamedTuple):
    code: int
    out: str
    err: str


Call = Callable[..., Done]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in REMOVED}
    return {**kept, **NEUTRAL, **more}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with a spec that trains in an instant, `small.yaml`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure in an instant how fast the machine is, for tests of what is made of it."""
    from cnnspec.bench import machine

    monkeypatch.setattr(machine, "SECONDS", 0.001)
    monkeypatch.setattr(machine, "SIZES", machine.SIZES[:2])


@pytest.fixture
def call(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], hasty: None
) -> Call:
    """Run a command within this process."""
    for name in REMOVED:
        monkeypatch.delenv(name, raising=False)
    for name, value in NEUTRAL.items():
        monkeypatch.setenv(name, value)
    for name in ("FIRST", "PAUSE", "LATEST"):  # of what is said on a busy machine alone
        monkeypatch.setattr(heartbeat, name, 1e6)

    def call(*arguments: object) -> Done:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        sys.stdout.flush()
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return call


@pytest.fixture
def program(folder: Path) -> Call:
    """Run a command as the installed program."""

    def run(*arguments: object, environ: dict[str, str] | None = None, **options: Any) -> Done:
        done = subprocess.run(
            [str(SCRIPT), *map(str, arguments)],
            **{
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "text": True,
                "cwd": folder,
                "env": environment(**(environ or {})),
                "timeout": 60,
                **options,
            },
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def script() -> Path:
    return SCRIPT


@pytest.fixture
def clean() -> dict[str, str]:
    return environment()
