"""cnnspec evaluate: the weights of a run folder, on any backend."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec.training import Run
from cnnspec.training.weights import save_weights

Call = Callable[..., Any]


@pytest.fixture
def run(call: Call, folder: Path) -> Run:
    """Train a network on the digits."""
    assert call("train", "small.yaml").code == 0
    return Run.open(folder / "runs" / "small-1")


@pytest.mark.parametrize("backend", [None, "numpy", "loops", "torch"])
def test_any_backend_gives_what_was_recorded(call: Call, run: Run, backend: str | None) -> None:
    last = run.history()[-1]
    done = call("evaluate", "runs/small-1", *(["--backend", backend] if backend else []))
    assert done == (
        0,
        f"{100 * last.test_accuracy:.2f} % of 100 test images, "
        f"mean loss {last.test_loss:.4f} ({backend or 'numpy'})\n",
        "",
    )


def test_the_backend_that_trained_is_the_default(call: Call, folder: Path) -> None:
    call("train", "small.yaml", "--backend", "loops", "--set", "training.epochs=1")
    assert call("evaluate", "runs/small-1").out.endswith("(loops)\n")


def test_document(program: Call, run: Run) -> None:
    done = program("evaluate", "runs/small-1", "--json", "--backend", "loops")
    assert (done.code, done.err) == (0, "")
    epochs = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert len(epochs) == 2
    assert json.loads(done.out) == {
        "schema": "cnnspec/training",
        "version": 1,
        "run": "runs/small-1",
        "backend": "loops",
        "epochs": epochs,
        "test_accuracy": epochs[-1]["test_accuracy"],
    }


def test_other_test_images(call: Call, run: Run) -> None:
    done = call("evaluate", "runs/small-1", "--set", "data.digits.test_samples=360")
    assert " of 360 test images, " in done.out


def test_nothing_is_changed(call: Call, run: Run) -> None:
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}
    assert call("evaluate", "runs/small-1", "--backend", "loops").code == 0
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before


def test_another_network_does_not_fit(call: Call, run: Run) -> None:
    done = call("evaluate", "runs/small-1", "--set", "layers.linear1.out_features=11")
    assert done == (
        2,
        "",
        "cnnspec: the weights do not fit the network: `linear1.weight` is 10 x 64, "
        "but the network has 11 x 64\n",
    )
    done = call("evaluate", "runs/small-1", "--set", "layers.linear1.name=other")
    assert done == (
        2,
        "",
        "cnnspec: the weights do not fit the network; missing: other.weight, other.bias; "
        "unknown: linear1.bias, linear1.weight\n",
    )


def test_no_data(call: Call, run: Run) -> None:
    done = call("evaluate", "runs/small-1", "--set", "data=null")
    assert done == (2, "", "cnnspec: runs/small-1 has no `data` section to test on\n")


@pytest.mark.parametrize(
    "name", ["run.json", "resolved.yaml", "weights.safetensors", "metrics.jsonl"]
)
@pytest.mark.parametrize("content", [None, b"", b"{\xff"], ids=["missing", "empty", "damaged"])
def test_damaged_folders(call: Call, run: Run, name: str, content: bytes | None) -> None:
    path = run.path / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    done = call("evaluate", "runs/small-1", "--json")
    if (name, content) == ("metrics.jsonl", b""):  # no epoch has been recorded
        assert json.loads(done.out)["epochs"] == []
    else:
        assert (done.code, done.out) == (2, "")
        assert f"runs/small-1/{name}" in done.err or "run.json" in done.err
        assert "Traceback" not in done.err


OWN = """
from pathlib import Path

from cnnspec.backends.numpy import build

Path("it-was-run").touch()

def Network(plan, training, *, device):
    return build(plan, training, device=device)
"""


def test_a_run_folder_runs_no_code(call: Call, folder: Path) -> None:
    """Data never runs code: a file is run where the user names it on this command line."""
    (folder / "own.py").write_text(OWN)
    trained = call("train", "small.yaml", "--backend", "own.py:Network")
    assert (trained.code, (folder / "it-was-run").exists()) == (0, True)
    (folder / "it-was-run").unlink()
    told = "runs/small-1 was trained by own.py:Network, a file of code. A run folder is data"
    for command in (("evaluate", "runs/small-1"), ("compare", "runs/small-1", "runs/small-1")):
        done = call(*command)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"cnnspec: {told}")
        assert not (folder / "it-was-run").exists()
    done = call("evaluate", "runs/small-1", "--backend", "own.py:Network")
    assert (done.code, (folder / "it-was-run").exists()) == (0, True)
    (folder / "it-was-run").unlink()
    assert call("evaluate", "runs/small-1", "--backend", "numpy").code == 0
    both = call(
        "compare", "runs/small-1", "runs/small-1", "--backends", "own.py:Network,own.py:Network"
    )
    assert (both.code, (folder / "it-was-run").exists()) == (0, True)


def test_weights_that_are_not_finite_are_not_evaluated(call: Call, run: Run) -> None:
    weights = run.weights()
    weights["linear1.bias"][3] = np.nan
    save_weights(run.path / "weights.safetensors", weights)
    assert call("evaluate", "runs/small-1") == (
        2,
        "",
        "cnnspec: the weights of runs/small-1 are not finite: linear1.bias (1 of 10 numbers); its "
        "training diverged, nothing was evaluated\n",
    )


def test_weights_beyond_the_precision_are_said(call: Call, run: Run) -> None:
    weights = {name: array.astype(np.float64) for name, array in run.weights().items()}
    save_weights(run.path / "weights.safetensors", weights)
    assert call("evaluate", "runs/small-1").err == ""
    weights["linear1.bias"][3] += 1e-12
    save_weights(run.path / "weights.safetensors", weights)
    done = call("evaluate", "runs/small-1")
    assert (done.code, done.err) == (
        0,
        "cnnspec: warning: the weights of runs/small-1 are float64 numbers, which float32, the "
        "precision of its training, rounds: linear1.bias\n",
    )
    assert call("evaluate", "runs/small-1", "--set", "training.precision=float64").err == ""


@pytest.mark.parametrize("dtype", [np.int64, np.bool_, np.float16])
def test_weights_that_are_no_floats_of_a_precision(call: Call, run: Run, dtype: type) -> None:
    weights = {name: array.astype(dtype) for name, array in run.weights().items()}
    save_weights(run.path / "weights.safetensors", weights)
    for command in (("evaluate", "runs/small-1"), ("compare", "runs/small-1", "runs/small-1")):
        done = call(*command)
        assert (done.code, done.out) == (2, "")
        assert "wanted float32 or float64: convert them and write the file anew" in done.err


def test_a_change_of_spec_yaml_is_said_to_be_without_effect(call: Call, run: Run) -> None:
    path = run.path / "spec.yaml"
    path.write_text(path.read_text().replace("epochs: 2", "epochs: 3"))
    for command in (("evaluate", "runs/small-1"), ("compare", "runs/small-1", "runs/small-1")):
        done = call(*command)
        assert done.code == 0
        assert done.err == (
            "cnnspec: warning: runs/small-1/spec.yaml was changed after the training, which has no "
            "effect: the run goes by resolved.yaml; `cnnspec train` trains what was changed\n"
        )
    assert call("train", "runs/small-1/spec.yaml").code == 0
    assert Run.open(run.path.with_name("small-2")).spec().training.epochs == 3
