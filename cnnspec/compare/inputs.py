"""What all parts of a replay are given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnspec.address import PASS
from cnnspec.backends.network import Labels
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.probes import (
    DATA_IMAGES,
    Flow,
    LayerProbe,
    batch_probe,
    layer_probes,
    loss_probes,
    probe_labels,
)
from cnnspec.data import Split
from cnnspec.plan import Plan
from cnnspec.trace import Array, Trace
from cnnspec.training.evaluate import BATCH as EVALUATED

NUMBERS = 2_000_000
"""Outputs of all layers in one batch, at most: some seconds of the textbook's loops."""

LATER_STEPS = (5, 3)
"""Images of the training steps that follow the first: the last batch of an epoch is smaller."""


@dataclass(frozen=True)
class Inputs:
    """Probes, and the batches of the whole pass and of the training steps."""

    batch: Split
    """Of the whole pass."""
    steps: Sequence[Split]
    """Of the training steps, in a row."""
    predicted: Split
    """As many images as an evaluation predicts at once, where there is room."""
    traces: dict[str, Trace]
    """The whole pass of each side that can do it, by its label."""
    layers: list[LayerProbe]
    losses: Sequence[tuple[str, Array, Labels]]

    @property
    def seen(self) -> Trace | None:
        """The first whole pass."""
        return next(iter(self.traces.values()), None)


def inputs_of(isolation: Isolation, split: Split | None) -> Inputs:
    """Draw the probes; those that hold the user's data come from a whole pass of it."""
    plan, training, moment = isolation.plan, isolation.training, isolation.moment
    batch = moment.batch if moment else batch_probe(plan, training.seed, split, DATA_IMAGES)
    steps = [moment.batch] if moment else _steps(isolation, split)
    many = min(room(plan), EVALUATED if split else DATA_IMAGES)
    predicted = moment.batch if moment else batch_probe(plan, training.seed, split, max(many, 1))
    traces = _traces(isolation, batch)
    flows = [Flow("data", batch, trace) for trace in list(traces.values())[:1]]
    if len(steps[0]) > len(batch):
        traced = _traces(isolation, steps[0])
        flows += [Flow("batch", steps[0], trace) for trace in list(traced.values())[:1]]
    in_float64 = all(side.precision == "float64" for side in isolation.sides)
    dtype = np.float64 if in_float64 else np.float32
    layers = [
        probe for at in plan.layers for probe in layer_probes(at, training.seed, flows, dtype)
    ]
    own = {flow.name: flow.batch.labels for flow in flows}
    losses = [
        (name, logits, own.get(name, probe_labels(*logits.shape)))
        for name, logits in loss_probes(plan.classes, training.seed, flows)
    ]
    return Inputs(batch, steps, predicted, traces, layers, losses)


def _steps(isolation: Isolation, split: Split | None) -> list[Split]:
    """Return batches of training steps, the first of the user's batch size where there is room."""
    plan, training = isolation.plan, isolation.training
    least = 2 if plan.buffers else 1
    steps, skip = [], 0
    for count in (max(min(training.batch_size, room(plan)), least), *LATER_STEPS):
        steps.append(batch_probe(plan, training.seed, split, count, skip))
        skip += count
    return steps


def room(plan: Plan) -> int:
    """Return how many images a batch may have."""
    return NUMBERS // sum(math.prod(at.output) for at in plan.layers)


def _traces(isolation: Isolation, batch: Split) -> dict[str, Trace]:
    """Return the whole pass of each side that can do it, by its label."""
    traces = {}
    for side in isolation.sides:
        given = (batch.images.copy(), batch.labels)
        trace = isolation.attempt(PASS, side, side.exact.trace, *given)
        side.exact.load_state(side.weights)  # a faulty layer may have changed its own
        if trace is not None:
            traces[side.label] = trace
    return traces
