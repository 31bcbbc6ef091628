"""How far a training beside the loops goes by itself: some seconds, where the whole takes hours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from cnnspec.backends import LOOPS
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.sides.effort import outputs_of
from cnnspec.compare.trajectory.together import planned_steps
from cnnspec.data import Dataset, Split
from cnnspec.plan import Plan
from cnnspec.spec.training import Training

Few = Literal["few"]
FEW: Few = "few"
"""As many steps as the loops, if they are a side, take in some seconds."""

LEARNT = 1_000_000
"""Outputs of all layers that the loops make, in all steps: some seconds."""

TESTED = 500_000
"""Outputs of all layers that the loops make of the test images, at most."""

LEAST = 3
"""Steps that are taken in any case: with fewer, nothing is seen of what goes on from step to
step."""


@dataclass(frozen=True)
class Share:
    """The share of a training that is taken, and of the test images."""

    steps: int
    data: Dataset


def share_of(
    plan: Plan, training: Training, choices: tuple[BackendChoice, BackendChoice], data: Dataset
) -> Share | None:
    """Return the share that is trained beside the loops; None where it is the whole."""
    outputs, whole = outputs_of(plan), planned_steps(data, training, None)
    batch = min(training.batch_size, len(data.train))
    steps = max(LEAST, LEARNT // (outputs * batch))
    if all(choice.backend != LOOPS for choice in choices) or steps >= whole:
        return None
    tested = max(1, TESTED // outputs)
    test = Split(data.test.images[:tested], data.test.labels[:tested])
    return Share(steps, replace(data, test=test))
