"""A side to which an image costs much is asked less, and what is wrong is found all the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnspec import ModelSpec, compare_backends, parse_spec, resolve
from cnnspec.address import STEP, Layer
from cnnspec.backends import builder_of
from cnnspec.backends.assembled import AssembledNetwork
from cnnspec.backends.network import Batch
from cnnspec.backends.numpy import NumPyNetwork
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.compare import BackendChoice, compare_choices, parse_backend
from cnnspec.compare.planted import FAULTS, PlantedFault
from cnnspec.compare.planted.network import NETWORK
from cnnspec.compare.planted.planting import faulty_builder
from cnnspec.compare.planted.specs import SPECS
from cnnspec.compare.sides import effort
from cnnspec.compare.sides.effort import Effort, effort_of
from cnnspec.compare.trajectory import few
from cnnspec.compare.trajectory.few import share_of
from cnnspec.compare.verdict import Finding
from cnnspec.data import load_data
from tests.faulty import faulty

SPEC = parse_spec("""
name: tiny
input: [1, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - relu
  - pool: {kernel_size: 2}
  - flatten
  - linear: {out_features: 10}
data: {digits: {train_samples: 320, test_samples: 50}}
training: {epochs: 3, batch_size: 32, optimizer: {adam: {learning_rate: 1e-3}}}
""")
PLAN = resolve(SPEC)
OUTPUTS = 4 * 64 + 4 * 64 + 4 * 16 + 64 + 10
"""Numbers that its layers make of an image."""


@pytest.fixture
def costly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loops cost much on any network."""
    monkeypatch.setattr(effort, "LOOPED", 0)


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        (50_000 // OUTPUTS, Effort(2_000_000 // OUTPUTS)),
        (50_000 // OUTPUTS + 1, Effort(300_000 // OUTPUTS, few=True)),
    ],
)
def test_the_loops_cost_much_where_a_batch_has_many_outputs(batch: int, expected: Effort) -> None:
    assert effort_of(parse_backend("loops"), PLAN, batch, seconds=99.0) == expected


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_an_engine_never_costs_much_however_busy_the_machine_is(backend: str) -> None:
    found = effort_of(parse_backend(backend), PLAN, 1000, seconds=99.0)
    assert found == Effort(2_000_000 // OUTPUTS)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.5 / 32, Effort(2_000_000 // OUTPUTS)),
        (1 / 32, Effort(160, few=True)),
        (10.0, Effort(0, few=True)),
    ],
)
def test_somebodys_own_backend_costs_what_the_clock_says(seconds: float, expected: Effort) -> None:
    choice = BackendChoice("own", "own.py:Network", builder_of("numpy"))
    assert effort_of(choice, PLAN, 32, seconds) == expected


class Counted:
    """The loops, and how many images each question had."""

    def __init__(self) -> None:
        self.asked: dict[tuple[str, str], list[int]] = {}

    def choice(self) -> BackendChoice:
        def build(plan: Any, training: Any, *, device: str) -> AssembledNetwork:
            network = builder_of("loops")(plan, training, device=device)
            for name in ("replay", "trace", "predict", "train_step"):
                self._watch(network, name, training.precision)
            return network  # type: ignore[return-value]

        return BackendChoice("loops", "loops", build)

    def _watch(self, network: Any, name: str, precision: str) -> None:
        ask: Callable[..., Any] = getattr(network, name)

        def counted(*given: Any, **more: Any) -> Any:
            images = given[1][0] if name == "replay" else getattr(given[0], "images", given[0])
            self.asked.setdefault((name, precision), []).append(len(images))
            return ask(*given, **more)

        setattr(network, name, counted)


@pytest.mark.usefixtures("costly")
def test_costly_loops_are_asked_about_a_whole_batch_once_for_each_layer() -> None:
    loops = Counted()
    verdict = compare_backends(SPEC, (parse_backend("numpy"), loops.choice()), steps=0)
    assert verdict.verdict == "same"
    assert verdict.coverage.few == ("loops",)
    many = {key: [n for n in images if n > 7] for key, images in loops.asked.items()}
    assert many.pop(("replay", "float64")) == [32] * len(PLAN.layers)
    assert not any(many.values())
    assert {n for images in loops.asked.values() for n in images} == {1, 2, 3, 5, 7, 32}
    counts = verdict.coverage.counts.values()
    assert all(done == of for done, of in counts)


@pytest.mark.slow
def test_loops_that_cost_little_are_asked_as_any() -> None:
    loops = Counted()
    verdict = compare_backends(SPEC, (parse_backend("numpy"), loops.choice()), steps=0)
    assert verdict.coverage.few == ()
    assert 32 in loops.asked["train_step", "float32"]
    assert 50 not in loops.asked["predict", "float64"]  # the training images, not the test's
    assert max(loops.asked["predict", "float64"]) == 250


class WrongFromSixteenOn(ConvNumPy):
    """A fast path for large batches forgets the bias."""

    def forward(self, x: Any) -> Any:
        y = super().forward(x)
        if x.shape[-1] >= 16:  # inside, images lie last
            y = y - self.parameters["bias"][:, None, None, None]
        return y


@pytest.mark.usefixtures("costly")
def test_what_shows_in_a_whole_batch_alone_is_found() -> None:
    choice = faulty(conv=WrongFromSixteenOn)
    verdict = compare_backends(SPEC, (choice, parse_backend("loops")), steps=0)
    first = verdict.first_divergence
    assert first is not None
    assert (first.address, first.quantity, first.wrong_side) == (
        Layer("conv1"),
        "output",
        "faulty",
    )
    assert first.worst is not None
    assert first.worst.probe == "batch"


class PredictsManyOtherwise(NumPyNetwork):
    """Predicting many images at once goes wrong in the last one."""

    def predict(self, images: Any) -> Any:
        logits = super().predict(images)
        if len(images) > 40:
            logits[-2] += 1
        return logits


@pytest.mark.usefixtures("costly")
def test_what_shows_in_many_predictions_alone_is_found() -> None:
    choice = faulty(network=PredictsManyOtherwise)
    verdict = compare_backends(SPEC, (choice, parse_backend("loops")), steps=0)
    first = verdict.first_divergence
    assert first is not None
    assert (first.address, first.quantity, first.sides) == (STEP, "predicted logits", ("faulty",))
    assert first.worst is not None
    assert first.worst.probe == "few at a time"


class PredictsOtherwise(NumPyNetwork):
    def predict(self, images: Any) -> Any:
        return super().predict(images) * np.float64(1 + 1e-6)


@pytest.mark.usefixtures("costly")
def test_what_shows_in_any_prediction_is_found_between_the_sides() -> None:
    choice = faulty(network=PredictsOtherwise)
    verdict = compare_backends(SPEC, (choice, parse_backend("loops")), steps=0)
    found = {finding.sides: finding.quantity for finding in verdict.findings}
    assert "predicted logits" in found.values()
    assert verdict.verdict == "different"


class Slow(NumPyNetwork):
    """Somebody's own network, that takes its time."""

    def trace(self, batch: Batch, *, step: int) -> Any:
        time.sleep(0.02 * len(batch.images))
        return super().trace(batch, step=step)


def test_a_slow_network_of_somebodys_is_asked_about_few_images() -> None:
    verdict = compare_backends(SPEC, (parse_backend("numpy"), faulty(network=Slow)), steps=0)
    assert verdict.coverage.few == ("faulty",)
    assert verdict.verdict == "same"


def _planted() -> list[Any]:
    """Return faults, each on one spec where it applies: all of whole networks, of others a tenth.

    The selftest plants all of them; here it is the effort that matters.
    """
    found = []
    for number, fault in enumerate(FAULTS):
        of_network = fault.family is NETWORK
        often = number % (24 if of_network else 120) == 0
        if not (often or of_network or number % 10 == 0):
            continue
        specs = (*SPECS, *fault.family.specs)
        spec = next(spec for spec in specs if fault.applies(resolve(spec), spec.training))
        marks = () if often else (pytest.mark.slow,)
        found.append(pytest.param(fault, spec, id=fault.name, marks=marks))
    return found


def _said(fault: PlantedFault, spec: ModelSpec) -> Finding:
    """Return what is said first of a fault beside the loops."""
    choice = BackendChoice("numpy", "numpy", faulty_builder(fault, resolve(spec)))
    first = compare_choices(
        resolve(spec), spec.training, choice, parse_backend("loops")
    ).first_divergence
    assert first is not None
    return first


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize(("fault", "spec"), _planted())
def test_the_same_is_said_of_planted_faults_whatever_the_loops_cost(
    fault: PlantedFault, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_all = _said(fault, spec)
    monkeypatch.setattr(effort, "LOOPED", 0)
    asked_few = _said(fault, spec)
    assert asked_few.address == fault.place(resolve(spec))
    last = asked_few.quantity.rpartition(".")[2]
    assert not {asked_few.quantity, last}.isdisjoint(fault.quantities)
    assert asked_few.wrong_side == "numpy"
    causes = [finding.cause and finding.cause.code for finding in (asked_few, asked_all)]
    assert causes[0] == causes[1]


def test_beside_the_loops_a_share_of_the_training_is_taken() -> None:
    assert SPEC.data is not None
    data = load_data(SPEC.data)
    sides = parse_backend("numpy"), parse_backend("loops")
    assert share_of(PLAN, SPEC.training, sides, data) is None  # 30 steps of 32 images: seconds
    long = SPEC.training.model_copy(update={"epochs": 100})
    share = share_of(PLAN, long, sides, data)
    assert share is not None
    assert share.steps == 1_000_000 // (OUTPUTS * 32)
    assert len(share.data.test) == 50
    engines = parse_backend("numpy"), parse_backend("torch")
    assert share_of(PLAN, long, engines, data) is None


def test_a_share_is_three_steps_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SPEC.data is not None
    monkeypatch.setattr(few, "LEARNT", 0)
    monkeypatch.setattr(few, "TESTED", 20 * OUTPUTS)
    sides = parse_backend("loops"), parse_backend("numpy")
    share = share_of(PLAN, SPEC.training, sides, load_data(SPEC.data))
    assert share is not None
    assert (share.steps, len(share.data.test), len(share.data.train)) == (3, 20, 320)


@pytest.mark.torch
def test_nobody_is_given_a_share_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(few, "LEARNT", 0)
    sides = ("numpy", "loops")
    linear = SPEC.model_copy(update={"layers": SPEC.layers[-2:]})
    few_steps = compare_backends(linear, sides, steps="few").trajectory
    assert few_steps is not None
    assert (few_steps.total_steps, few_steps.whole_steps, few_steps.cut_short) == (3, 30, True)
    asked = compare_backends(linear, sides, steps=5).trajectory
    assert asked is not None
    assert (asked.total_steps, asked.whole_steps, asked.cut_short) == (5, 30, False)
    engines = compare_backends(linear, ("numpy", "torch"), steps="few").trajectory
    assert engines is not None
    assert (engines.total_steps, engines.cut_short) == (30, False)
