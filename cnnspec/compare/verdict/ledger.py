"""Ledger: the results of a comparison so far."""

from __future__ import annotations

import numpy as np

from cnnspec.address import Address
from cnnspec.compare.verdict.comparison import Comparison, Question
from cnnspec.compare.verdict.measure import measure
from cnnspec.numerics.budget import Exact
from cnnspec.trace import Array


class Ledger:
    """The results so far: for each quantity the worst over all probes, in order of arrival."""

    def __init__(self) -> None:
        self._worst: dict[tuple[Address, str, str, tuple[str, ...]], Comparison] = {}

    def add(
        self,
        asked: Question,
        found: Array | float,
        wanted: Array | float,
        budget: Exact,
        typical: Exact | None = None,
    ) -> None:
        """Measure a quantity and keep it if it is the worst of its kind.

        Where rounding explains anything, since numbers overflow, nothing was compared.
        """
        if np.size(budget) and np.all(np.isposinf(budget)):
            return
        measured = measure(found, wanted, budget)
        times = None if typical is None else measure(found, wanted, typical).ratio
        key = (asked.address, asked.quantity, asked.precision, asked.sides)
        before = self._worst.get(key)
        if before is None or measured.ratio > before.ratio:
            self._worst[key] = Comparison(**vars(asked), **vars(measured), typical=times)

    def beyond(self, address: Address) -> bool:
        """Tell whether something of a part is beyond rounding so far."""
        return any(found.address == address and not found.ok for found in self._worst.values())

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return the results."""
        return tuple(self._worst.values())
