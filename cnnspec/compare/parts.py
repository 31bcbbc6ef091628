"""Every part of two networks alone, on the same inputs, against the budget; and the judgement.

Each layer of both sides gets the same input, parameters and upstream gradient; then the
loss alone; then the optimizer alone, over several steps. In float64 the two sides are held
against each other: beyond the budget they are different functions. In its working precision
each side is held against its own float64 result: beyond the budget it loses precision that
its arithmetic does not explain. Last, each side's whole pass, prediction and training step
are held against its own parts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from cnnspec.address import LOSS, OPTIMIZER, PASS, STEP, Address, Layer
from cnnspec.compare.bounds.kinks import kinks_of
from cnnspec.compare.judging.judgement import findings_of
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.replay.coverage import coverage_of
from cnnspec.compare.replay.layers import replay_layer
from cnnspec.compare.replay.learning import replay_loss, replay_optimizer
from cnnspec.compare.replay.probes import Probes, probes_of
from cnnspec.compare.replay.steps import replay_prediction, replay_steps
from cnnspec.compare.replay.whole_pass import replay_pass
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.moment import Moment
from cnnspec.compare.sides.side import probe_weights
from cnnspec.compare.verdict import Comparison, Consequence, Coverage, Finding, Kinks
from cnnspec.compare.verdict.allowed import Allowed
from cnnspec.data import Split
from cnnspec.plan import Plan
from cnnspec.spec.training import Training

Progress = Callable[[int, int, str], None]
"""Called before each part: how many are done, of how many, and which comes now."""


def nobody(done: int, total: int, what: str) -> None:
    """Tell nobody how far it is."""


@dataclass(frozen=True)
class Replayed:
    """What a replay found."""

    comparisons: tuple[Comparison, ...]
    coverage: Coverage
    findings: tuple[Finding, ...]
    kinks: tuple[Kinks, ...]
    follows: tuple[Consequence, ...]


def replay_parts(
    plan: Plan,
    training: Training,
    choices: tuple[BackendChoice, BackendChoice],
    *,
    split: Split | None = None,
    moment: Moment | None = None,
    allowed: Collection[Allowed] = (),
    on_progress: Progress = nobody,
) -> Replayed:
    """Hold every part of two backends together.

    `split` is the user's data, if any. Weights are drawn for it, unless a `moment` of a
    training is replayed: then its weights, slots and batch are those of that step. `allowed` is
    what need not be compared.
    """
    weights = moment.weights if moment else probe_weights(plan, training.seed)
    isolation = Isolation(plan, training, choices, weights, moment)
    with np.errstate(all="ignore"):
        probes = probes_of(isolation, split)
        parts = list(_parts(isolation, probes))
        for done, (what, replay_part) in enumerate(parts):
            on_progress(done, len(parts) + 1, what)
            replay_part()
        on_progress(len(parts), len(parts) + 1, "the verdict")
        comparisons = _in_order(isolation)
        findings, follows = findings_of(isolation, comparisons, probes)
        kinks = kinks_of(isolation, probes.layers)
    coverage = coverage_of(isolation, comparisons, allowed)
    return Replayed(comparisons, coverage, findings, kinks, follows)


def _parts(isolation: Isolation, probes: Probes) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield every part that is replayed: what it is called, and what does it."""
    for probe, after in zip(probes.layers, [*probes.layers[1:], None]):
        last = after is None or after.address != probe.address
        yield f"{probe.at.name} ({probe.name})", partial(_replay_layer, isolation, probe, last)
    for given in probes.losses:
        yield f"loss ({given[0]})", partial(replay_loss, isolation, *given)
    for side in isolation.sides:
        trace, steps = probes.traces.get(side.label), probes.steps[side.label]
        if trace is not None:
            whole = partial(replay_pass, isolation, side, trace, probes.batch)
            yield f"whole pass of {side.label}", partial(isolation.attempt, PASS, side, whole)
        in_a_row = partial(replay_steps, isolation, side, steps, trace)
        yield f"training steps of {side.label}", partial(isolation.attempt, STEP, side, in_a_row)
    images = probes.predicted.images
    yield "predictions", partial(replay_prediction, isolation, images)
    yield "optimizer", partial(replay_optimizer, isolation, probes.seen)


def _replay_layer(isolation: Isolation, probe: LayerProbe, last: bool) -> None:
    """Replay a layer on a probe; forget its answers after the last one, if all is well."""
    replay_layer(isolation, probe)
    if last and not isolation.ledger.beyond(probe.address):
        for side in isolation.sides:
            side.forget(probe.address)


def _in_order(isolation: Isolation) -> tuple[Comparison, ...]:
    layers = (Layer(at.name) for at in isolation.plan.layers)
    order: list[Address] = [*layers, LOSS, OPTIMIZER, STEP]
    found = isolation.ledger.comparisons()
    return tuple(sorted(found, key=lambda comparison: order.index(comparison.address)))
