"""Measure: one array against another, in units of what rounding explains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cnnspec.numerics.budget import Exact
from cnnspec.trace import Array


@dataclass(frozen=True)
class Measured:
    """Two arrays held together."""

    max_abs: float
    """Greatest difference of two elements."""
    difference: float
    """Difference of the worst element: the one with the greatest ratio."""
    budget: float
    """Budget of the worst element."""
    ratio: float
    """Difference over budget of the worst element; above 1 rounding does not explain it."""
    position: tuple[int, ...] = ()
    """Where the worst element stands."""
    beyond: int = 0
    """Elements whose difference is beyond their budget."""
    elements: int = 0
    found: float | None = None
    """The worst element; None where the shapes differ."""
    wanted: float | None = None
    """What it was held against."""

    @property
    def ok(self) -> bool:
        """Whether rounding explains the difference."""
        return self.ratio <= 1


def measure(found: Array | float, wanted: Array | float, budget: Exact) -> Measured:
    """Hold two arrays together, element by element, in units of a budget.

    Equal infinities and two NaNs are equal; any other value that is not finite is
    infinitely far off, and so is an array of another shape. An infinite budget explains all.
    """
    a, b = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    if not a.shape == b.shape == np.shape(budget):
        return Measured(math.inf, math.inf, 0.0, math.inf, (), a.size, a.size)
    if a.size == 0:
        return Measured(0.0, 0.0, 0.0, 0.0)
    same = a == b
    if same.all():  # as most arrays of most comparisons
        start = (0,) * a.ndim
        allowed, one = float(np.asarray(budget)[start]), float(a[start])
        return Measured(0.0, 0.0, allowed, 0.0, start, 0, a.size, one, float(b[start]))
    with np.errstate(all="ignore"):
        same |= np.isnan(a) & np.isnan(b)
        difference = np.where(same, 0.0, np.abs(a - b))
        difference[np.isnan(difference)] = math.inf
        ratio = np.where(same, 0.0, difference / budget)
        ratio[np.isnan(ratio)] = math.inf
        ratio = np.where(np.isposinf(budget), 0.0, ratio)
    at = np.unravel_index(np.argmax(ratio), ratio.shape)
    allowed = float(np.asarray(budget)[at])
    return Measured(
        float(difference.max()),
        float(difference[at]),
        allowed,
        float(ratio[at]),
        tuple(int(position) for position in at),
        int(np.sum(ratio > 1)),
        a.size,
        float(a[at]),
        float(b[at]),
    )
