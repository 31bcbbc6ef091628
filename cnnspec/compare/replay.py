"""Replay: every part of two networks alone, on the same inputs, against the budget.

Each layer of both sides gets the same input, parameters and upstream gradient; then the
loss alone; then the optimizer alone, over several steps. In float64 the two sides are held
against each other: beyond the budget they are different functions. In float32 each side is
held against its own float64 result: beyond the budget it loses precision that its arithmetic
does not explain. Last, each side's whole pass, prediction and training step are held against
its own parts.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.compare.isolation import Isolation
from cnnspec.compare.probes import batch_probe, layer_probes, loss_probes
from cnnspec.compare.replay_layers import replay_layer
from cnnspec.compare.replay_learning import replay_loss, replay_optimizer
from cnnspec.compare.replay_pass import STEP, replay_pass, replay_step
from cnnspec.compare.side import Side
from cnnspec.compare.verdict import NotCompared, Quantity
from cnnspec.data import Split
from cnnspec.plan import Plan
from cnnspec.spec.training import Training

STEP_IMAGES = 64
"""Images of the training step, at most; the user's batch size where that is smaller."""


def replay(
    plan: Plan,
    training: Training,
    backends: tuple[str, str],
    *,
    split: Split | None = None,
    devices: Mapping[str, str],
) -> tuple[tuple[Quantity, ...], tuple[NotCompared, ...]]:
    """Hold every part of two backends together; `split` is the user's data, if any.

    Return what was compared, in the order of the network, and what could not be.
    """
    first, second = (Side(plan, training, backend, devices[backend]) for backend in backends)
    isolation = Isolation(plan, training, first, second)
    with np.errstate(over="ignore", invalid="ignore"):
        _replay(isolation, split)
    order = [*(layer.name for layer in plan.layers), "loss", "optimizer", STEP]
    quantities = sorted(isolation.ledger.quantities(), key=lambda found: order.index(found.layer))
    return tuple(quantities), tuple(isolation.not_compared.values())


def _replay(isolation: Isolation, split: Split | None) -> None:
    plan, seed = isolation.plan, isolation.training.seed
    images, labels = batch_probe(plan, seed, split)
    traces = {}
    for side in isolation.sides:
        trace = isolation.attempt(f"whole pass of {side.backend}", side.exact.trace, images, labels)
        if trace is not None:
            traces[side] = trace
    seen = next(iter(traces.values()), None)
    for at in plan.layers:
        for probe in layer_probes(at, seed, seen, images):
            replay_layer(isolation, at, probe)
    for name, logits in loss_probes(plan.classes, seed, seen):
        given = labels if name == "data" else np.arange(len(logits)) % plan.classes
        replay_loss(isolation, name, logits, given)
    many = batch_probe(plan, seed, split, min(isolation.training.batch_size, STEP_IMAGES))
    for side, trace in traces.items():
        whole = f"whole pass of {side.backend}"
        isolation.attempt(whole, replay_pass, isolation, side, trace, images, labels)
        isolation.attempt(f"training step of {side.backend}", replay_step, isolation, side, *many)
    replay_optimizer(isolation)  # last, as it changes the weights
