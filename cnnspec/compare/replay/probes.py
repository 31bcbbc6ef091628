"""Probes: what all parts of a replay are given."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cnnspec.address import PASS, Address
from cnnspec.backends.network import Batch, Labels
from cnnspec.compare.probes.draw import (
    DATA_IMAGES,
    Flow,
    batch_probe,
    layer_probes,
    loss_probes,
    probe_labels,
)
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.sides.effort import effort_of
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.side import Side
from cnnspec.data import Split
from cnnspec.trace import Array, Trace
from cnnspec.training.evaluate import BATCH as EVALUATED

LATER_STEPS = (5, 3)
"""Images of the training steps that follow the first: the last batch of an epoch is smaller."""


@dataclass(frozen=True)
class Probes:
    """What layers and losses are given, and the batches of whole passes and of training steps."""

    batch: Split
    """Of the whole pass."""
    steps: Mapping[str, Sequence[Split]]
    """Of the training steps of each side, in a row, by its label."""
    predicted: Split
    """As many images as an evaluation predicts at once, where there is room."""
    traces: dict[str, Trace]
    """The whole pass of each side that can do it, by its label."""
    layers: list[LayerProbe]
    losses: Sequence[tuple[str, Array, Labels]]

    def of(self, address: Address) -> list[LayerProbe]:
        """Return those of a layer."""
        return [probe for probe in self.layers if probe.address == address]

    @property
    def seen(self) -> Trace | None:
        """The first whole pass."""
        return next(iter(self.traces.values()), None)


def probes_of(isolation: Isolation, split: Split | None) -> Probes:
    """Draw the probes; those that hold the user's data come from a whole pass of it."""
    plan, training, moment = isolation.plan, isolation.training, isolation.moment
    batch = moment.batch if moment else batch_probe(plan, training.seed, split, DATA_IMAGES)
    traces = _traces(isolation, batch, isolation.sides)
    flows = [Flow("data", batch, trace) for trace in list(traces.values())[:1]]
    steps = {
        side.label: [moment.batch] if moment else _steps(isolation, split, side)
        for side in isolation.sides
    }
    most = min(side.effort.most for side in isolation.sides)
    whole = batch_probe(plan, training.seed, split, max(min(training.batch_size, most), 1))
    if not moment and len(whole) > len(batch):
        quick = [side for side in isolation.sides if not side.effort.few]
        traced = _traces(isolation, whole, quick or isolation.sides[:1])
        flows += [Flow("batch", whole, trace) for trace in list(traced.values())[:1]]
    room = max(side.effort.most for side in isolation.sides)
    many = max(min(room, EVALUATED if split else DATA_IMAGES), 1)
    predicted = moment.batch if moment else batch_probe(plan, training.seed, split, many)
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
    return Probes(batch, steps, predicted, traces, layers, losses)


def _steps(isolation: Isolation, split: Split | None, side: Side) -> list[Split]:
    """Return batches of training steps, the first of the user's batch size where there is room."""
    plan, training = isolation.plan, isolation.training
    least = 2 if plan.buffers else 1
    most = min(DATA_IMAGES, side.effort.most) if side.effort.few else side.effort.most
    steps, skip = [], 0
    for count in (max(min(training.batch_size, most), least), *LATER_STEPS):
        steps.append(batch_probe(plan, training.seed, split, count, skip))
        skip += count
    return steps


def _traces(isolation: Isolation, batch: Split, sides: Sequence[Side]) -> dict[str, Trace]:
    """Return the whole pass of each side that can do it, by its label; and see what it costs."""
    plan, traces = isolation.plan, {}
    for side in sides:
        given = Batch(batch.images.copy(), batch.labels)
        start = time.perf_counter()
        trace = isolation.attempt(PASS, side, side.exact.trace, given, step=isolation.first_step)
        seconds = (time.perf_counter() - start) / len(batch)
        side.effort = effort_of(side.choice, plan, isolation.training.batch_size, seconds)
        side.exact.load_state(side.weights)  # a faulty layer may have changed its own
        if trace is not None:
            traces[side.label] = trace
    return traces
