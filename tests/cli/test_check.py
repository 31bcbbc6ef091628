"""`cnnspec check`: what it prints, and how it exits."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cnnspec.cli.check import KINDS, LAYOUTS
from tests.cli.conftest import Call

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook_layers.py"


def test_kinds_and_layouts_are_those_there_are() -> None:
    from cnnspec.backends.plain import LAYOUTS as KNOWN_LAYOUTS
    from cnnspec.compare.check import KINDS as KNOWN_KINDS

    assert set(KINDS) == set(KNOWN_KINDS)
    assert LAYOUTS == KNOWN_LAYOUTS


def test_wrong_is_1_and_reads_top_down(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = call("check", f"{NOTEBOOK}:Linear", "--as", "linear")
    assert done.code == 1
    lines = [line.rstrip() for line in done.out.splitlines()]
    assert lines[0] == "WRONG: notebook_layers.py:Linear as linear: 18 of 24 passed"
    assert lines[2] == "wrong: weight gradient, in: plain; as many out as in; one output"
    assert "  why: the expected one x 0.142857 (1/7 = 1/batch_size): divided by the batch" in lines
    assert "right: forward (3 settings)" in lines
    assert max(map(len, lines)) <= 80


def test_right_is_0(call: Call) -> None:
    done = call("check", f"{NOTEBOOK}:ReLU", "--as", "relu")
    assert done.code == 0
    assert done.out.startswith("RIGHT: notebook_layers.py:ReLU as relu: 10 of 10 passed\n")


def test_arguments_are_read_as_a_spec_is(call: Call, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    given = ("--arg", "rate=1e-3", "--arg", "name=", "--arg", "sizes=[1, no]", "--arg", "on=true")
    done = call("check", f"{tmp_path}/own.py:ReLU", "--as", "relu", *given)
    assert done.code == 0
    assert done.out.startswith("RIGHT: own.py:ReLU as relu")


OWN = """
import numpy as np

class ReLU:
    def __init__(self, rate, name, sizes, on):
        assert (rate, name, sizes, on) == (0.001, None, [1, "no"], True)
    def forward(self, x):
        self.on = x > 0
        return np.where(self.on, x, 0)
    def backward(self, grad):
        return np.where(self.on, grad, 0)
"""


def test_json(call: Call) -> None:
    done = call("check", f"{NOTEBOOK}:MaxPool2DTies", "--as", "pool", "--json")
    document: Any = json.loads(done.out)
    assert (done.code, document["schema"], document["version"]) == (1, "cnnspec/check", 1)
    assert document["candidate"] == "notebook_layers.py:MaxPool2DTies"
    assert document["grade"] == {"passed": 16, "total": 20}
    (first, *_) = (finding for finding in document["findings"] if not finding["ok"])
    assert (first["setting"], first["quantity"]) == ("side by side", "grad_input")
    assert first["cause"]["code"] == "ties-to-all"
    assert first["max_abs"] > first["budget"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Conv2D", "--as", "conv"], "wanted FILE.py:CLASS, found `Conv2D`"),
        (["{file}:Conv2D", "--as", "dense"], "'dense' is not one of"),
        (["{file}:Conv2D", "--as", "conv", "--map", "W"], "--map wants NAME=ITS"),
        (["{file}:Conv2D", "--as", "conv", "--map", "foo=W"], "nothing called foo that could be"),
        (["{file}:Conv2D", "--as", "conv", "--arg", "W"], "--arg wants NAME=VALUE"),
        (["{file}:Conv2D", "--as", "conv", "--arg", "a=[1"], "--arg a:"),
        (["{file}:Conv2D", "--as", "conv", "--arg", "a=1"], "Conv2D takes no `a`; its parameters"),
        (["{file}:Conv2D", "--as", "conv", "--like", "{{out_channel: 3}}"], "unknown-option"),
        (["{file}:Conv2D", "--as", "conv", "--like", "{{"], "--like:"),
        (["{file}:Conv3D", "--as", "conv"], "there is no `Conv3D` in it; it has Conv2D, ReLU"),
        (["no.py:Conv2D", "--as", "conv"], "there is no file `no.py`"),
        (["{file}:Conv2D", "--as", "cross_entropy", "--like", "{{a: 1}}"], "--like is for layers"),
    ],
)
def test_bad_usage_is_2(arguments: list[str], message: str, call: Call) -> None:
    done = call("check", *(argument.format(file=NOTEBOOK) for argument in arguments))
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from cnnspec.cli import main
sys.argv = ["cnnspec", "check", sys.argv[1] + ":Linear", "--as", "linear"]
main()
"""


def test_it_works_without_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(NOTEBOOK)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "18 of 24 passed" in done.stdout
