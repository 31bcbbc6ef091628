"""How far apart two trainings are, and how far rounding alone would bring them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from cnnspec.randomness import stream
from cnnspec.trace import Array, State


def distances(a: Mapping[str, Array], b: Mapping[str, Array]) -> dict[str, float]:
    """Return the distance between two states for each array, relative to the first's norm."""
    found = {}
    for name, array in a.items():
        exact = array.astype(np.float64).ravel()
        apart = float(np.linalg.norm(exact - b[name].astype(np.float64).ravel()))
        found[name] = apart / (float(np.linalg.norm(exact)) or 1.0) if apart else 0.0
    return found


def one_ulp_away(state: Mapping[str, Array], seed: int, twin: int) -> State:
    """Return a state in which every number is its upper or lower neighbour, by lot."""
    moved = {}
    for name, array in state.items():
        up = stream(seed, "twin", twin, name).integers(0, 2, array.shape).astype(bool)
        moved[name] = np.where(
            up, np.nextafter(array, np.inf), np.nextafter(array, -np.inf)
        ).astype(array.dtype)
    return moved


class TwinEnvelope:
    """What chaos explains: the distances of twins, and how much these scatter.

    A parameter is outside where it is further from the first side than the furthest twin, by
    more than the greatest factor seen so far between two twins, of any parameter in any step.
    That is a reason to look, and no verdict: the step is then replayed against derived budgets.
    """

    def __init__(self) -> None:
        self.largest = 0.0
        """Greatest ratio of a distance to that of the furthest twin so far."""
        self._scatter = 1.0

    def outside(self, apart: Mapping[str, float], twins: list[dict[str, float]]) -> str | None:
        """Return the parameter that is furthest outside after a step, if one is."""
        ratios = {}
        for name, distance in apart.items():
            of_twins = [twin[name] for twin in twins]
            furthest, nearest = max(of_twins), min(of_twins)
            if nearest:
                self._scatter = max(self._scatter, furthest / nearest)
            if distance:
                ratio = distance / furthest if furthest else math.inf
                ratios[name] = math.inf if math.isnan(ratio) else ratio  # NaN is beyond nothing
        if not ratios:
            return None
        worst = max(ratios, key=lambda name: ratios[name])
        self.largest = max(self.largest, ratios[worst])
        return worst if ratios[worst] > self._scatter else None
