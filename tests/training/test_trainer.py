"""One trainer: what it hands to a network, what it reports, and when it gives up."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from cnnspec import (
    SGD,
    BatchNorm,
    Conv,
    DataError,
    Dataset,
    Digits,
    Flatten,
    Linear,
    ModelSpec,
    Network,
    ReLU,
    Training,
    build,
    load_data,
    resolve,
    train,
)
from cnnspec.data import Split, batches
from cnnspec.errors import TrainingError
from cnnspec.training import EpochMetrics, StepTaken, evaluate, training_events

SPEC = ModelSpec(
    input=(1, 8, 8),
    layers=[
        Conv(out_channels=4, kernel_size=3, stride=2),
        ReLU(),
        Flatten(),
        Linear(out_features=10),
    ],
    training=Training(epochs=3, optimizer=SGD(learning_rate=0.1, momentum=0.9)),
)
SHORT = Training(epochs=2, batch_size=30, optimizer=SGD(learning_rate=0.05), seed=5)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_data(Digits())


@pytest.fixture(scope="module")
def some() -> Dataset:
    """Give 100 images to learn from, in four batches of SHORT, and 50 to test on."""
    return load_data(Digits(train_samples=100, test_samples=50))


def network(training: Training = SPEC.training, backend: str = "numpy") -> Network:
    return build(resolve(SPEC), training, backend)


def test_digits_are_learnt(digits: Dataset) -> None:
    history = train(network(), digits, SPEC.training)
    assert [metrics.epoch for metrics in history] == [1, 2, 3]
    first, _, last = history
    assert last.test_accuracy > 0.85
    assert last.train_accuracy > 0.85 > 0.75 > first.train_accuracy
    assert last.train_loss < 0.5 < 1 < first.train_loss
    assert last.test_loss < 0.5
    assert all(0 < metrics.seconds < 60 for metrics in history)


def test_two_trainings_are_the_same_to_the_last_bit(digits: Dataset) -> None:
    def trained(seed: int) -> tuple[list[float], dict[str, bytes]]:
        training = SPEC.training.model_copy(update={"epochs": 1, "seed": seed})
        one = network(training)
        (metrics,) = train(one, digits, training)
        numbers = [metrics.train_loss, metrics.train_accuracy, metrics.test_loss]
        return numbers, {name: array.tobytes() for name, array in one.state().items()}

    assert trained(0) == trained(0)
    assert trained(0) != trained(1)


class Recording:
    """A network that writes down what it is asked to do."""

    def __init__(self, inner: Network) -> None:
        self.inner = inner
        self.plan, self.backend = inner.plan, inner.backend
        self.calls: list[tuple[Any, ...]] = []

    def train_step(self, *given: Any) -> Any:
        step = self.inner.train_step(*given)
        self.calls.append(("train_step", *given, step))
        return step

    def predict(self, images: Any) -> Any:
        self.calls.append(("predict", images))
        return self.inner.predict(images)


def test_what_a_network_is_handed(some: Dataset) -> None:
    recording = Recording(network(SHORT))
    history = train(recording, some, SHORT)  # type: ignore[arg-type]
    assert [call[0] for call in recording.calls] == (["train_step"] * 4 + ["predict"]) * 2
    steps = [call for call in recording.calls if call[0] == "train_step"]
    orders = [batch for epoch in (1, 2) for batch in batches(100, 30, seed=5, epoch=epoch)]
    for number, (call, batch) in enumerate(zip(steps, orders), start=1):
        _, given, rate, step, _ = call
        assert np.array_equal(given.images, some.train.images[batch])
        assert np.array_equal(given.targets, some.train.labels[batch])
        assert (rate, step) == (0.05, number)
    assert [len(call[1].targets) for call in steps] == [30, 30, 30, 10] * 2
    for metrics, taken in zip(history, (steps[:4], steps[4:])):
        total = correct = 0
        for _, given, _, _, (loss, outputs) in taken:
            total += loss * len(given.targets)
            correct += int((outputs.argmax(axis=1) == given.targets).sum())
        assert metrics.train_loss == total / 100
        assert metrics.train_accuracy == correct / 100


def test_steps_and_epochs_are_reported_as_they_happen(some: Dataset) -> None:
    events: list[StepTaken | EpochMetrics] = []
    history = train(network(SHORT), some, SHORT, on_step=events.append, on_epoch=events.append)
    kinds = [type(event) for event in events]
    assert kinds == ([StepTaken] * 4 + [EpochMetrics]) * 2
    steps = [event for event in events if isinstance(event, StepTaken)]
    assert [(at.step, at.epoch, at.images, at.images_of_epoch) for at in steps] == [
        (1, 1, 30, 100),
        (2, 1, 60, 100),
        (3, 1, 90, 100),
        (4, 1, 100, 100),
        (5, 2, 30, 100),
        (6, 2, 60, 100),
        (7, 2, 90, 100),
        (8, 2, 100, 100),
    ]
    first, second, third, fourth = (at.loss for at in steps[:4])
    assert steps[0].mean_loss == first
    assert steps[1].mean_loss == (first + second) / 2
    assert steps[3].mean_loss == pytest.approx(
        (30 * (first + second + third) + 10 * fourth) / 100, rel=1e-15
    )
    assert steps[3].mean_loss == history[0].train_loss
    assert [at.outputs.shape for at in steps[:4]] == [(30, 10), (30, 10), (30, 10), (10, 10)]
    assert tuple(event for event in events if isinstance(event, EpochMetrics)) == history


def test_losses_are_those_before_the_update(some: Dataset) -> None:
    alone = network(SHORT)
    batch = next(batches(100, 30, seed=5, epoch=1))
    before = evaluate(alone, Split(some.train.images[batch], some.train.labels[batch]))
    first = next(training_events(network(SHORT), some, SHORT))
    assert isinstance(first, StepTaken)
    assert first.loss == pytest.approx(before.loss, rel=1e-6)


def test_the_test_is_that_of_the_weights_after_the_epoch(some: Dataset) -> None:
    one = network(SHORT)
    history = train(one, some, SHORT)
    after = evaluate(one, some.test)
    assert (history[-1].test_loss, history[-1].test_accuracy) == (after.loss, after.accuracy)


@pytest.mark.parametrize(
    ("steps", "events"),
    [(1, "s"), (3, "sss"), (4, "sssse"), (5, "sssses"), (8, "ssssesssse"), (99, "ssssesssse")],
)
def test_a_training_can_end_early(some: Dataset, steps: int, events: str) -> None:
    found = training_events(network(SHORT), some, SHORT, steps=steps)
    assert "".join("s" if isinstance(at, StepTaken) else "e" for at in found) == events


def test_two_trainings_in_turn_do_not_disturb_each_other(some: Dataset) -> None:
    def losses(events: Iterator[StepTaken | EpochMetrics]) -> list[float]:
        return [event.loss for event in events if isinstance(event, StepTaken)]

    alone = losses(training_events(network(SHORT), some, SHORT))
    pairs = list(
        zip(
            training_events(network(SHORT), some, SHORT),
            training_events(network(SHORT), some, SHORT),
        )
    )
    assert losses(iter(a for a, _ in pairs)) == losses(iter(b for _, b in pairs)) == alone


def test_the_data_are_not_changed(some: Dataset) -> None:
    before = some.train.images.copy(), some.train.labels.copy()
    train(network(SHORT), some, SHORT)
    assert np.array_equal(some.train.images, before[0])
    assert np.array_equal(some.train.labels, before[1])


@pytest.mark.parametrize("backend", ["numpy", "torch", "loops"])
def test_a_training_that_diverges_is_stopped(some: Dataset, backend: str) -> None:
    # the first step makes both layers' weights about 1e30, whose product is beyond float32
    layers = [Flatten(), Linear(out_features=8), Linear(out_features=10)]
    training = SHORT.model_copy(update={"optimizer": SGD(learning_rate=1e30)})
    wild = build(resolve(ModelSpec(input=(1, 8, 8), layers=layers)), training, backend)
    seen: list[EpochMetrics] = []
    with pytest.raises(TrainingError) as caught:
        train(wild, some, training, on_epoch=seen.append)
    assert str(caught.value) == (
        f"the loss of the {backend} network is nan at step 2 (epoch 1); "
        "try a smaller learning rate than 1e+30"
    )
    assert seen == []


def test_other_images_are_refused_before_the_first_step(some: Dataset) -> None:
    wide = Split(np.zeros((4, 1, 8, 9), np.float32), np.zeros(4, np.int64))
    recording = Recording(network())
    with pytest.raises(DataError, match=r"^the data `wide` has images of 1 x 8 x 9, but "):
        train(recording, Dataset("wide", wide, some.test), SHORT)  # type: ignore[arg-type]
    assert recording.calls == []


def test_images_as_outputs_are_refused_before_the_first_step(some: Dataset) -> None:
    recording = Recording(build(resolve(ModelSpec(input=(1, 8, 8), layers=[ReLU()])), SHORT))
    with pytest.raises(DataError, match=r"^the last layer gives images of 1 x 8 x 8, and the loss"):
        train(recording, some, SHORT)  # type: ignore[arg-type]
    assert recording.calls == []


def test_labels_beyond_the_logits_are_refused(some: Dataset) -> None:
    spec = ModelSpec(input=(1, 8, 8), layers=[Flatten(), Linear(out_features=9)])
    few = build(resolve(spec), SHORT)
    with pytest.raises(DataError, match="has 10 classes, but the network gives 9 logits"):
        train(few, some, SHORT)


def test_a_last_batch_that_is_too_small_for_batch_norm_is_refused_at_once(some: Dataset) -> None:
    layers = [Flatten(), BatchNorm(), Linear(out_features=10)]
    spec = ModelSpec(input=(1, 8, 8), layers=layers)
    norm = build(resolve(spec), SHORT, "numpy")
    start = norm.state()
    with pytest.raises(DataError, match=r"batch_norm1: .* at least 2 images; found 1"):
        train(norm, some, Training(batch_size=33))
    assert all(np.array_equal(array, start[name]) for name, array in norm.state().items())
    taken = list(training_events(norm, some, Training(batch_size=33), steps=3))
    assert len(taken) == 3
    assert len(train(norm, some, Training(batch_size=34))) == 1
