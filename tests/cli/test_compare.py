"""`cnnspec compare`: its options, and what it refuses."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from cnnspec.cli.activity import Activity
from cnnspec.cli.progress import BAR, TrainingProgress
from cnnspec.spec.limits import Limits
from cnnspec.training import StepTaken
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


@pytest.mark.torch
@pytest.mark.parametrize("mode", ["lockstep", "resync", "free"])
def test_modes(mode: str, spec: str, call: Call) -> None:
    twins = ["--twins", "2"] if mode == "free" else []
    done = call("compare", spec, "--mode", mode, *twins, "--json")
    document: Any = json.loads(done.out)
    assert done.code == 0
    trajectory = document["trajectory"]
    assert (trajectory["mode"], trajectory["total_steps"]) == (mode, 2)
    assert (trajectory["envelope"] is not None) == (mode == "free")
    assert len(trajectory["steps"][0]["twins"]) == (2 if mode == "free" else 0)
    assert len(trajectory["replayed"]) == (mode == "resync")


@pytest.mark.torch
def test_replay_alone(spec: str, call: Call) -> None:
    done = call("compare", spec, "--mode", "replay")
    assert done.code == 0
    assert "Lockstep" not in done.out
    assert done.out.rstrip().endswith("not trained: --mode replay")
    assert call("compare", spec, "--steps", "0").out.rstrip().endswith("not trained: --steps 0")


@pytest.mark.torch
def test_settings_of_one_backend(spec: str, call: Call) -> None:
    done = call("compare", spec, "--backends", "torch,torch@bfloat16", "--mode", "replay")
    assert done.code == 1
    words = " ".join(done.out.split())
    assert words.startswith(
        "DIFFERENT: torch@bfloat16 in float32 loses precision that rounding does not explain, in "
        "conv1 and linear1; in float64 torch and torch@bfloat16 are the same function on small"
    )
    assert (
        "factors and results are rounded to bfloat16 (u = 2^-8); float32 is wanted (2^-24)" in words
    )
    assert "relu1, output" not in words


@pytest.mark.torch
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
        (["--mode", "free", "--twins", "1"], "--twins: --mode free needs 2 or more"),
        (["--mode", "replay", "--twins", "5"], "--twins: for --mode free, not for --mode replay"),
        (["--twins", "5"], "--twins: for --mode free, not for --mode lockstep"),
        (["--mode", "replay", "--steps", "5"], "--steps: --mode replay does not train"),
        (["--mode", "replay", "--epochs", "2"], "--epochs: --mode replay does not train"),
        (["--allow", "pool9"], "nothing that is compared: `pool9`; there are: conv1, "),
        (["--allow", "conv2.output"], "`conv2.output`; did you mean `conv1.output`?"),
        (
            ["--allow", "conv1.grad_foo"],
            "There are of `conv1`: conv1.output, conv1.grad_input, conv1.grad_weight, "
            "conv1.grad_bias",
        ),
        (["--allow", ""], "--allow names nothing that is compared: ``"),
        (["--shrink", "none/case.py"], "cannot write none/case.py: No such file or directory"),
        (["--shrink", "own.yaml/case.py"], "cannot write own.yaml/case.py: "),
        (
            ["--backends", "numpy,torch@bfloat16", "--set", "training.precision=float64"],
            "`torch@bfloat16` with `training.precision: float64`: autocast lowers float32 alone",
        ),
    ],
)
def test_what_is_refused(arguments: list[str], message: str, spec: str, call: Call) -> None:
    done = call("compare", spec, *arguments)
    assert done.code == 2
    assert message in " ".join(done.err.split())
    assert "Traceback" not in done.err


@pytest.mark.torch
@pytest.mark.parametrize("arguments", [["--mode", "free"], ["--mode", "resync"], ["--steps", "3"]])
def test_training_needs_data(arguments: list[str], tmp_path: Path, call: Call) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(SPEC)
    done = call("compare", str(path), *arguments)
    assert done.code == 2
    assert "has no `data` section to train on" in done.err
    assert call("compare", str(path)).code == 0


@pytest.mark.torch
def test_what_may_be_allowed(spec: str, call: Call) -> None:
    names = ["conv1", "conv1.grad_weight", "optimizer.conv1.bias", "optimizer.conv1.bias.exp_avg"]
    more = ["training", "training step", "whole pass", "loss.grad_logits"]
    given = [word for name in (*names, *more) for word in ("--allow", name)]
    done = call("compare", spec, "--mode", "replay", "--json", *given)
    assert done.code == 0
    assert json.loads(done.out)["allow"] == sorted((*names, *more))


@pytest.mark.torch
def test_how_it_was_asked_for_is_recorded(spec: str, call: Call) -> None:
    arguments = ["--backends", "numpy@threads=1+float64,torch", "--mode", "replay", "--json"]
    document = json.loads(call("compare", spec, *arguments).out)
    assert (document["mode"], document["steps"], document["twins"]) == ("replay", None, None)
    plain = {"device": "cpu", "autocast": None, "compile": False}
    assert document["sides"] == {
        "numpy@threads=1+float64": {
            "backend": "numpy",
            "precision": "float64",
            "threads": 1,
            **plain,
        },
        "torch": {"backend": "torch", "precision": "float32", "threads": None, **plain},
    }


PRINTS = """
from cnnspec.backends import numpy as engine

print("imported")

class Linear(engine.LAYERS["linear"]):
    def forward(self, x):
        print("debug: in linear")
        return super().forward(x)

def Network(plan, training, *, device):
    return engine.NumPyNetwork(plan, training, backend="own", loss=engine.cross_entropy,
                               layers=engine.LAYERS | {"linear": Linear},
                               optimizers=engine.OPTIMIZERS)
"""


@pytest.mark.parametrize("more", [["--json"], []])
def test_what_a_backend_prints_goes_to_stderr(
    more: list[str], spec: str, call: Call, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(PRINTS)
    done = call("compare", spec, "--backends", "numpy,own.py:Network", "--steps", "1", *more)
    assert done.code == 0
    assert "debug: in linear" in done.err
    assert "imported" in done.err
    assert "debug" not in done.out
    if more:
        assert json.loads(done.out)["verdict"] == "same"
    else:
        assert done.out.startswith("SAME: numpy and Network are the same function on small")


def test_a_backend_that_raises_has_a_verdict_all_the_same(
    spec: str, call: Call, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(PRINTS.replace("return super().forward(x)", "raise TypeError"))
    done = call("compare", spec, "--backends", "own.py:Network,numpy", "--json")
    assert done.code == 1
    missing = json.loads(done.out)["not_compared"]
    assert {key: missing[0][key] for key in ("layer", "quantity", "why")} == {
        "layer": "linear1",
        "quantity": "output",
        "why": "Network: TypeError",
    }
    assert "Traceback" not in done.err
    assert missing[-1]["part"] == "training"


def test_a_folder_is_neither_spec_nor_run(call: Call, tmp_path: Path) -> None:
    done = call("compare", str(tmp_path))
    assert done.code == 2
    assert "is a folder, and a spec is wanted" in " ".join(done.err.split())


@pytest.mark.torch
def test_many_epochs_take_few_lines(spec: str, call: Call) -> None:
    done = call("compare", spec, "--epochs", "25")
    epochs = [line.split()[2] for line in done.out.splitlines() if line.startswith("numpy epoch")]
    assert epochs == [f"{n}/25" for n in (1, 3, 6, 9, 12, 15, 18, 21, 24, 25)]
    assert not [line for line in done.out.splitlines() if line != line.rstrip()]


def test_a_replay_shows_its_parts_until_the_training() -> None:
    activity = Activity(*BAR, by_itself=False)
    shown = activity.bar
    activity.live = True
    progress = TrainingProgress(activity, Console(file=io.StringIO()), 2)
    with progress.waiting("replaying every part of both"):
        (task,) = shown.tasks
        assert (task.description, task.total) == ("replaying every part of both", None)
        progress.part(6, 23, "conv2 (ties)")
        (task,) = shown.tasks
        at = (task.description, task.completed, task.total)
        assert at == ("replaying conv2 (ties)", 6, 23)
        event = StepTaken(1, 1, 32, 64, 2.3, 2.3, np.zeros((32, 10)), np.arange(32))
        progress.show({"numpy": event, "torch": event})
        (task,) = shown.tasks
        assert (task.description, task.completed, task.total) == ("epoch 1/2", 32, 128)
    assert len(shown.tasks) == 1
    with progress.waiting("more"):
        assert len(shown.tasks) == 2
    assert len(shown.tasks) == 1


def test_a_training_that_ends_early_is_expected_to() -> None:
    activity = Activity(*BAR, by_itself=False)
    activity.live = True
    progress = TrainingProgress(activity, Console(file=io.StringIO()), 2)
    progress.expect(96)
    event = StepTaken(1, 1, 32, 64, 2.3, 2.3, np.zeros((32, 10)), np.arange(32))
    progress.show({"numpy": event})
    assert [task.total for task in activity.bar.tasks] == [96]


def test_a_budget_is_explained_of_as_much_data_as_the_spec_allows(
    spec: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual limit is small here, and the spec's own is not."""
    monkeypatch.setattr("cnnspec.data.load.Limits", lambda: Limits(images=1))
    options = ["--backends", "numpy,loops", "--mode", "replay", "--explain", "conv1.output"]
    done = call("compare", spec, *options)
    assert (done.code, done.err) == (0, "")
    assert "\nconv1.output: float64, numpy vs loops" in done.out


@pytest.mark.parametrize("option", [("--all",), ("--explain", "conv1")], ids=lambda one: one[0])
def test_what_is_for_people_is_refused_beside_json(
    option: tuple[str, ...], spec: str, call: Call
) -> None:
    done = call("compare", spec, "--json", *option)
    assert (done.code, done.out) == (2, "")
    assert f"{option[0]}: for people; --json has the numbers of every budget" in done.err


def test_an_empty_name_names_nothing(spec: str, call: Call) -> None:
    done = call("compare", spec, "--backends", "numpy,loops", "--explain", "")
    assert done.code == 2
    assert "--explain names nothing that is compared: ``" in done.err
