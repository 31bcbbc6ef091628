"""Why a figure says nothing: what was measured is not what a machine by itself would do."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from cnnspec.bench.measure import Spread

Reason = Literal["above_roof", "load", "scatter"]
REASONS: tuple[Reason, ...] = get_args(Reason)

APART = 10
"""How many times the lower quartile the upper one may be."""

MARGIN = 0.5
"""Load that may come on top of one for each core while the benchmark itself keeps all of them
busy: the system has some work of its own."""


@dataclass(frozen=True)
class Load:
    """How many programs want a core: the system's mean over the last minute.

    None where the system does not tell.
    """

    cores: int
    before: float | None
    """Before the benchmark began."""
    during: float | None = None
    """While something was measured."""

    @classmethod
    def at_start(cls) -> Load:
        """Return the load before anything is measured."""
        return cls(os.cpu_count() or 1, _load())

    def now(self) -> Load:
        """Return the same, with the load of this moment as the one while something is measured."""
        return replace(self, during=_load())

    @property
    def above_the_cores(self) -> bool:
        """Whether others take cores from the benchmark, or did when it began."""
        before = self.before is not None and self.before > self.cores
        return before or (self.during is not None and self.during > self.cores + MARGIN)

    def highest_of(self, loads: Iterable[Load]) -> Load:
        """Return the same, with the highest of other loads as the one while all was measured."""
        told = [load.during for load in loads if load.during is not None]
        return replace(self, during=max(told, default=None))


def reasons(of_roofline: float, times: tuple[Spread, ...], load: Load) -> tuple[Reason, ...]:
    """Return why a figure is worthless; nothing where no reason is known."""
    found: dict[Reason, bool] = {
        "above_roof": of_roofline > 1,
        "load": load.above_the_cores,
        "scatter": any(spread.high > APART * spread.low for spread in times),
    }
    return tuple(reason for reason in REASONS if found[reason])


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # there is none on Windows
        return None
