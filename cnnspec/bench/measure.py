"""Timing several actions against each other in one process."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

SETTLE = 0.01
"""Seconds of rest before a block: threads of a library wait for its next call by spinning, and
would take a processor from the library whose turn it is."""

BLOCK = 0.03
"""Seconds of calls in a row that an action gets in its turn, or one call if that takes longer."""

ROUNDS = 3
"""Turns that each action gets at least."""


@dataclass(frozen=True)
class Spread:
    """The middle of some numbers, and how far they scatter."""

    median: float
    low: float
    """A quarter of the numbers lie below."""
    high: float
    """A quarter of the numbers lie above."""
    least: float
    greatest: float

    @classmethod
    def of(cls, numbers: list[float]) -> Spread:
        """Return the spread of at least one number."""
        low, median, high = (
            statistics.quantiles(numbers, n=4, method="inclusive")
            if len(numbers) > 1
            else numbers * 3
        )
        return cls(median, low, high, min(numbers), max(numbers))

    def times(self, factor: float) -> Spread:
        """Return the spread of the numbers times a factor."""
        return Spread(*(factor * number for number in vars(self).values()))


@dataclass(frozen=True)
class Times:
    """The times of one action, in seconds a call: a block of calls for each of its turns."""

    blocks: tuple[tuple[float, ...], ...]

    @property
    def calls(self) -> list[float]:
        return [call for block in self.blocks for call in block]

    @property
    def spread(self) -> Spread:
        return Spread.of(self.calls)

    def ratio(self, other: Times) -> Spread:
        """Return how many times as long as another action it takes, turn by turn.

        What slows the machine down for a while slows down both.
        """
        medians = [map(statistics.median, times.blocks) for times in (self, other)]
        return Spread.of([own / others for own, others in zip(*medians)])


def alternate(
    actions: Mapping[str, Callable[[], object]],
    seconds: float,
    *,
    before_block: Callable[[], object] = lambda: None,
) -> dict[str, Times]:
    """Time actions by turns, a block of calls each, for about so many seconds in all.

    The first call of a block is not counted: it finds the caches as another action left them.
    `before_block` is called before each, untimed. Python's garbage collector is off meanwhile.
    """
    blocks: dict[str, list[tuple[float, ...]]] = {name: [] for name in actions}
    end = time.perf_counter() + seconds
    collecting = gc.isenabled()
    gc.disable()
    try:
        turn = 0
        while turn < ROUNDS or time.perf_counter() < end:
            turn += 1
            for name, action in actions.items():
                before_block()
                time.sleep(SETTLE)
                action()
                blocks[name].append(_block(action))
    finally:
        if collecting:
            gc.enable()
    return {name: Times(tuple(found)) for name, found in blocks.items()}


def _block(action: Callable[[], object]) -> tuple[float, ...]:
    found: list[float] = []
    start = now = time.perf_counter()
    while not found or now - start < BLOCK:
        before = now
        action()
        now = time.perf_counter()
        found.append(now - before)
    return tuple(found)
