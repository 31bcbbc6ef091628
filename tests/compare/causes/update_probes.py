"""What the diagnosis of optimizers is tried on: updates, number by number, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cnnspec.compare.causes import diagnose_optimizer
from cnnspec.compare.faults.fault import Observation, UpdateSituation
from cnnspec.compare.kinds import OPTIMIZERS
from cnnspec.numerics.budget import Exact
from cnnspec.randomness import stream
from cnnspec.spec.optimizers import AnyOptimizer

SHAPE = (3, 4)
RATE, DECAY = 0.01, 0.1


@dataclass(frozen=True)
class Number:
    """One number of a parameter, before a step."""

    w: float
    g: float
    t: int
    slots: Mapping[str, float]


Rule = Callable[[Number], Mapping[str, float]]
"""What a number becomes, under the name ``, and what is kept of it."""


@dataclass(frozen=True)
class Update:
    """An optimizer with its options, and its rule."""

    options: AnyOptimizer
    right: Rule

    def observe(
        self, rule: Rule, quantity: str, noise: float = 0.0
    ) -> list[Observation[UpdateSituation]]:
        """Return what a rule gives in four steps, and what is right."""
        random = stream(0, "tests", "noise")
        observations = []
        for at in situations(self.options):
            budgets = OPTIMIZERS[self.options.keyword].budgets(at, "float64")
            found = _stepped(at, rule)[quantity] + noise * random.normal(size=SHAPE)
            wanted = _stepped(at, self.right)[quantity]
            observations.append(Observation(at, quantity, found, wanted, 2 * budgets[quantity]))
        return observations

    def code(self, rule: Rule, quantity: str, noise: float = 0.0) -> str | None:
        """Return the code of the cause that is named."""
        cause = diagnose_optimizer(self.observe(rule, quantity, noise))
        return cause and cause.code


FaultyUpdate = tuple[Update, Rule, Mapping[str, str]]
"""What is right, a rule with one thing wrong, and the cause that is named in each quantity."""


def situations(options: AnyOptimizer) -> list[UpdateSituation]:
    """Draw four steps, the first with empty slots; all are float32 numbers."""
    random = stream(0, "tests", "update")

    def draw(size: float = 1.0) -> Exact:
        return (size * random.normal(size=SHAPE)).astype(np.float32).astype(np.float64)

    found = []
    for step in range(1, 5):
        # What averages squares is never below 0; every slot is small beside the gradients.
        slots = {
            name: np.abs(draw(0.01)) if name.endswith("_sq") else draw(0.1)
            for name in options.slots
        }
        if step == 1:
            slots = {name: np.zeros(SHAPE) for name in slots}
        gradient = draw() * 10.0 ** random.uniform(-6, 1, SHAPE)
        found.append(UpdateSituation(options, RATE, step, draw(), slots, gradient))
    return found


def _stepped(situation: UpdateSituation, rule: Rule) -> dict[str, Exact]:
    found: dict[str, Exact] = {name: np.zeros(SHAPE) for name in ("", *situation.slots)}
    for index in np.ndindex(SHAPE):
        number = Number(
            situation.weights[index],
            situation.gradient[index],
            situation.step,
            {name: array[index] for name, array in situation.slots.items()},
        )
        for name, value in rule(number).items():
            found[name][index] = value
    return found
