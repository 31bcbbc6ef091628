import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import BackendError, ModelSpec, compare_backends, load_spec, parse_spec
from cnnspec.address import LOSS, OPTIMIZER, STEP
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.cli.compare import MODES as COMMAND_MODES
from cnnspec.compare import parse_backend
from cnnspec.compare.trajectory import MODES
from cnnspec.compare.trajectory.distance import TwinEnvelope, distances, one_ulp_away
from cnnspec.data import load_data
from cnnspec.errors import ComparisonError
from cnnspec.training import EpochMetrics, StepTaken
from tests.faulty import faulty

SPEC = parse_spec("""
input: [1, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 3}
  - relu
  - flatten
  - linear: {out_features: 10}
data: {digits: {train_samples: 100, test_samples: 50}}
training: {epochs: 2, batch_size: 32}
""")

LONGER = SPEC.model_copy(update={"training": SPEC.training.model_copy(update={"epochs": 10})})


def without_data(spec: ModelSpec) -> ModelSpec:
    return spec.model_copy(update={"data": None})


@pytest.mark.torch
def test_whole_training() -> None:
    events = []
    verdict = compare_backends(SPEC, on_event=events.append)
    lockstep = verdict.trajectory
    assert lockstep is not None
    assert lockstep.total_steps == 8  # 32, 32, 32 and 4 images, twice
    assert [step.step for step in lockstep.steps] == list(range(1, 9))
    assert [step.epoch for step in lockstep.steps] == [1] * 4 + [2] * 4
    assert {name: len(history) for name, history in lockstep.history.items()} == {
        "numpy": 2,
        "torch": 2,
    }
    for name, accuracy in lockstep.accuracy.items():
        assert accuracy == lockstep.history[name][-1].test_accuracy
    assert lockstep.test_images == 50
    kinds = [{type(event) for event in both.values()} for both in events]
    assert kinds == ([{StepTaken}] * 4 + [{EpochMetrics}]) * 2


@pytest.mark.torch
@pytest.mark.parametrize(("steps", "epochs_finished"), [(1, 0), (4, 1), (5, 1), (99, 2)])
def test_steps_end_the_training_early(steps: int, epochs_finished: int) -> None:
    lockstep = compare_backends(SPEC, steps=steps).trajectory
    assert lockstep is not None
    assert lockstep.total_steps == min(steps, 8)
    assert len(lockstep.history["numpy"]) == epochs_finished


@pytest.mark.torch
def test_first_losses_are_of_the_same_weights_and_images() -> None:
    exact = SPEC.training.model_copy(update={"precision": "float64"})
    lockstep = compare_backends(SPEC.model_copy(update={"training": exact})).trajectory
    assert lockstep is not None
    first = lockstep.steps[0]
    assert first.loss["numpy"] == pytest.approx(first.loss["torch"], abs=1e-15)
    assert first.weight_difference < 1e-15


@pytest.mark.torch
def test_no_steps_and_no_data_are_no_training() -> None:
    assert compare_backends(SPEC, steps=0).trajectory is None
    verdict = compare_backends(without_data(SPEC))
    assert verdict.trajectory is None
    assert verdict.verdict == "same"


def test_every_quantity_of_every_layer_is_compared() -> None:
    verdict = compare_backends(without_data(SPEC), ("numpy", "loops"))
    pairs = [q for q in verdict.comparisons if q.sides == ("numpy", "loops")]
    names = ["conv1.weight", "conv1.bias", "linear1.weight", "linear1.bias"]
    assert [(q.layer or q.address, q.quantity) for q in pairs] == [
        ("conv1", "output"),
        ("conv1", "grad_input"),
        ("conv1", "grad_weight"),
        ("conv1", "grad_bias"),
        ("relu1", "output"),
        ("relu1", "grad_input"),
        ("flatten1", "output"),
        ("flatten1", "grad_input"),
        ("linear1", "output"),
        ("linear1", "grad_input"),
        ("linear1", "grad_weight"),
        ("linear1", "grad_bias"),
        (LOSS, "loss"),
        (LOSS, "grad_logits"),
        *((OPTIMIZER, name) for name in names),
        (STEP, "predicted logits"),
    ]


def test_a_backend_is_not_compared_with_itself() -> None:
    with pytest.raises(BackendError, match="two different backends are compared"):
        compare_backends(SPEC, ("numpy", "numpy"))


class SlightlyOff(ConvNumPy):
    """One gradient of one weight is off by 1e-4."""

    def parameter_gradients(self, grad_output: Any) -> Any:
        found = super().parameter_gradients(grad_output)
        found["weight"].flat[0] += 1e-4
        return found


class OffOnShuffledBatches(ConvNumPy):
    """The same, but only on full batches that do not begin with the first image: no probe has."""

    def forward(self, x: Any) -> Any:
        first = load_data(SPEC.data).train.images[0]
        self.off = x.shape[-1] == 32 and not np.array_equal(x[..., 0], first)
        return super().forward(x)

    def parameter_gradients(self, grad_output: Any) -> Any:
        found = super().parameter_gradients(grad_output)
        found["weight"].flat[0] += 1e-4 * self.off
        return found


@pytest.mark.torch
def test_free_training_of_right_backends_stays_within_the_envelope() -> None:
    trajectory = compare_backends(LONGER, mode="free", twins=3).trajectory
    assert trajectory is not None
    assert trajectory.mode == "free"
    envelope = trajectory.envelope
    assert envelope is not None
    assert (envelope.twins, envelope.outside, envelope.parameter) == (3, None, None)
    assert 0 < envelope.largest < 10
    assert len(envelope.twin_accuracy) == 3
    assert trajectory.replayed == ()
    assert trajectory.finding is None
    for step in trajectory.steps:
        assert len(step.twins) == 3
        assert min(step.twins) > 0
        assert step.distance > 0


@pytest.mark.parametrize("fault", [SlightlyOff, OffOnShuffledBatches])
def test_a_fault_of_1e_4_is_outside_rewound_and_named(fault: type[ConvNumPy]) -> None:
    choices = parse_backend("numpy"), faulty(conv=fault)
    verdict = compare_backends(LONGER, choices, mode="free", steps=12)
    trajectory = verdict.trajectory
    assert trajectory is not None
    envelope = trajectory.envelope
    assert envelope is not None
    assert envelope.outside is not None
    assert envelope.outside <= 3
    assert envelope.parameter == "conv1.weight"
    assert trajectory.replayed == (envelope.outside,)
    finding = trajectory.finding
    assert finding is not None
    assert (finding.layer, finding.quantity) == ("conv1", "grad_weight")
    assert (finding.step, finding.wrong_side) == (envelope.outside, "faulty")
    assert verdict.verdict == "different"


def test_a_fault_that_no_probe_shows_is_found_in_training_alone() -> None:
    choices = parse_backend("numpy"), faulty(conv=OffOnShuffledBatches)
    assert compare_backends(LONGER, choices, steps=0).verdict == "same"
    assert compare_backends(LONGER, choices, mode="free", steps=12).findings == ()
    assert compare_backends(LONGER, choices, mode="resync", steps=5).verdict == "different"


@pytest.mark.torch
@pytest.mark.slow
def test_resynchronised_sides_start_each_step_from_the_same_state() -> None:
    free = compare_backends(LONGER, mode="lockstep").trajectory
    resync = compare_backends(LONGER, mode="resync").trajectory
    assert free is not None
    assert resync is not None
    assert resync.mode == "resync"
    assert resync.finding is None
    assert len(resync.replayed) == 1
    furthest = max(step.distance for step in resync.steps)
    assert furthest < max(step.distance for step in free.steps)
    assert resync.steps[-1].distance < 1e-6


def test_a_single_twin_shows_no_scatter() -> None:
    with pytest.raises(ComparisonError, match="`twins` is 1; free training needs 2 or more"):
        compare_backends(LONGER, mode="free", twins=1)


def test_modes_of_the_command_are_those_of_the_referee() -> None:
    assert ("replay", *MODES) == COMMAND_MODES


def test_twins_start_one_unit_in_the_last_place_away() -> None:
    state = {"w": np.array([1.0, -2.0, 0.5], np.float32), "z": np.zeros(2, np.float32)}
    moved = one_ulp_away(state, 0, 1)
    for name, array in state.items():
        assert moved[name].dtype == array.dtype
        up, down = np.nextafter(array, np.float32(np.inf)), np.nextafter(array, np.float32(-np.inf))
        assert np.all((moved[name] == up) | (moved[name] == down))
    assert any(not np.array_equal(moved["w"], one_ulp_away(state, 0, n)["w"]) for n in range(2, 9))


def test_distance_is_relative() -> None:
    a = {"w": np.array([3.0, 4.0]), "zero": np.zeros(2), "same": np.ones(3)}
    b = {"w": np.array([3.0, 3.5]), "zero": np.array([0.0, 2.0]), "same": np.ones(3)}
    assert distances(a, b) == {"w": 0.1, "zero": 1.0, "same": 0.0}
    assert distances(b, a) == distances(a, b)


def test_envelope_is_the_furthest_twin_and_the_scatter_of_twins() -> None:
    envelope = TwinEnvelope("float32")
    twins = [{"a": 1.0, "b": 1.0}, {"a": 1.5, "b": 1.0}]
    envelope.take(twins)
    assert envelope.hold({"a": 1.5, "b": 2.9}) == ("b", 2.9, True), "1.5 times two of the furthest"
    assert envelope.hold({"a": 1.5, "b": 3.1}) == ("b", 3.1, False)
    envelope.take([{"a": 1.0, "b": 1.0}, {"a": 1.0, "b": 4.0}])
    assert envelope.hold({"a": 7.5, "b": 1.0}) == ("a", 7.5, True)
    envelope.take(twins)
    assert envelope.hold({"a": 11.25, "b": 1.0}) == ("a", 7.5, True), "scatter is remembered"
    assert envelope.hold({"a": 15.0, "b": 1.0}) == ("a", 10.0, False)


@pytest.mark.parametrize(("precision", "u"), [("float32", 2.0**-24), ("float64", 2.0**-53)])
def test_twins_are_at_least_a_rounding_away(precision: str, u: float) -> None:
    envelope = TwinEnvelope(precision)
    envelope.take([{"a": 0.0}, {"a": u / 8}])
    assert envelope.hold({"a": 0.0}) is None
    assert envelope.hold({"a": 2 * u}) == ("a", 2.0, True), "they do not scatter either"
    assert envelope.hold({"a": 3 * u}) == ("a", 3.0, False)


@pytest.mark.parametrize("twin", [0.0, 1.0, np.nan])
def test_what_is_no_number_is_outside(twin: float) -> None:
    envelope = TwinEnvelope("float32")
    envelope.take([{"a": twin}, {"a": twin}])
    assert envelope.hold({"a": np.nan}) == ("a", np.inf, False)


MNIST = Path(__file__).parents[3] / "specs" / "notebook-torch.yaml"


@pytest.mark.slow
@pytest.mark.skipif("CNNSPEC_DATA" not in os.environ, reason="CNNSPEC_DATA names no MNIST")
@pytest.mark.parametrize("fault", [None, SlightlyOff])
def test_a_third_of_an_epoch_of_mnist(fault: type[ConvNumPy] | None) -> None:
    steps = 2_000
    spec = load_spec(MNIST, overrides=["training.epochs=1"])
    second = faulty(conv=fault) if fault else parse_backend("torch")
    trajectory = compare_backends(spec, ("numpy", second), mode="free", steps=steps).trajectory
    assert trajectory is not None
    assert trajectory.total_steps == steps
    envelope, finding = trajectory.envelope, trajectory.finding
    assert envelope is not None
    assert min(trajectory.accuracy.values()) > 0.95, "both learn; the fault does not show here"
    if fault is None:
        assert finding is None
        if envelope.outside is None:
            assert trajectory.replayed == tuple(jump.step for jump in envelope.jumps)
        else:  # by chance, as docs/explanation/chaos.md tells: all of the step is within its bounds
            assert envelope.tried
    else:
        assert envelope.outside is not None
        assert finding is not None
        assert (finding.layer, finding.quantity) == ("conv1", "grad_weight")
