"""Kinks: decisions that rounding may turn, where a derivative jumps.

A relu decides at 0, a max pool between its two greatest cells. In float32 two right
implementations may decide otherwise where what they decide on is within the budget of the
layer that made it. Such elements are counted, and are no differences.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnspec.compare.carry import CARRIES, Weights
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.probes import LayerProbe
from cnnspec.compare.verdict import Kinks, Turned
from cnnspec.compare.windows import two_greatest_meet, windows
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.spec.layers import Pool
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
        slack = np.broadcast_to(slack, x.shape)
        if at.kind == "relu":
            near = np.abs(x) < slack
            found.append(Kinks(at.name, near.size, int(near.sum())))
        elif _takes_the_greatest(at):
            near = two_greatest_meet(at, x, slack)
            found.append(Kinks(at.name, near.size, int(near.sum())))
        if not _selects(at):
            slack = np.zeros(x.shape)
        slack = CARRIES[at.kind].forward(at, weights, x, slack)
    return tuple(found)


def turned_decisions(plan: Plan, images: Array, one: Trace, other: Trace) -> tuple[Turned, ...]:
    """Count what two passes over the same images decide otherwise, by layer."""
    found = []
    inputs = images, images
    for at in plan.layers:
        if at.kind == "relu" or _takes_the_greatest(at):
            first, second = (_decisions(at, x) for x in inputs)
            turned = int(np.sum(first != second))
            if turned:
                found.append(Turned(at.name, turned, first.size))
        inputs = one.layers[at.name].output, other.layers[at.name].output
    return tuple(found)


def _decisions(at: PlannedLayer, x: Array) -> NDArray[Any]:
    """Return which numbers pass a relu, or which cell of each window passes a max pool."""
    if at.kind == "relu":
        return x > 0
    which: NDArray[np.intp] = windows(at, x.astype(np.float64), -np.inf).argmax(axis=-1)
    return which


def _selects(at: PlannedLayer) -> bool:
    """Tell whether a layer passes on what it is given, and adds no rounding of its own."""
    return at.kind in ("relu", "flatten") or _takes_the_greatest(at)


def _takes_the_greatest(at: PlannedLayer) -> bool:
    return isinstance(at.layer, Pool) and at.layer.kind == "max"
