"""cnnspec evaluate: the weights of a run folder, on any backend."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cnnspec.training import Run

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
