"""stdout and stderr stay cnnspec's, whatever somebody's file does to them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]

OWN = """
from cnnspec.backends.numpy import build as Network
"""

WRAPPED = """
import io, sys
sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
sys.stderr = io.TextIOWrapper(sys.stderr.buffer, encoding="utf-8")
"""

DETACHED = """
import io, sys
sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding="utf-8")
sys.stderr = io.TextIOWrapper(sys.stderr.detach(), encoding="utf-8")
"""

LOGGED = """
import sys

class Tee:
    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        return self.stream.write(text)

    def flush(self):
        self.stream.flush()

sys.stdout, sys.stderr = Tee(sys.stdout), Tee(sys.stderr)
"""

CLOSED = """
import sys
sys.stdout.close()
sys.stderr.close()
"""


TAKEN = {"wrapped": WRAPPED, "closed": CLOSED, "detached": DETACHED, "logged": LOGGED}
TRAIN = ("train", "small.yaml", "--backend", "own.py:Network")


@pytest.mark.parametrize(
    "taken",
    ["wrapped", "closed", *(pytest.param(name, marks=pytest.mark.slow) for name in TAKEN)],
)
def test_a_file_that_takes_the_streams_leaves_output_and_exit_code_as_they_are(
    taken: str, program: Call, folder: Path, request: pytest.FixtureRequest
) -> None:
    (folder / "own.py").write_text(TAKEN[taken] + OWN)
    trained = program(*TRAIN)
    assert (trained.code, trained.err) == (0, "")
    assert "kept in runs/small-1" in trained.out
    missing = program(*TRAIN, "--set", "data=null")
    assert missing.code == 2
    assert missing.err.count("\n") >= 1
    assert "lost sys.stderr" not in missing.err
    if request.node.get_closest_marker("slow"):
        own = "own.py:Network"
        tested = program("evaluate", "runs/small-1", "--backend", own)
        sides = ("--backends", f"{own},numpy", "--mode", "replay")
        compared = program("compare", "small.yaml", *sides)
        assert [(done.code, done.err) for done in (tested, compared)] == [(0, "")] * 2
        assert "of 100 test images" in tested.out
        assert compared.out.startswith("SAME: ")


def test_a_warning_of_somebody_elses_is_text(program: Call, folder: Path) -> None:
    warning = 'import warnings\nwarnings.warn("red: \\x1b[31m \\u202e")\n'
    (folder / "own.py").write_text(warning + OWN)
    done = program("build", "small.yaml", "--backend", "own.py:Network")
    assert done.code == 0
    assert "own.py:2: UserWarning: red: \ufffd[31m \ufffd\n" in done.err
