"""run_trajectory(): two trainings from the same weights on the same batches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from cnnspec.address import TRAINING
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.trajectory.distance import distances, furthest
from cnnspec.compare.trajectory.recorder import Recorder
from cnnspec.compare.trajectory.together import Event, planned_steps, together
from cnnspec.compare.trajectory.twins import TwinWatch
from cnnspec.compare.trajectory.watch import Pair, Resync, Watch
from cnnspec.compare.verdict import Finding, Trajectory
from cnnspec.compare.verdict.allowed import Allowed
from cnnspec.data import Dataset
from cnnspec.plan import Plan
from cnnspec.spec.training import Training
from cnnspec.training import StepTaken, evaluate

Mode = Literal["lockstep", "resync", "free"]
MODES: tuple[Mode, ...] = get_args(Mode)


def run_trajectory(
    plan: Plan,
    training: Training,
    choices: tuple[BackendChoice, BackendChoice],
    data: Dataset,
    *,
    mode: Mode = "lockstep",
    steps: int | None = None,
    cut_short: bool = False,
    twins: int = 3,
    allowed: Collection[Allowed] = (),
    on_event: Callable[[Mapping[str, Event]], None] | None = None,
) -> Trajectory:
    """Train two networks by turns, and record where they part and whether chaos explains it.

    `steps` ends the training early, and `cut_short` says that nobody asked for that; `on_event`
    sees each step and each epoch of both; `twins` counts where the mode is `free`; `allowed` is
    what need not be compared in a step that is replayed.

    Raises:
        DataError: the data does not fit the networks.
    """
    run = _Run(plan, training, choices, data, mode, twins, allowed)
    stopped = run.train(planned_steps(data, training, steps), on_event)
    whole = planned_steps(data, training, None)
    return replace(run.result(stopped), whole_steps=whole, cut_short=cut_short)


class _Run:
    """A comparison of trainings while it goes on."""

    def __init__(
        self,
        plan: Plan,
        training: Training,
        choices: tuple[BackendChoice, BackendChoice],
        data: Dataset,
        mode: Mode,
        twins: int,
        allowed: Collection[Allowed],
    ) -> None:
        self._training, self._data, self._mode = training, data, mode
        self._networks = {choice.label: choice.build(plan, training) for choice in choices}
        self._first, self._second = self._networks.values()
        pair = Pair(plan, training, choices, self._networks, data.train, allowed)
        self._watch = Watch(pair)
        if mode == "resync":
            self._watch = Resync(pair)
        elif mode == "free":
            self._watch = TwinWatch(pair, twins)

    def train(
        self, planned: int, on_event: Callable[[Mapping[str, Event]], None] | None
    ) -> dict[str, str]:
        """Train all networks; return those that could not go on, and why."""
        self._recorder = Recorder(tuple(self._networks), planned)  # type: ignore[arg-type]
        stopped: dict[str, str] = {}
        everyone = self._networks | self._watch.twins
        for events in together(everyone, self._data, self._training, planned, stopped):
            both = {name: events[name] for name in self._networks}
            self._recorder.take(both)
            if on_event:
                on_event(both)
            taken = {name: event for name, event in both.items() if isinstance(event, StepTaken)}
            if taken:
                self._after_step(taken)
        return stopped

    def _after_step(self, taken: Mapping[str, StepTaken]) -> None:
        event = next(iter(taken.values()))
        if self._recorder.wants(event.step):
            states = self._first.state(), self._second.state()
            twins = [] if self._watch.started_anew else self._watch.twins.values()
            of_twins = (furthest(distances(states[0], twin.state())) for twin in twins)
            apart = furthest(distances(*states))
            self._recorder.sample(taken, states, apart, tuple(of_twins))
        self._watch.after_step(event)

    def result(self, stopped: dict[str, str]) -> Trajectory:
        """Return how the trainings went, once they have ended."""
        watch, recorder = self._watch, self._recorder
        if not stopped:
            watch.end()
        results = {
            name: evaluate(network, self._data.test)
            for name, network in (self._networks | watch.twins).items()
        }
        accuracy = {name: result.accuracy for name, result in results.items()}
        first, second = (results[name].predictions for name in self._networks)
        return Trajectory(
            mode=self._mode,
            steps=tuple(recorder.steps),
            total_steps=recorder.last,
            first_different_loss=recorder.first_loss,
            first_different_prediction=recorder.first_prediction,
            history=recorder.history,
            accuracy={name: accuracy[name] for name in self._networks},
            test_images=len(self._data.test),
            different_predictions=int(np.sum(first != second)),
            stopped=stopped,
            envelope=watch.envelope(accuracy),
            replayed=tuple(watch.replayed),
            finding=watch.finding or self._stopped_alone(stopped),
        )

    def _stopped_alone(self, stopped: dict[str, str]) -> Finding | None:
        """Return the finding where only one of the two sides could be trained to the end."""
        alone = [name for name in self._networks if name in stopped]
        if len(alone) != 1:
            return None
        both = tuple(self._networks)
        step = self._recorder.last + 1
        return Finding(TRAINING, "loss", "training", both, None, wrong_side=alone[0], step=step)
