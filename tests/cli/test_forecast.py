"""What the loops will take is said before they begin, with true ways to have it shorter."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import parse_spec, resolve
from cnnspec.backends import build
from cnnspec.backends.loops.pace import Pace, pace_of
from cnnspec.backends.network import Batch
from cnnspec.cli import forecast
from cnnspec.cli.forecast import LoopsTraining, duration
from cnnspec.data import load_data
from cnnspec.spec.model import ModelSpec

Call = Callable[..., Any]

SLOW = Pace(forward=0.1, backward=0.2, update=1.0)
"""Of loops that would take a minute and more for anything."""

SPECS = {
    "conv": """
input: [3, 32, 32]
layers:
  - conv: {out_channels: 8, kernel_size: 3, padding: 1, bias: false}
  - batch_norm
  - relu
  - conv: {out_channels: 8, kernel_size: 3, stride: 2}
  - pool: {kernel_size: 2}
  - flatten
  - linear: {out_features: 10}
training: {optimizer: adam}
""",
    "large images": """
input: [1, 96, 96]
layers:
  - conv: {out_channels: 4, kernel_size: 5}
  - pool: {kind: avg, kernel_size: 4}
  - flatten
  - linear: {out_features: 10}
training: {optimizer: {sgd: {momentum: 0.9}}}
""",
    "features": """
input: [1, 28, 28]
layers: [flatten, linear: {out_features: 3000}, relu, linear: {out_features: 10}]
training: {optimizer: {sgd: {learning_rate: 0.1}}}
""",
}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "pace_of", lambda plan, training: SLOW)


@pytest.fixture(autouse=True)
def torch_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch be offered: no test here runs it."""
    monkeypatch.setattr(forecast, "find_spec", {"torch": True}.get)


def said(text: str) -> str:
    """Return what was said beforehand, in one line."""
    lines = [line.strip() for line in text.splitlines()]
    start = next(n for n, line in enumerate(lines) if line.startswith("cnnspec: the loops will"))
    return " ".join(lines[start : start + 2])


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECS)
def test_the_pace_is_right_within_a_factor_of_two(name: str) -> None:
    spec = parse_spec(SPECS[name])
    plan, images = resolve(spec), 16
    network = build(plan, spec.training, "loops")
    x = np.random.default_rng(0).normal(size=(images, *plan.input)).astype(np.float32)
    labels = np.zeros(images, np.int64)
    ratios = []
    for _ in range(3):  # somebody else may take the processor for a while
        pace = pace_of(plan, spec.training)
        start = time.perf_counter()
        network.train_step(Batch(x, labels), 0.0, 1)
        trained = time.perf_counter() - start
        start = time.perf_counter()
        network.predict(x)
        tested = time.perf_counter() - start
        ratios.append((pace.training(images, 1) / trained, pace.testing(images) / tested))
    for found in zip(*ratios):
        assert 0.5 < sorted(found)[1] < 2


@pytest.mark.parametrize("name", SPECS)
def test_the_pace_is_known_soon(name: str) -> None:
    spec = parse_spec(SPECS[name])
    start = time.process_time()
    pace = pace_of(resolve(spec), spec.training)
    assert time.process_time() - start < 3
    assert min(pace.forward, pace.backward, pace.update) > 0


def test_a_pace_is_summed_up() -> None:
    assert SLOW.training(images=10, steps=2) == pytest.approx(10 * 0.3 + 2)
    assert SLOW.testing(5) == pytest.approx(0.5)


def test_a_training_learns_in_all_epochs_and_tests_after_each() -> None:
    spec = parse_spec(
        "input: [1, 8, 8]\nlayers: [flatten, linear: {out_features: 10}]\n"
        "data: {digits: {train_samples: 100, test_samples: 50}}\n"
        "training: {epochs: 3, batch_size: 40}\n"
    )
    assert spec.data is not None
    data = load_data(spec.data)
    whole = LoopsTraining(spec, data)
    assert (whole.learnt, whole.tested) == (300, 150)
    # 100 images are three steps of an epoch
    assert whole.seconds(SLOW) == pytest.approx(300 * 0.3 + 9 * 1.0 + 150 * 0.1)
    early = LoopsTraining(spec, data, steps=2)
    assert (early.learnt, early.tested) == (80, 50)
    assert LoopsTraining(spec, data, networks=2).seconds(SLOW) == 2 * whole.seconds(SLOW)


QUICK = "--batch", "1", "--no-memory", "--seconds", "0.001"
TRAINS = "train", "small.yaml", "--backend", "loops"
COMPARES = "compare", "small.yaml", "--backends", "numpy,loops"


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            TRAINS,
            "the loops will take about 3 min: 400 images to learn from, 200 to test on for less: "
            "--set training.epochs=1, --set data.digits.train_samples=100, --backend numpy",
        ),
        (
            (*COMPARES, "--mode", "lockstep"),
            "the loops will take about 3 min: every part to replay, 400 images to learn from, 200 "
            "to test on for less: --mode replay, --steps 10, --set training.epochs=1, "
            "--set data.digits.train_samples=100, --backends numpy,torch",
        ),
        (
            ("bench", "small.yaml", "--backends", "numpy,loops", *QUICK),
            None,  # one image: a second and a half
        ),
        ((*COMPARES, "--mode", "replay"), None),  # all 84 outputs of an image are seconds
        ((*TRAINS[:3], "numpy"), None),
    ],
    ids=["train", "compare", "bench", "replay", "numpy"],
)
def test_what_takes_long_is_said_before(
    call: Call, arguments: tuple[str, ...], expected: str | None
) -> None:
    done = call(*arguments)
    assert done.code == 0
    if expected is None:
        assert "the loops will take" not in done.err
    else:
        assert said(done.err) == f"cnnspec: {expected}"
    assert "the loops will take" not in done.out


def test_evaluate_and_runs_say_it_too(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("train", "small.yaml").code == 0
    assert call(*TRAINS, "--set", "training.seed=1").code == 0
    monkeypatch.setattr(forecast, "pace_of", lambda plan, training: Pace(2.0, 2.0, 2.0))
    done = call("evaluate", "runs/small-1", "--backend", "loops")
    assert said(done.err) == (
        "cnnspec: the loops will take about 3 min: 100 images to test on for less: "
        "--set data.digits.test_samples=10, --backend numpy"
    )
    done = call("compare", "runs/small-1", "runs/small-2")
    assert re.match(
        r"cnnspec: the loops will take about \d+ (min|h): the test images, every part to replay, "
        r"3 twins to train where the weights differ for less: --twins 0, --backends numpy,torch",
        said(done.err),
    )


def test_bench_says_how_long_its_slice_takes(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "pace_of", lambda plan, training: Pace(20.0, 20.0, 20.0))
    done = call("bench", "small.yaml", "--backends", "numpy,loops", *QUICK)
    assert said(done.err) == (
        "cnnspec: the loops will take about 80 s: a step and a prediction of 1 image for less: "
        "--backends numpy,torch"
    )


def test_the_ways_are_options_that_there_are(folder: Path) -> None:
    text = (folder / "small.yaml").read_text()
    spec = parse_spec(text)
    assert spec.data is not None
    data = load_data(spec.data)
    before = LoopsTraining(spec, data).seconds(SLOW)
    ways = list(LoopsTraining(spec, data).shorter(SLOW))
    assert len(ways) == 2
    for way in ways:
        overrides = [way.removeprefix("--set ")]
        shorter = parse_spec(text, overrides=overrides)
        assert shorter.data is not None
        after = LoopsTraining(shorter, load_data(shorter.data)).seconds(SLOW)
        assert after < 0.75 * before, way


def test_no_way_is_offered_that_would_not_be_shorter(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast, "pace_of", lambda plan, training: Pace(0.1, 0.2, 10.0))
    few = said(call(*COMPARES, "--mode", "lockstep", "--steps", "2").err)
    assert few.endswith("for less: --mode replay, --backends numpy,torch")
    monkeypatch.setattr(forecast, "find_spec", lambda name: None)
    assert "torch" not in said(call(*COMPARES, "--mode", "lockstep", "--steps", "2").err)
    done = call("bench", "small.yaml", "--backends", "numpy,loops", *QUICK)
    assert "torch" not in done.err


def test_larger_batches_are_offered_where_updates_cost_most() -> None:
    spec = parse_spec(
        "input: [1, 8, 8]\nlayers: [flatten, linear: {out_features: 10}]\ndata: digits"
    )
    assert spec.data is not None
    training = LoopsTraining(spec, load_data(spec.data))
    assert list(training.shorter(Pace(0.001, 0.001, 5.0)))[-1] == "--set training.batch_size=320"
    assert not any("batch_size" in way for way in training.shorter(SLOW))


def test_a_replay_that_costs_much_counts() -> None:
    spec: ModelSpec = parse_spec(SPECS["large images"])
    plan = resolve(spec)
    seconds = forecast.of_replay(plan, spec, SLOW)
    assert seconds > 100 * (SLOW.forward + SLOW.backward)
    small = parse_spec("input: [1, 8, 8]\nlayers: [flatten, linear: {out_features: 10}]\n")
    assert forecast.of_replay(resolve(small), small, SLOW) == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (40, "40 s"),
        (89, "89 s"),
        (91, "2 min"),
        (700, "12 min"),
        (9000, "2 h"),
        (36_000, "10 h"),
        (172_800, "2 days"),
    ],
)
def test_a_duration_is_a_round_number(seconds: float, words: str) -> None:
    assert duration(seconds) == words
