"""`cnnspec compare`: its options, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Call

SPEC = """
name: small
input: [1, 8, 8]
layers:
  - conv: {out_channels: 2, kernel_size: 3}
  - relu
  - flatten
  - linear: {out_features: 10}
"""
DATA = "data: {digits: {train_samples: 64, test_samples: 20}}\n"


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "own.yaml"
    path.write_text(SPEC + DATA)
    return str(path)


@pytest.mark.parametrize("mode", ["lockstep", "resync", "free"])
def test_modes(mode: str, spec: str, call: Call) -> None:
    done = call("compare", spec, "--mode", mode, "--twins", "2", "--json")
    document: Any = json.loads(done.out)
    assert done.code == 0
    trajectory = document["trajectory"]
    assert (trajectory["mode"], trajectory["total_steps"]) == (mode, 2)
    assert (trajectory["envelope"] is not None) == (mode == "free")
    assert len(trajectory["steps"][0]["twins"]) == (2 if mode == "free" else 0)
    assert len(trajectory["replayed"]) == (mode == "resync")


def test_replay_alone(spec: str, call: Call) -> None:
    done = call("compare", spec, "--mode", "replay")
    assert done.code == 0
    assert "Lockstep" not in done.out
    assert done.out.rstrip().endswith("not trained: no data in the spec, or no steps asked for")


def test_settings_of_one_backend(spec: str, call: Call) -> None:
    done = call("compare", spec, "--backends", "torch,torch@bfloat16", "--mode", "replay")
    assert done.code == 1
    words = " ".join(done.out.split())
    assert words.startswith(
        "DIFFERENT: torch and torch@bfloat16 are the same function on small in float64, but in "
        "float32 torch@bfloat16 loses precision that rounding does not explain, in conv1 and "
        "linear1"
    )
    assert "torch@bfloat16: as precise as bfloat16 (u = 2^-8), not as float32 (2^-24)" in words
    assert "relu1, output" not in words


def test_provenance(spec: str, call: Call) -> None:
    first = json.loads(call("compare", spec, "--mode", "replay", "--json").out)
    again = json.loads(call("compare", spec, "--mode", "replay", "--json").out)
    for key in ("spec_sha256", "data_sha256"):
        assert len(first[key]) == 64
        assert first[key] == again[key]
    other = json.loads(
        call("compare", spec, "--mode", "replay", "--json", "--set", "training.seed=3").out
    )
    assert other["spec_sha256"] != first["spec_sha256"]
    assert other["data_sha256"] == first["data_sha256"]
    assert other["seed"] == 3
    assert {"numpy", "torch", "python", "thread_pools"} <= first["environment"].keys()
    assert any(pool["user_api"] == "blas" for pool in first["environment"]["thread_pools"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backends", "numpy"], "--backends wants two names, as in numpy,torch"),
        (["--backends", "numpy,numpy"], "two different backends are compared"),
        (["--backends", "numpy,numpy@quick"], "`numpy` has no setting `quick`"),
        (["--backends", "numpy,none.py:Network"], "there is no file none.py"),
        (["--mode", "slow"], "'slow' is not one of 'replay', 'lockstep', 'resync', 'free'"),
        (["--mode", "free", "--twins", "1"], "--mode free needs --twins 2 or more"),
    ],
)
def test_what_is_refused(arguments: list[str], message: str, spec: str, call: Call) -> None:
    done = call("compare", spec, *arguments)
    assert done.code == 2
    assert message in " ".join(done.err.split())
    assert "Traceback" not in done.err


@pytest.mark.parametrize("arguments", [["--mode", "free"], ["--mode", "resync"], ["--steps", "3"]])
def test_training_needs_data(arguments: list[str], tmp_path: Path, call: Call) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(SPEC)
    done = call("compare", str(path), *arguments)
    assert done.code == 2
    assert "has no `data` section to train on" in done.err
    assert call("compare", str(path)).code == 0
