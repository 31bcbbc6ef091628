"""How far apart two trainings are, and how far rounding alone would bring them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cnnspec.numerics.budget import unit_roundoff
from cnnspec.randomness import stream
from cnnspec.trace import Array, State


def distances(a: Mapping[str, Array], b: Mapping[str, Array]) -> dict[str, float]:
    """Return the distance between two states for each array, relative to the greater norm.

    Where all of an array is rounding, as a gradient that should be 0, that is about 1, however
    far the rounding of one side is from that of another in size.
    """
    found = {}
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers that are not finite: NaN
        for name, array in a.items():
            first, second = (each.astype(np.float64).ravel() for each in (array, b[name]))
            apart = float(np.linalg.norm(first - second))
            norm = max(float(np.linalg.norm(first)), float(np.linalg.norm(second)))
            found[name] = apart / norm if apart else 0.0
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

    name: str
    """The array that is furthest."""
    ratio: float
    """Its distance in units of that of its furthest twin."""
    inside: bool
    """Whether the twins explain that."""


class TwinEnvelope:
    """What chaos explains: the distances of twins, and how much these scatter.

    Each array is held by itself. A twin is at least one rounding away: by less, twins tell
    nothing. Twins are as far from each other as twice the furthest of them is from the first
    side, at most; and so is the second side, if rounding alone sets it apart. The few twins need
    not be the furthest that there are: the greatest factor seen so far between two of them, of
    any array in any step, is allowed on top. Further out is a reason to look, and no verdict.
    """

    def __init__(self, precision: str) -> None:
        self._least = unit_roundoff(precision)
        self._furthest: dict[str, float] = {}
        self._scatter = 1.0

    def take(self, twins: Sequence[Mapping[str, float]]) -> None:
        """Take the distances of all twins after a step."""
        for name in next(iter(twins)):
            of_twins = [max(twin[name], self._least) for twin in twins]
            self._furthest[name] = max(of_twins)
            self._scatter = max(self._scatter, max(of_twins) / min(of_twins))

    def hold(self, apart: Mapping[str, float]) -> Apart | None:
        """Hold distances after that step against those of the twins; None: nothing is apart."""
        ratios = {name: found / self._furthest[name] for name, found in apart.items() if found}
        if not ratios:
            return None
        finite = {name: math.inf if math.isnan(ratio) else ratio for name, ratio in ratios.items()}
        worst = max(finite, key=lambda name: finite[name])
        return Apart(worst, finite[worst], finite[worst] <= 2 * self._scatter)
