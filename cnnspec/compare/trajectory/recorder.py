"""What is kept of two trainings beside each other: a sample of their steps, and their firsts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.compare.trajectory.together import Event
from cnnspec.compare.verdict import TrajectoryStep
from cnnspec.trace import Array
from cnnspec.training import EpochMetrics, History, StepTaken

SAMPLES = 100
FIRST_STEPS = 10


class Recorder:
    """Takes the events of two trainings, in the order in which they come."""

    def __init__(self, names: tuple[str, str], planned: int) -> None:
        self.steps: list[TrajectoryStep] = []
        self.history: dict[str, History] = dict.fromkeys(names, ())
        self.first_loss: int | None = None
        self.first_prediction: int | None = None
        self.last = 0
        self._planned = planned
        self._stride = max(1, planned // SAMPLES)

    def wants(self, step: int) -> bool:
        """Tell whether the weights after a step belong to the sample."""
        return step <= FIRST_STEPS or step % self._stride == 0 or step == self._planned

    def take(self, events: Mapping[str, Event]) -> None:
        """Note what is first, and each epoch."""
        for name, event in events.items():
            if isinstance(event, EpochMetrics):
                self.history[name] += (event,)
        a, b = events.values()
        if isinstance(a, StepTaken) and isinstance(b, StepTaken):
            self.last = a.step
            if self.first_loss is None and a.loss != b.loss:
                self.first_loss = a.step
            classed = a.outputs.argmax(1), b.outputs.argmax(1)
            if self.first_prediction is None and np.any(classed[0] != classed[1]):
                self.first_prediction = a.step

    def sample(
        self,
        events: Mapping[str, StepTaken],
        states: tuple[Mapping[str, Array], Mapping[str, Array]],
        distance: float,
        twins: tuple[float, ...],
    ) -> None:
        """Keep a step."""
        first, second = states
        differences = (np.max(np.abs(array - second[name])) for name, array in first.items())
        event = next(iter(events.values()))
        self.steps.append(
            TrajectoryStep(
                event.step,
                event.epoch,
                {name: taken.loss for name, taken in events.items()},
                float(max(differences, default=0.0)),
                distance,
                twins,
            )
        )
