"""Kinks: decisions that rounding may turn, where a derivative jumps.

A relu decides at 0, a max pool between its two greatest cells. In float32 two right
implementations may decide otherwise where what they decide on is within the budget of the
layer that made it. Such elements are counted, and are no differences.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cnnspec.compare.carry import Weights
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.probe import LayerProbe
from cnnspec.compare.verdict import Kinks, Turned
from cnnspec.plan import Plan
from cnnspec.trace import Array, Trace


def kinks_of(isolation: Isolation, probes: Iterable[LayerProbe]) -> tuple[Kinks, ...]:
    """Count the decisions of each relu and max pool on the user's data, and those near a kink."""
    side = isolation.first
    weights = Weights(isolation.plan, isolation.training, side.precision)
    weights.load(side.weights)
    found = []
    slack = np.zeros(())
    for probe in probes:
        if probe.name != "data":
            continue
        at, x = probe.at, probe.x.astype(np.float64)
        kind = LAYERS[at.kind]
        slack = np.broadcast_to(slack, x.shape)
        if kind.decisions(at, x) is not None:
            near = kind.near(at, x, slack)
            found.append(Kinks(at.name, near.size, int(near.sum())))
        if not kind.selects(at):
            slack = np.zeros(x.shape)
        slack = kind.forward(at, weights, x, slack)
    return tuple(found)


def turned_decisions(plan: Plan, images: Array, one: Trace, other: Trace) -> tuple[Turned, ...]:
    """Count what two passes over the same images decide otherwise, by layer."""
    found = []
    inputs = images, images
    for at in plan.layers:
        first, second = (LAYERS[at.kind].decisions(at, x.astype(np.float64)) for x in inputs)
        if first is not None and second is not None:
            turned = int(np.sum(first != second))
            if turned:
                found.append(Turned(at.name, turned, first.size))
        inputs = one.layers[at.name].output, other.layers[at.name].output
    return tuple(found)
