"""Measure: one array against another, in units of what rounding explains."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from cnnspec.compare.budget import Exact
from cnnspec.compare.verdict import Quantity
from cnnspec.trace import Array


class Measured(NamedTuple):
    """Two arrays held together."""

    max_abs: float
    """Greatest difference of two elements."""
    difference: float
    """Difference of the worst element: the one with the greatest ratio."""
    budget: float
    """Budget of the worst element."""
    ratio: float
    """Difference over budget of the worst element."""


def measure(found: Array | float, wanted: Array | float, budget: Exact) -> Measured:
    """Hold two arrays together, element by element, in units of a budget.

    Equal infinities and two NaNs are equal; any other value that is not finite is
    infinitely far off, and so is an array of another shape.
    """
    a, b = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    if not a.shape == b.shape == np.shape(budget):
        return Measured(math.inf, math.inf, 0.0, math.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        difference = np.where(same, 0.0, np.abs(a - b))
        difference[np.isnan(difference)] = math.inf
        ratio = np.where(same, 0.0, difference / budget)
        ratio[np.isnan(ratio)] = math.inf
    at = np.unravel_index(np.argmax(ratio), ratio.shape)
    allowed = np.asarray(budget)[at]
    return Measured(
        float(difference.max()), float(difference[at]), float(allowed), float(ratio[at])
    )


class Ledger:
    """The results so far: for each quantity the worst over all probes, in order of arrival."""

    def __init__(self) -> None:
        self._worst: dict[tuple[str, str, str, str], Quantity] = {}

    def add(
        self,
        layer: str,
        quantity: str,
        *,
        precision: str,
        backend: str,
        probe: str,
        found: Array | float,
        wanted: Array | float,
        budget: Exact,
    ) -> None:
        """Measure a quantity and keep it if it is the worst of its kind."""
        measured = measure(found, wanted, budget)
        key = (layer, quantity, precision, backend)
        before = self._worst.get(key)
        if before is None or measured.ratio > before.ratio:
            self._worst[key] = Quantity(layer, quantity, precision, backend, probe, *measured)

    def quantities(self) -> tuple[Quantity, ...]:
        """Return the results."""
        return tuple(self._worst.values())
