import pytest

from cnnspec import BackendError, ModelSpec, compare_backends, parse_spec
from cnnspec.training import EpochMetrics, StepTaken

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


def without_data(spec: ModelSpec) -> ModelSpec:
    return spec.model_copy(update={"data": None})


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


@pytest.mark.parametrize(("steps", "epochs_finished"), [(1, 0), (4, 1), (5, 1), (99, 2)])
def test_steps_end_the_training_early(steps: int, epochs_finished: int) -> None:
    lockstep = compare_backends(SPEC, steps=steps).trajectory
    assert lockstep is not None
    assert lockstep.total_steps == min(steps, 8)
    assert len(lockstep.history["numpy"]) == epochs_finished


def test_first_losses_are_of_the_same_weights_and_images() -> None:
    exact = SPEC.training.model_copy(update={"precision": "float64"})
    lockstep = compare_backends(SPEC.model_copy(update={"training": exact})).trajectory
    assert lockstep is not None
    first = lockstep.steps[0]
    assert first.loss["numpy"] == pytest.approx(first.loss["torch"], abs=1e-15)
    assert first.weight_difference < 1e-15


def test_no_steps_and_no_data_are_no_training() -> None:
    assert compare_backends(SPEC, steps=0).trajectory is None
    verdict = compare_backends(without_data(SPEC))
    assert verdict.trajectory is None
    assert verdict.verdict == "same"


def test_every_quantity_of_every_layer_is_compared() -> None:
    verdict = compare_backends(without_data(SPEC), ("numpy", "loops"))
    pairs = [q for q in verdict.quantities if q.backend == "numpy vs loops"]
    names = ["conv1.weight", "conv1.bias", "linear1.weight", "linear1.bias"]
    assert [(q.layer, q.quantity) for q in pairs] == [
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
        ("loss", "loss"),
        ("loss", "grad_logits"),
        *(("optimizer", name) for name in names),
        ("training step", "predicted logits"),
    ]


def test_a_backend_is_not_compared_with_itself() -> None:
    with pytest.raises(BackendError, match="two different backends are compared"):
        compare_backends(SPEC, ("numpy", "numpy"))
