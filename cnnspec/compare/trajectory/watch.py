"""What is done about two trainings after each of their steps, by the mode of a comparison."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from cnnspec.backends.network import Network
from cnnspec.compare.parts import replay_parts
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.sides.moment import Moment
from cnnspec.compare.trajectory.distance import distances, furthest
from cnnspec.compare.verdict import Envelope, Finding
from cnnspec.compare.verdict.allowed import Allowed
from cnnspec.data import Split
from cnnspec.plan import Plan
from cnnspec.spec.training import Training
from cnnspec.trace import State
from cnnspec.training import StepTaken


@dataclass(frozen=True)
class Pair:
    """Two sides in training."""

    plan: Plan
    training: Training
    choices: tuple[BackendChoice, BackendChoice]
    live: Mapping[str, Network]
    """The networks that are trained, by their sides."""
    train: Split
    """What they learn from."""
    allowed: Collection[Allowed]
    """What need not be compared."""


@dataclass(frozen=True)
class Standing:
    """Where a training stands."""

    state: State
    slots: State

    @classmethod
    def of(cls, network: Network) -> Standing:
        """Return where a network stands."""
        return cls(network.state(), network.optimizer_state())

    def load(self, network: Network) -> None:
        """Set a network to it."""
        network.load_state(self.state)
        network.load_optimizer_state(self.slots)

    def distances(self, other: Standing) -> tuple[dict[str, float], dict[str, float]]:
        """Return the distances to another for each array of the state, and for each slot."""
        return distances(self.state, other.state), distances(self.slots, other.slots)


class Watch:
    """Told of every step of two trainings; in lockstep, nothing is done about them."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._first, self._second = pair.live.values()
        self.twins: dict[str, Network] = {}
        """Networks to be trained beside the two."""
        self.started_anew = False
        """Whether the twins are no longer those of the first side's own start."""
        self.replayed: list[int] = []
        """Steps that were replayed."""
        self.finding: Finding | None = None
        """What a replayed step showed that rounding does not explain."""

    def after_step(self, taken: StepTaken) -> None:
        """Look at a step that all networks have taken."""

    def end(self) -> None:
        """Look at the whole, once all steps are taken."""

    def envelope(self, accuracy: Mapping[str, float]) -> Envelope | None:
        """Return what the twins explain; `accuracy` is of these, among others."""

    def _batch(self, taken: StepTaken) -> Split:
        """Return the images of a step."""
        train = self._pair.train
        return Split(train.images[taken.batch], train.labels[taken.batch])

    def _replay(self, step: int, stood: Standing, batch: Split) -> bool:
        """Replay a step in isolation, from where a side stood before it.

        Tell whether rounding explains every part of it.
        """
        self.replayed.append(step)
        pair = self._pair
        moment = Moment(step, stood.state, stood.slots, batch, pair.live)
        found = replay_parts(
            pair.plan, pair.training, pair.choices, moment=moment, allowed=pair.allowed
        )
        if found.findings:
            self.finding = replace(found.findings[0], step=step)
        return self.finding is None and found.coverage.complete


class Resync(Watch):
    """Sets the second side to the first one's state after each step."""

    def __init__(self, pair: Pair) -> None:
        super().__init__(pair)
        self._before = Standing.of(self._first)
        self._furthest: tuple[float, int, Standing, Split] | None = None

    def after_step(self, taken: StepTaken) -> None:
        """Keep the step that took the second side furthest, and take it back."""
        now = Standing.of(self._first)
        apart = furthest(distances(now.state, self._second.state()))
        if self._furthest is None or apart > self._furthest[0]:
            self._furthest = apart, taken.step, self._before, self._batch(taken)
        now.load(self._second)
        self._before = now

    def end(self) -> None:
        """Replay the step that took the second side furthest."""
        if self._furthest:
            self._replay(*self._furthest[1:])
