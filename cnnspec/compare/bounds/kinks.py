"""Kinks: decisions that rounding may turn, where a derivative jumps.

A relu decides at 0, a max pool between its two greatest cells; the rooms in `compare/kinds` say
which kinds decide. In float32 two right implementations may decide otherwise where what they
decide on is within the budget of the layer that made it. Such elements are counted, and are no
differences.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.kinds.weights import Weights
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.verdict import Kinks, Turned
from cnnspec.numerics.budget import Exact
from cnnspec.plan import Plan
from cnnspec.trace import Trace


def kinks_of(isolation: Isolation, probes: Sequence[LayerProbe]) -> tuple[Kinks, ...]:
    """Count the decisions of each layer that decides on the user's data, and those near a kink."""
    side = isolation.first
    weights = Weights(isolation.plan, isolation.training, side.precision)
    masks = {p.at.name: p.noise for p in probes if p.name == "data" and p.noise is not None}
    weights.load(side.weights, masks)
    found = []
    slacks: dict[str, Exact] = {}
    for probe in probes:
        if probe.name != "data":
            continue
        at, kind = probe.at, LAYERS[probe.at.kind]
        inputs = [x.astype(np.float64) for x in probe.inputs]
        slack = [slacks.get(source, np.zeros(x.shape)) for source, x in zip(at.inputs, inputs)]
        if decider := kind.decider(at):
            near = kind.near(at, *inputs, *slack)
            found.append(Kinks(at.name, decider, near.size, int(near.sum())))
        if not kind.selects(at):
            slack = [np.zeros(x.shape) for x in inputs]
        slacks[at.name] = kind.errors_ahead(at, weights, inputs, slack, training=True)
    return tuple(found)


def turned_decisions(plan: Plan, one: Trace, other: Trace) -> tuple[Turned, ...]:
    """Count what two passes over the same images decide otherwise, by layer."""
    found = []
    for at in plan.layers:
        kind, passes = LAYERS[at.kind], (one.layers[at.name], other.layers[at.name])
        if not kind.decider(at):
            continue
        first, second = (kind.decisions(at, seen.input.astype(np.float64)) for seen in passes)
        turned = int(np.sum(first != second))
        if turned:
            found.append(Turned(at.name, turned, first.size))
    return tuple(found)
