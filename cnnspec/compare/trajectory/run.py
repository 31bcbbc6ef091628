"""run_trajectory(): two trainings from the same weights on the same batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from cnnspec.backends.network import Network
from cnnspec.compare.moment import Moment
from cnnspec.compare.party import Party
from cnnspec.compare.replay import replay
from cnnspec.compare.trajectory.distance import TwinEnvelope, distances, one_ulp_away
from cnnspec.compare.trajectory.recorder import Recorder
from cnnspec.compare.trajectory.together import Event, planned_steps, together
from cnnspec.compare.verdict import Envelope, Finding, Trajectory
from cnnspec.data import Dataset, Split, batches
from cnnspec.plan import Plan
from cnnspec.spec.training import Training
from cnnspec.trace import State
from cnnspec.training import StepTaken, evaluate

Mode = Literal["lockstep", "resync", "free"]
MODES: tuple[Mode, ...] = get_args(Mode)

REPLAYS = 3
"""Steps that are replayed in search of what brought a training outside, at most."""


def run_trajectory(
    plan: Plan,
    training: Training,
    parties: tuple[Party, Party],
    data: Dataset,
    *,
    mode: Mode = "lockstep",
    steps: int | None = None,
    twins: int = 3,
    on_event: Callable[[Mapping[str, Event]], None] | None = None,
) -> Trajectory:
    """Train two networks by turns, and record where they part and whether chaos explains it.

    `steps` ends the training early; `on_event` sees each step and each epoch of both; `twins`
    counts where the mode is `free`.

    Raises:
        DataError: the data does not fit the networks.
    """
    networks = {party.label: party.build(plan, training) for party in parties}
    start = next(iter(networks.values())).state()
    doubles = {}
    for number in range(1, 1 + (twins if mode == "free" else 0)):
        double = parties[0].build(plan, training)
        double.load_state(one_ulp_away(start, training.seed, number))
        doubles[f"twin {number}"] = double
    run = _Run(plan, training, parties, data, mode, networks, doubles)
    stopped = run.train(planned_steps(data, training, steps), on_event)
    return run.result(stopped)


class _Run:
    """A comparison of trainings while it goes on."""

    def __init__(
        self,
        plan: Plan,
        training: Training,
        parties: tuple[Party, Party],
        data: Dataset,
        mode: Mode,
        networks: dict[str, Network],
        twins: dict[str, Network],
    ) -> None:
        self._plan, self._training, self._parties = plan, training, parties
        self._data, self._mode = data, mode
        self._networks, self._twins = networks, twins
        self._first, self._second = networks.values()
        self._envelope = TwinEnvelope()
        self._outside: tuple[int, str] | None = None
        self._replayed: list[int] = []
        self._finding: Finding | None = None
        self._furthest: tuple[float, Moment] | None = None
        self._before: tuple[State, State] = self._state()

    def train(
        self, planned: int, on_event: Callable[[Mapping[str, Event]], None] | None
    ) -> dict[str, str]:
        """Train all networks; return those that could not go on, and why."""
        self._recorder = Recorder(tuple(self._networks), planned)  # type: ignore[arg-type]
        stopped: dict[str, str] = {}
        everyone = self._networks | self._twins
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
        wanted = self._recorder.wants(event.step)
        if self._mode == "lockstep" and not wanted:
            return
        first, second = self._first.state(), self._second.state()
        apart = distances(first, second)
        twins = [distances(first, twin.state()) for twin in self._twins.values()]
        if wanted:
            of_twins = tuple(max(twin.values(), default=0.0) for twin in twins)
            self._recorder.sample(
                taken, (first, second), max(apart.values(), default=0.0), of_twins
            )
        if self._mode == "free":
            self._watch(event, apart, twins)
        if self._mode == "resync":
            self._resynchronise(event, apart)
        if self._mode != "lockstep":
            self._before = (first, self._first.optimizer_state())

    def _watch(
        self, event: StepTaken, apart: dict[str, float], twins: list[dict[str, float]]
    ) -> None:
        """Replay the step after which a parameter is further off than the twins explain."""
        parameter = self._envelope.outside(apart, twins)
        if parameter is None or self._finding or len(self._replayed) == REPLAYS:
            return
        if self._outside is None:
            self._outside = (event.step, parameter)
        elif event.step < 2 * self._replayed[-1]:
            return
        self._finding = self._replay(self._moment(event))

    def _resynchronise(self, event: StepTaken, apart: dict[str, float]) -> None:
        """Set the second side to the first one's state; keep the step that took it furthest."""
        furthest = max(apart.values(), default=0.0)
        if self._furthest is None or furthest > self._furthest[0]:
            self._furthest = (furthest, self._moment(event))
        self._second.load_state(self._first.state())
        self._second.load_optimizer_state(self._first.optimizer_state())

    def _moment(self, event: StepTaken) -> Moment:
        weights, slots = self._before
        return Moment(event.step, weights, slots, self._batch(event), self._networks)

    def _batch(self, event: StepTaken) -> Split:
        """Return the images of a step."""
        train, size = self._data.train, self._training.batch_size
        order = batches(len(train), size, seed=self._training.seed, epoch=event.epoch)
        of_epoch = (event.images - 1) // size
        indices = next(batch for number, batch in enumerate(order) if number == of_epoch)
        return Split(train.images[indices], train.labels[indices])

    def _replay(self, moment: Moment) -> Finding | None:
        """Replay a step in isolation, and return what is wrong there."""
        self._replayed.append(moment.step)
        found = replay(self._plan, self._training, self._parties, moment=moment).findings
        return replace(found[0], step=moment.step) if found else None

    def _state(self) -> tuple[State, State]:
        return self._first.state(), self._first.optimizer_state()

    def result(self, stopped: dict[str, str]) -> Trajectory:
        """Return how the trainings went, once they have ended."""
        if self._furthest and self._mode == "resync" and not stopped:
            self._finding = self._replay(self._furthest[1])
        results = {
            name: evaluate(network, self._data.test)
            for name, network in (self._networks | self._twins).items()
        }
        accuracy = {name: result.accuracy for name, result in results.items()}
        first, second = (results[name].predictions for name in self._networks)
        step, parameter = self._outside or (None, None)
        envelope = Envelope(
            twins=len(self._twins),
            largest=self._envelope.largest,
            outside=step,
            parameter=parameter,
            twin_accuracy=tuple(accuracy[name] for name in self._twins),
        )
        recorder = self._recorder
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
            envelope=envelope if self._mode == "free" else None,
            replayed=tuple(self._replayed),
            finding=self._finding or self._stopped_alone(stopped),
        )

    def _stopped_alone(self, stopped: dict[str, str]) -> Finding | None:
        """Return the finding where only one of the two sides could be trained to the end."""
        alone = [name for name in self._networks if name in stopped]
        if len(alone) != 1:
            return None
        pair = " vs ".join(self._networks)
        step = self._recorder.last + 1
        return Finding(None, "loss", "training", pair, None, wrong_side=alone[0], step=step)
