"""Effort: how many images a side is asked about, by what an image costs it.

Loops over every output take a thousand times as long as an engine. Most kinds of faults show on
a few images, and a costly side is asked about a few: its training steps, its own precision, its
predictions. What shows in large batches alone is asked once: each layer on a whole batch, in
float64, where the side that costs little has it all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cnnspec.backends import BACKENDS, LOOPS
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.plan import Plan

NUMBERS = 2_000_000
"""Outputs of all layers in one batch, at most: what engines make in a moment."""

LOOPED = 50_000
"""Outputs of all layers in a batch up to which the loops cost little: some tenths of a second."""

MOST_LOOPED = 300_000
"""Outputs of all layers in one question to costly loops: some seconds."""

SECONDS = 0.5
"""Time of a whole pass of a batch up to which somebody's own backend costs little."""

MOST_SECONDS = 5.0
"""Time of one question to somebody's own backend that costs much."""


@dataclass(frozen=True)
class Effort:
    """What a side may be asked."""

    most: int
    """Images in one question."""
    few: bool = False
    """Whether each image costs so much that it is asked about few where few will do."""


def outputs_of(plan: Plan) -> int:
    """Return how many numbers all layers make of one image."""
    return sum(math.prod(at.output) for at in plan.layers)


def effort_of(choice: BackendChoice, plan: Plan, batch: int, seconds: float) -> Effort:
    """Return what a side may be asked; an image takes it so many `seconds` in a whole pass.

    What the built-in backends are asked does not hang on the clock: the same every time.
    """
    outputs = outputs_of(plan)
    room = NUMBERS // outputs
    if choice.backend == LOOPS:
        few = batch * outputs > LOOPED
        return Effort(min(room, MOST_LOOPED // outputs), few=True) if few else Effort(room)
    if choice.backend in BACKENDS or batch * seconds <= SECONDS:
        return Effort(room)
    return Effort(min(room, int(MOST_SECONDS / seconds)), few=True)
