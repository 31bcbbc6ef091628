"""cnnspec train: lines, document, run folder; interrupted, piped and refused."""

import json
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import NPZ, parse_spec
from cnnspec.spec.kept import without_note
from cnnspec.training import Run

Call = Callable[..., Any]

FILES = ["metrics.jsonl", "resolved.yaml", "run.json", "spec.yaml", "weights.safetensors"]
TWO_LAYERS = """\
name: slow
input: [1, 8, 8]
layers:
  - conv: {out_channels: 16, kernel_size: 3, padding: 1}
  - relu
  - conv: {out_channels: 16, kernel_size: 3, padding: 1}
  - relu
  - flatten
  - linear: {out_features: 10}
data: {digits: {train_samples: 300, test_samples: 50}}
training: {epochs: 1000, optimizer: {sgd: {learning_rate: 0.05}}}
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def without_seconds(text: str) -> str:
    return re.sub(r"\d+\.\d s$", "S s", text, flags=re.MULTILINE)


def lines_of(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_one_line_an_epoch_and_the_run_folder(call: Call, folder: Path) -> None:
    done = call("train", "small.yaml")
    assert (done.code, done.err) == (0, "")
    run = folder / "runs" / "small-1"
    first, second = lines_of(run)

    def line(epoch: int, found: dict[str, float]) -> str:
        return (
            f"epoch {epoch}/2"
            f"  train loss {found['train_loss']:.4f}  ({100 * found['train_accuracy']:.2f} %)"
            f"  test loss {found['test_loss']:.4f}  ({100 * found['test_accuracy']:.2f} %) S s\n"
        )

    accuracy = 100 * second["test_accuracy"]
    assert without_seconds(done.out) == (
        line(1, first)
        + line(2, second)
        + f"{accuracy:.2f} % of the test images; kept in runs/small-1\n"
    )
    assert accuracy > 50
    assert names(folder) == ["runs", "small.yaml"]
    assert names(folder / "runs") == ["small-1"]
    assert names(run) == FILES
    kept = (run / "spec.yaml").read_bytes()
    assert without_note(kept) == (folder / "small.yaml").read_bytes()


def test_epochs_is_short_for_set(call: Call, folder: Path) -> None:
    assert call("train", "small.yaml", "--epochs", "1").code == 0
    run = folder / "runs" / "small-1"
    assert len(lines_of(run)) == 1
    assert parse_spec((run / "resolved.yaml").read_text()).training.epochs == 1
    assert call("train", "small.yaml", "--epochs", "0").code == 2


def test_every_training_has_a_folder_of_its_own(call: Call, folder: Path) -> None:
    for number in (1, 2, 3):
        done = call("train", "small.yaml")
        assert done.out.endswith(f"kept in runs/small-{number}\n")
    assert call("train", "small.yaml", "--set", "name=other").out.endswith("runs/other-1\n")
    assert names(folder / "runs") == ["other-1", "small-1", "small-2", "small-3"]


def test_the_same_training_twice_leaves_the_same_weights(program: Call, folder: Path) -> None:
    for _ in range(2):
        assert program("train", "small.yaml").code == 0
    first, second = (folder / "runs" / name for name in ("small-1", "small-2"))
    weights = "weights.safetensors"
    assert (first / weights).read_bytes() == (second / weights).read_bytes()
    for a, b in zip(lines_of(first), lines_of(second)):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}


def test_document(program: Call, folder: Path) -> None:
    done = program("train", "small.yaml", "--json", "--runs", "kept/here")
    assert done.code == 0
    epochs = lines_of(folder / "kept" / "here" / "small-1")
    assert json.loads(done.out) == {
        "schema": "cnnspec/training",
        "version": 1,
        "run": "kept/here/small-1",
        "backend": "numpy",
        "epochs": epochs,
        "test_accuracy": epochs[-1]["test_accuracy"],
    }
    assert list(epochs[0]) == [
        "epoch",
        "train_loss",
        "train_accuracy",
        "test_loss",
        "test_accuracy",
        "seconds",
    ]
    first, second = done.err.splitlines()
    assert first.startswith("epoch 1/2  train loss ")
    assert second.startswith("epoch 2/2  train loss ")


def test_what_the_run_folder_says(call: Call, folder: Path) -> None:
    sets = ["training.epochs=1", "layers.linear1.bias=false"]
    done = call("train", "small.yaml", "--backend", "loops", "--set", sets[0], "--set", sets[1])
    assert done.code == 0
    run = folder / "runs" / "small-1"
    about = json.loads((run / "run.json").read_text())
    assert list(about) == ["backend", "overrides", "spec_sha256", "environment"]
    assert (about["backend"], about["overrides"]) == ("loops", sets)
    spec = Run.open(run).spec()
    assert spec.training.epochs == 1
    kept = without_note((run / "spec.yaml").read_bytes())
    assert kept == (folder / "small.yaml").read_bytes()
    assert list(Run.open(run).weights()) == ["linear1.weight"]


@pytest.mark.torch
def test_backends_learn_alike(call: Call, folder: Path) -> None:
    for backend in ("numpy", "torch", "loops"):
        assert call("train", "small.yaml", "--backend", backend).code == 0
    losses = [lines_of(folder / "runs" / f"small-{n}")[-1]["test_loss"] for n in (1, 2, 3)]
    assert losses[1:] == pytest.approx([losses[0]] * 2, rel=1e-4)


def test_data_of_ones_own(call: Call, folder: Path) -> None:
    images = np.zeros((20, 8, 8), np.float32)
    images[::2] = 1
    np.savez(folder / "mine.npz", images=images, labels=np.arange(20) % 2)
    options = ("--set", "data.npz.path=mine.npz", "--set", "layers.linear1.out_features=2")
    done = call("train", "small.yaml", *options)
    assert done.code == 0
    assert done.out.splitlines()[-1] == "100.00 % of the test images; kept in runs/small-1"
    assert Run.open("runs/small-1").spec().data == NPZ(path="mine.npz")


def test_a_spec_from_a_pipe_is_kept_too(program: Call, folder: Path) -> None:
    text = (folder / "small.yaml").read_text()
    done = program("train", "-", input=text)
    assert done.code == 0
    kept = (folder / "runs" / "small-1" / "spec.yaml").read_bytes()
    assert without_note(kept) == text.encode()


# The first step makes both layers' weights about 1e30, whose product is beyond float32.
DIVERGING = """\
name: wild
input: [1, 8, 8]
layers: [flatten, linear: {out_features: 8}, linear: {out_features: 10}]
data: {digits: {train_samples: 64}}
training: {optimizer: {sgd: {learning_rate: 1e30}}}
"""


def diverged(backend: str) -> str:
    return (
        f"cnnspec: the loss of the {backend} network is nan at step 2 (epoch 1); "
        "try a smaller learning rate than 1e+30\n"
    )


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("backend", ["numpy", "torch", "loops"])
def test_a_training_that_diverges(call: Call, folder: Path, backend: str, more: list[str]) -> None:
    (folder / "wild.yaml").write_text(DIVERGING)
    done = call("train", "wild.yaml", "--backend", backend, *more)
    assert done == (2, "", diverged(backend))
    assert names(folder / "runs" / "wild-1") == ["resolved.yaml", "run.json", "spec.yaml"]


def test_a_training_that_diverges_is_one_line_of_error(program: Call, folder: Path) -> None:
    (folder / "wild.yaml").write_text(DIVERGING)
    assert program("train", "wild.yaml") == (2, "", diverged("numpy"))


STEEP = ["--set", "training.optimizer.sgd.learning_rate=1e6", "--set", "data.digits.normalize=null"]


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_a_finite_loss_that_means_nothing_is_called_divergence(
    call: Call, folder: Path, more: list[str]
) -> None:
    done = call("train", "small.yaml", *STEEP, *more)
    assert done.code == 0
    metrics = lines_of(folder / "runs" / "small-1")
    lines = (done.err if more else done.out).splitlines()
    for line, found in zip(lines, metrics):
        assert f"train loss {found['train_loss']:.2e} " in line
        assert len(line) <= 80
    worst = max(metrics[0]["train_loss"], metrics[0]["test_loss"])
    assert worst > 1e4
    said = re.fullmatch(
        r"cnnspec: the training diverged: in epoch 1 the loss is (\S+), and it began at (\S+)\. "
        r"Take a smaller learning rate, or scale the images: `normalize` in the `data` section",
        done.err.splitlines()[-1],
    )
    assert said
    assert said[1] == f"{worst:.2e}"
    assert 2 < float(said[2]) < 4


def test_a_training_that_learns_is_not_called_so(call: Call) -> None:
    assert "diverged" not in call("train", "small.yaml").err


def test_compare_calls_it_divergence_too(call: Call) -> None:
    done = call("compare", "small.yaml", *STEEP, "--backends", "numpy,loops")
    assert "numpy diverged: in epoch 1 the loss is " in " ".join(done.out.split())
    assert "loops diverged: in epoch 1 the loss is " in " ".join(done.out.split())
    assert "e+" in next(line for line in done.out.splitlines() if "train loss, last" in line)
    short = call("compare", "small.yaml", *STEEP, "--backends", "numpy,loops", "--steps", "3")
    assert "numpy diverged: in step 3 the loss is " in " ".join(short.out.split())


def test_problems_come_before_the_run_folder(call: Call, folder: Path) -> None:
    for change in ("layers.conv1.padding=1", "training.epochs=0", "input=[1, 9, 9]"):
        assert call("train", "small.yaml", "--set", change).code == 2
    assert call("train", "small.yaml", "--backend", "torch", "--device", "nowhere").code == 2
    assert names(folder) == ["small.yaml"]


def test_interrupted(script: Path, folder: Path, clean: dict[str, str]) -> None:
    (folder / "slow.yaml").write_text(TWO_LAYERS)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:  # a child ignores what its parent ignores
        running = subprocess.Popen(
            [str(script), "train", "slow.yaml"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**clean, "PYTHONUNBUFFERED": "1"},
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with running:
        assert running.stdout is not None
        seen = [running.stdout.readline() for _ in range(2)]
        running.send_signal(signal.SIGINT)
        rest, err = running.communicate(timeout=60)
    assert running.returncode == 130
    run = Run.open(folder / "runs" / "slow-1")
    history = run.history()
    assert err == (
        f"cnnspec: interrupted; runs/slow-1 keeps the metrics of epochs 1 to {len(history)} "
        f"and the weights of epoch {len(history)}\n"
    )
    assert [metrics.epoch for metrics in history] == list(range(1, len(history) + 1))
    assert len(history) >= 2
    printed = [*seen, *rest.splitlines()]
    assert len(printed) in (len(history), len(history) - 1)
    assert names(run.path) == FILES
    evaluated = subprocess.run(
        [str(script), "evaluate", "runs/slow-1", "--json"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=clean,
        check=True,
    )
    assert json.loads(evaluated.stdout)["test_accuracy"] == history[-1].test_accuracy


def test_a_training_goes_on_when_its_reader_has_gone(
    script: Path, folder: Path, clean: dict[str, str]
) -> None:
    done = subprocess.run(
        f'"{script}" train small.yaml --set training.epochs=200 | head -1',
        shell=True,
        capture_output=True,
        text=True,
        cwd=folder,
        env=clean,
        timeout=60,
    )
    assert done.stdout.startswith("epoch   1/200  train loss ")
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
    assert len(lines_of(folder / "runs" / "small-1")) == 200


def test_the_ready_spec_parses_as_it_is_kept(call: Call, folder: Path) -> None:
    call("train", "small.yaml", "--set", "training.epochs=1")
    resolved = (folder / "runs" / "small-1" / "resolved.yaml").read_text()
    assert parse_spec(resolved).training.epochs == 1
    assert "in_features: 64" in resolved


def test_what_is_odd_about_the_data_is_one_line_on_stderr(program: Call, folder: Path) -> None:
    images = np.linspace(0, 255, 50 * 64).reshape(50, 8, 8)
    np.savez(folder / "mine.npz", images=images, labels=np.arange(50) % 10)
    done = program("train", "small.yaml", "--set", "data={npz: {path: mine.npz}}")
    assert done.code == 0
    assert done.err.splitlines()[0] == (
        "cnnspec: warning: the images of `npz` go from 0 to 255 as they reach the network, which "
        "trains badly; store uint8, which is scaled to [0, 1]; or divide by 255; or give "
        "`normalize`"
    )
    assert "DataWarning" not in done.err


def test_names_of_arrays_and_the_layout_by_set(call: Call, folder: Path) -> None:
    images = (np.arange(50 * 64 * 3) % 256).astype(np.uint8).reshape(50, 8, 8, 3)
    np.savez(folder / "mine.npz", x=images, y=np.arange(50) % 10)
    options = ["data.npz.path=mine.npz", "data.npz.images=x", "data.npz.labels=y"]
    options += ["data.npz.layout=nhwc", "input=[3, 8, 8]"]
    arguments = [word for option in options for word in ("--set", option)]
    done = call("train", "small.yaml", *arguments)
    assert (done.code, done.err) == (0, "")
    assert call("evaluate", "runs/small-1").code == 0
