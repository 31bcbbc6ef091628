"""Training steps and predictions of a side against its own parts: what was judged alone trains.

Tracing, training and predicting run the same layers by ways of their own, and a network may keep
more from step to step than its state shows. So one network takes several steps in a row, on
batches of several sizes, and each is held against a trace and an update of another network that
was given the state before it; in float64, and in the precision in which the side trains. They may
be apart by what rounding carries through a whole pass (`cnnspec.compare.bounds.carried`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnspec.address import STEP, Layer
from cnnspec.backends.network import Batch, Network
from cnnspec.compare.bounds.carried import pass_errors, prediction_budget, prediction_errors
from cnnspec.compare.kinds.weights import Weights
from cnnspec.compare.probes.draw import DATA_IMAGES
from cnnspec.compare.probes.update import GivenUpdate
from cnnspec.compare.replay.learning import updated
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.side import WORKING, Side
from cnnspec.compare.verdict import Question
from cnnspec.compare.verdict.quantities import OWN_WEIGHTS, PREDICTED, WHOLE_PASS
from cnnspec.data import Split
from cnnspec.numerics.budget import Exact
from cnnspec.trace import Array, State, Trace


def replay_steps(
    isolation: Isolation, side: Side, batches: Sequence[Split], seen: Trace | None
) -> None:
    """Let a side take training steps in a row, and hold each against its parts.

    `seen` is a whole pass of the first images in float64. A costly side is not asked again what
    it would make of them.
    """
    moment = isolation.moment
    for kind, parts in side.answering().items():
        precision = side.precision if kind == WORKING else "float64"
        live = moment.live.get(side.label) if moment else None
        if live is None or precision != side.precision:
            live = side.choice.build(isolation.plan, isolation.training, precision)
        with _as_it_was(live), _as_it_was(parts), _as_it_was(side.exact):
            slots = moment.slots if moment else live.optimizer_state()
            live.load_state(side.weights)
            live.load_optimizer_state(slots)
            bench = _Bench(isolation, side, kind, precision, live, parts)
            for number, batch in enumerate(batches, isolation.first_step):
                at_first = batch is batches[0] and side.effort.few
                bench.step(number, batch, seen if at_first else None)


@dataclass(frozen=True)
class _Bench:
    """A network that trains, and the parts that it is held against."""

    isolation: Isolation
    side: Side
    kind: str
    precision: str
    trains: Network
    parts: Network

    def step(self, number: int, batch: Split, seen: Trace | None) -> None:
        """Predict, and take a step; `seen` is a pass of these images that need not be repeated."""
        plan, training = self.isolation.plan, self.isolation.training
        rate, options = training.optimizer.learning_rate, training.optimizer
        before, slots = self.trains.state(), self.trains.optimizer_state()
        trace, exact = self._traces(before, batch, number, seen)
        weights = Weights(plan, training, self.precision)
        weights.load(before, self.isolation.masks(len(batch), number))
        errors = pass_errors(plan, weights, exact, batch.images, batch.labels)
        self._hold_prediction(before, exact, weights, batch, number)
        images = batch.images.copy()
        step = self.trains.train_step(Batch(images, batch.labels), rate, number)
        self._hold("own input", images, batch.images, np.zeros(images.shape), number)
        after = self.trains.state() | self.trains.optimizer_state()
        logits = trace.layers[plan.layers[-1].name].output
        self._hold("logits", step.outputs, logits, 2 * errors.logits, number)
        self._hold("loss", step.loss, trace.loss.loss, np.asarray(2 * errors.loss), number)
        given = GivenUpdate(before, slots, trace.gradients, rate, number)
        wanted = updated(self.parts, given)
        apart = {name: 2 * bound for name, bound in errors.gradients.items()}
        own = given.budgets(plan, options, self.precision)
        telling = not plan.parameters
        for name, bound in given.budgets(plan, options, self.precision, apart).items():
            self._hold(name, after[name], wanted[name], bound + own[name], number)
            if name in plan.parameters:
                moved = np.abs(wanted[name].astype(np.float64) - before[name])
                telling |= bool(np.any(bound + own[name] < moved))
        if not telling:
            self.isolation.silent[self.side.label, self.precision] = None
        for name, bound in errors.buffers.items():
            layer, _, buffer = name.rpartition(".")
            self._hold(name, after[name], trace.layers[layer].buffers[buffer], 2 * bound, number)

    def _traces(
        self, before: State, batch: Split, number: int, seen: Trace | None
    ) -> tuple[Trace, Trace]:
        """Trace a batch by the parts, and in float64."""
        if seen and self._has_seen(seen, before, batch):
            exact = seen
        else:
            exact = self._traced(self.side.exact, before, batch, number)
            self._hold_own_weights(before, self.side.exact.state())
        if self.parts is self.side.exact:
            return exact, exact
        return self._traced(self.parts, before, batch, number), exact

    def _has_seen(self, seen: Trace, before: State, batch: Split) -> bool:
        """Tell whether a pass is of these weights, and of so many images."""
        weights = self.side.weights
        return len(next(iter(seen.layers.values())).output) == len(batch) and all(
            np.array_equal(array, weights[name]) for name, array in before.items()
        )

    @staticmethod
    def _traced(network: Network, before: State, batch: Split, number: int) -> Trace:
        network.load_state(before)
        return network.trace(Batch(batch.images.copy(), batch.labels), step=number)

    def _hold_own_weights(self, before: State, after: State) -> None:
        for name, array in after.items():
            layer, sides = Layer(name.rpartition(".")[0]), (self.side.label,)
            asked = Question(layer, OWN_WEIGHTS, "float64", sides, WHOLE_PASS)
            wanted = before[name].astype(array.dtype)
            self.isolation.ledger.add(asked, array, wanted, np.zeros(array.shape))

    def _hold_prediction(
        self, before: State, exact: Trace, weights: Weights, batch: Split, number: int
    ) -> None:
        plan = self.isolation.plan
        wanted = exact.layers[plan.layers[-1].name].output
        if plan.evaluates_otherwise:
            self.side.exact.load_state(before)
            wanted = self.side.exact.predict(batch.images.copy())
        in_float64 = prediction_errors(plan, weights.in_float64(), batch.images)
        bound = in_float64
        if self.precision != "float64":
            bound = prediction_errors(plan, weights, batch.images)
        found = self.trains.predict(batch.images.copy())
        self._hold(PREDICTED, found, wanted, bound + in_float64, number)

    def _hold(
        self, quantity: str, found: Array | float, wanted: Array | float, bound: Exact, number: int
    ) -> None:
        asked = Question(STEP, quantity, self.precision, (self.side.label,), f"step {number}")
        # Of numbers that are not finite, nothing can be said.
        budget = np.where(np.isnan(bound), np.inf, bound)
        self.isolation.ledger.add(asked, found, wanted, budget)


def replay_prediction(isolation: Isolation, images: Array) -> None:
    """Hold the predictions of both sides together: evaluation mode has no parts to replay.

    A costly side is asked about few of the images. The other one is then held against itself, too:
    what it predicts of all at once against what it predicts of few at a time.
    """
    few = [side for side in isolation.sides if side.effort.few]
    rows = np.arange(len(images))
    if few:
        rows = np.unique(np.linspace(0, len(images) - 1, DATA_IMAGES).astype(int))
    found = {}
    for side in isolation.sides:
        given = images[rows] if side in few else images
        logits = isolation.attempt(STEP, side, side.exact.predict, given.copy())
        if logits is None:
            return
        isolation.kept.predictions[side] = given, logits
        found[side] = logits if side in few else _rows(logits, rows)
        if few and side not in few:
            isolation.attempt(STEP, side, _hold_all_at_once, isolation, side, images, logits)
    first, second = (found[side] for side in isolation.sides)
    asked = Question(STEP, PREDICTED, "float64", isolation.labels, WHOLE_PASS)
    isolation.ledger.add(asked, first, second, prediction_budget(isolation, images[rows]))


def _rows(logits: Array, rows: NDArray[np.intp]) -> Array:
    """Return the logits of some images; what has another shape as it is, to be told."""
    return logits[rows] if logits.ndim and len(logits) > rows[-1] else logits


def _hold_all_at_once(isolation: Isolation, side: Side, images: Array, logits: Array) -> None:
    starts = range(0, len(images), DATA_IMAGES)
    parts = [side.exact.predict(images[start : start + DATA_IMAGES].copy()) for start in starts]
    asked = Question(STEP, PREDICTED, "float64", (side.label,), "few at a time")
    budget = prediction_budget(isolation, images)
    isolation.ledger.add(asked, logits, np.concatenate(parts), budget)


@contextmanager
def _as_it_was(network: Network) -> Iterator[None]:
    """Put a network's state and slots back as they were."""
    state, slots = network.state(), network.optimizer_state()
    try:
        yield
    finally:
        network.load_state(state)
        network.load_optimizer_state(slots)
