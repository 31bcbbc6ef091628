"""Lockstep: two trainings from the same weights on the same batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from cnnspec.backends.network import Network
from cnnspec.compare.verdict import Lockstep, LockstepStep
from cnnspec.data import Dataset
from cnnspec.errors import TrainingError
from cnnspec.spec.training import Training
from cnnspec.training import EpochMetrics, History, StepTaken, evaluate, training_events

SAMPLES = 100
FIRST_STEPS = 10

Event = StepTaken | EpochMetrics


def lockstep(
    networks: Mapping[str, Network],
    data: Dataset,
    training: Training,
    *,
    steps: int | None = None,
    on_event: Callable[[Mapping[str, Event]], None] | None = None,
) -> Lockstep:
    """Train two networks by turns, and record where they part.

    `steps` ends the training early; `on_event` sees each step and each epoch of both.

    Raises:
        DataError: the data does not fit the networks.
    """
    steps_of_epoch = -(-len(data.train) // training.batch_size)
    planned = training.epochs * steps_of_epoch
    planned = planned if steps is None else min(steps, planned)
    stride = max(1, planned // SAMPLES)
    samples: list[LockstepStep] = []
    history: dict[str, History] = dict.fromkeys(networks, ())
    stopped: dict[str, str] = {}
    first_loss = first_prediction = None
    last = 0
    for events in _together(networks, data, training, planned, stopped):
        a, b = events.values()
        if isinstance(a, StepTaken) and isinstance(b, StepTaken):
            last = a.step
            if first_loss is None and a.loss != b.loss:
                first_loss = last
            if first_prediction is None and np.any(a.logits.argmax(1) != b.logits.argmax(1)):
                first_prediction = last
            if last <= FIRST_STEPS or last % stride == 0 or last == planned:
                losses = dict(zip(events, (a.loss, b.loss)))
                samples.append(LockstepStep(last, a.epoch, losses, _weight_difference(networks)))
        for name, event in events.items():
            if isinstance(event, EpochMetrics):
                history[name] += (event,)
        if on_event:
            on_event(events)
    results = {name: evaluate(network, data.test) for name, network in networks.items()}
    first, second = results.values()
    return Lockstep(
        steps=tuple(samples),
        total_steps=last,
        first_different_loss=first_loss,
        first_different_prediction=first_prediction,
        history=history,
        accuracy={name: result.accuracy for name, result in results.items()},
        test_images=len(data.test),
        different_predictions=int(np.sum(first.predictions != second.predictions)),
        stopped=stopped,
    )


def _together(
    networks: Mapping[str, Network],
    data: Dataset,
    training: Training,
    steps: int,
    stopped: dict[str, str],
) -> Iterator[dict[str, Event]]:
    """Yield the events of all trainings by turns, until they end or one cannot go on."""
    streams = {
        name: training_events(network, data, training, steps=steps)
        for name, network in networks.items()
    }
    while not stopped:
        events = {}
        for name, stream in streams.items():
            try:
                events[name] = next(stream)
            except StopIteration:
                return
            except TrainingError as error:
                stopped[name] = str(error)
        if not stopped:
            yield events


def _weight_difference(networks: Mapping[str, Network]) -> float:
    first, second = (network.state() for network in networks.values())
    differences = (np.max(np.abs(array - second[name])) for name, array in first.items())
    return float(max(differences, default=0.0))
