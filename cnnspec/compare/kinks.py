"""Kinks: decisions that rounding may turn, where a derivative jumps.

A relu decides at 0, a max pool between its two greatest cells. In float32 two right
implementations may decide otherwise where what they decide on is within the budget of the
layer that made it. Such elements are counted, and are no differences.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cnnspec.compare.budget import Exact
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.probes import LayerProbe
from cnnspec.compare.replay_layers import working_budgets
from cnnspec.compare.verdict import Kinks
from cnnspec.compare.windows import two_greatest_meet, windows
from cnnspec.spec.layers import Pool


def kinks_of(isolation: Isolation, probes: Iterable[LayerProbe]) -> tuple[Kinks, ...]:
    """Count the decisions of each relu and max pool on the user's data, and those near a kink."""
    found = []
    slack = np.zeros(())
    for probe in probes:
        if probe.name != "data":
            continue
        x = probe.x.astype(np.float64)
        slack = np.broadcast_to(slack, x.shape)
        if probe.at.kind == "relu":
            near = np.abs(x) < slack
            found.append(Kinks(probe.at.name, near.size, int(near.sum())))
        elif isinstance(probe.at.layer, Pool) and probe.at.layer.kind == "max":
            near = two_greatest_meet(probe.at, x, slack)
            found.append(Kinks(probe.at.name, near.size, int(near.sum())))
        slack = _slack_of_output(isolation, probe, x, slack)
    return tuple(found)


def _slack_of_output(isolation: Isolation, probe: LayerProbe, x: Exact, slack: Exact) -> Exact:
    """Return how far rounding may move each output: what a layer adds, or passes on."""
    at = probe.at
    if at.kind == "relu":
        return np.where(x > -slack, slack, 0.0)
    if at.kind == "flatten":
        return slack.reshape(len(x), -1)
    if isinstance(at.layer, Pool) and at.layer.kind == "max":
        greatest: Exact = windows(at, slack, 0.0).max(axis=-1)
        return greatest
    return working_budgets(isolation.first, probe)["output"]
