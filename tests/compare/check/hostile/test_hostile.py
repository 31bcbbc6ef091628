"""Whatever a class does, its check ends in time with one document, and nothing of it runs on."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnspec.cli.group import run
from cnnspec.compare.check.process import forks, namespace
from cnnspec.compare.check.process.descendants import descendants
from tests.compare.check.conftest import marked
from tests.compare.check.hostile.classes import HOSTILE

LIMIT = 0.4
"""Seconds for one setting."""

IN_TIME = 20.0
"""Seconds in which a check ends, on a machine that has other work, too."""

QUICK = ("kills its parent", "leaves a daemon", "runs on in a copy", "closes every descriptor")
"""Those of every run; the others are slow."""

CASES = [
    pytest.param(name, id=name, marks=[] if name in QUICK else [pytest.mark.slow])
    for name in HOSTILE
]


@pytest.fixture
def left() -> Iterator[list[int]]:
    """Adopt whatever runs on, and collect it."""
    namespace.adopt()
    before = set(descendants(os.getpid()))
    found: list[int] = []
    yield found
    namespace._libc().prctl(namespace.ADOPTS, 0, 0, 0, 0)
    servers = {server.pid for server in forks._free}
    found += set(descendants(os.getpid())) - before - servers
    assert not found, "it runs on"
    assert not marked("BY", "a hostile class")


def test_there_are_forty() -> None:
    assert len(HOSTILE) >= 40


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("left")
def test_a_hostile_class(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    hostile = HOSTILE[name]
    (tmp_path / "own").mkdir()
    path = tmp_path / "own" / "layers.py"
    path.write_text(hostile.source)
    monkeypatch.chdir(tmp_path)
    limits = f"--time-limit={LIMIT}", f"--import-limit={LIMIT}"
    began = time.monotonic()
    code = run(["check", f"{path}:ReLU", "--as", "relu", "--json", *limits])
    assert time.monotonic() - began < IN_TIME
    document = json.loads(capfd.readouterr().out)
    assert document["schema"] == "cnnspec/check"
    findings = document["findings"]
    messages = [finding["message"] for finding in findings if finding["message"]]
    said = "\n".join([document["error"], *messages, document["output"]])
    assert (code, hostile.words) == (hostile.code, hostile.words if hostile.words in said else said)
