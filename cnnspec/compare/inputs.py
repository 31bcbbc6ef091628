"""What all parts of a replay are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.probes import LayerProbe, batch_probe, layer_probes, loss_probes
from cnnspec.compare.replay_pass import PASS
from cnnspec.data import Split
from cnnspec.trace import Array, Trace

STEP_IMAGES = 64
"""Images of the training step, at most; the user's batch size where that is smaller."""


@dataclass(frozen=True)
class Inputs:
    """Probes, and the batches of the whole pass and of the training step."""

    batch: Split
    """Of the whole pass."""
    step: Split
    """Of the prediction and the training step."""
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
    images = max(min(training.batch_size, STEP_IMAGES), 2 if plan.buffers else 1)
    batch = moment.batch if moment else batch_probe(plan, training.seed, split)
    step = moment.batch if moment else batch_probe(plan, training.seed, split, images)
    traces = {}
    for side in isolation.sides:
        given = (batch.images.copy(), batch.labels)
        trace = isolation.attempt(PASS, side, side.exact.trace, *given)
        side.exact.load_state(side.weights)  # a faulty layer may have changed its own
        if trace is not None:
            traces[side.label] = trace
    seen = next(iter(traces.values()), None)
    layers = [
        probe for at in plan.layers for probe in layer_probes(at, training.seed, seen, batch.images)
    ]
    losses = [
        (name, logits, batch.labels if name == "data" else np.arange(len(logits)) % plan.classes)
        for name, logits in loss_probes(plan.classes, training.seed, seen)
    ]
    return Inputs(batch, step, traces, layers, losses)
