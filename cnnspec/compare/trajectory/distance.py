"""How far apart two trainings are, and how far rounding alone would bring them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

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


def furthest(apart: Mapping[str, float]) -> float:
    """Return the greatest of some distances."""
    return max(apart.values(), default=0.0)


def one_ulp_away(state: Mapping[str, Array], seed: int, twin: int) -> State:
    """Return a state in which every number is its upper or lower neighbour, by lot."""
    moved = {}
    for name, array in state.items():
        up = stream(seed, "twin", twin, name).integers(0, 2, array.shape).astype(bool)
        moved[name] = np.where(
            up, np.nextafter(array, np.inf), np.nextafter(array, -np.inf)
        ).astype(array.dtype)
    return moved


class Apart(NamedTuple):
    """How far two trainings are apart, beside twins."""

    parameter: str
    """The one that is furthest."""
    ratio: float
    """Its distance in units of that of its furthest twin."""
    inside: bool
    """Whether the twins explain that."""


class TwinEnvelope:
    """What chaos explains: the distances of twins, and how much these scatter.

    A parameter is outside where it is further off than the furthest twin, by more than the
    greatest factor seen so far between two twins, of any parameter in any step. That is a reason
    to look, and no verdict: the step is then replayed against derived budgets.
    """

    def __init__(self) -> None:
        self._furthest: dict[str, float] = {}
        self._scatter = 1.0

    def take(self, twins: Sequence[Mapping[str, float]]) -> None:
        """Take the distances of all twins after a step."""
        for name in twins[0]:
            of_twins = [twin[name] for twin in twins]
            self._furthest[name] = furthest = max(of_twins)
            if nearest := min(of_twins):
                self._scatter = max(self._scatter, furthest / nearest)

    def hold(self, apart: Mapping[str, float]) -> Apart | None:
        """Hold distances after that step against those of the twins; None: nothing is apart."""
        ratios = {}
        for name, distance in apart.items():
            if distance:
                of_twin = self._furthest[name]
                ratio = distance / of_twin if of_twin else math.inf
                ratios[name] = math.inf if math.isnan(ratio) else ratio  # NaN is beyond nothing
        if not ratios:
            return None
        worst = max(ratios, key=lambda name: ratios[name])
        return Apart(worst, ratios[worst], ratios[worst] <= self._scatter)
