"""Isolation: two sides, the questions that are asked of them, and the answers so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

import numpy as np

from cnnspec.address import Address
from cnnspec.backends.raised import cannot
from cnnspec.compare.probes.update import GivenUpdate
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.sides.moment import Moment
from cnnspec.compare.sides.side import EXACT, WORKING, Side
from cnnspec.compare.verdict import Question
from cnnspec.compare.verdict.ledger import Ledger
from cnnspec.noise import Masks, Noise
from cnnspec.numerics.budget import Exact
from cnnspec.plan import Plan
from cnnspec.spec.training import Training
from cnnspec.trace import Array, State

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Kept:
    """What sides have answered in float64 to what is not about one layer.

    Of layers, each side keeps its answers itself.
    """

    losses: dict[str, dict[Side, dict[str, Array | float]]] = field(default_factory=dict)
    """By the probe: the loss and its gradient."""
    updates: list[tuple[GivenUpdate, dict[Side, State]]] = field(default_factory=list)
    """In the order of steps, of each array the first numbers: what was given, and what became of
    it."""
    predictions: dict[Side, tuple[Array, Array]] = field(default_factory=dict)
    """Images, and what was predicted."""


class Isolation:
    """What every replay works on."""

    def __init__(
        self,
        plan: Plan,
        training: Training,
        choices: tuple[BackendChoice, BackendChoice],
        weights: State,
        moment: Moment | None = None,
    ) -> None:
        self.plan, self.training, self.moment = plan, training, moment
        self.first, self.second = (Side(plan, training, choice, weights) for choice in choices)
        self.sides = (self.first, self.second)
        self._noise = Noise(plan, training.seed)
        self.ledger = Ledger()
        self.kept = Kept()
        self.failures: dict[tuple[Address, str], str] = {}
        """What could not be run, by its address and the side's label, and why."""
        self.silent: dict[tuple[str, str], None] = {}
        """Sides, and precisions, of whose training steps the bounds say nothing."""

    @property
    def labels(self) -> tuple[str, str]:
        """Name both sides, where they are held together."""
        return self.first.label, self.second.label

    @property
    def precisions(self) -> set[str]:
        """Return the precisions in which anything is held together."""
        return {"float64", *(side.precision for side in self.sides)}

    @property
    def first_step(self) -> int:
        """Return the number of the training step that is replayed, or that comes first."""
        return self.moment.step if self.moment else 1

    def masks(self, images: int, step: int) -> Masks:
        """Return what layers draw in a step whose whole batch are so many images."""
        return self._noise.masks(step, np.arange(images), images)

    def attempt(
        self, at: Address, side: Side, run: Callable[P, T], *given: P.args, **options: P.kwargs
    ) -> T | None:
        """Run a part of a side's network; why it cannot is noted, and None returned."""
        try:
            return run(*given, **options)
        except Exception as error:  # a faulty layer raises whatever it likes
            why = cannot(error)
            if why is None:
                raise
            self.failures.setdefault((at, side.label), why)
            return None

    def hold(
        self,
        address: Address,
        quantity: str,
        probe: str,
        values: Mapping[Side, Mapping[str, Mapping[str, Array | float]]],
        *,
        pair: Exact,
        own: Mapping[Side, Exact],
        typical: Mapping[Side, Exact | None] | None = None,
    ) -> None:
        """Ask both questions of one quantity; `values` has all that each network of each side gave.

        Same function? In float64 the sides may be `pair` apart. How accurate? In its working
        precision each side may be its `own` budget off from its float64 value, if it has one;
        `typical` is how far off it usually is.
        """
        first, second = (values[side][EXACT][quantity] for side in self.sides)
        asked = Question(address, quantity, "float64", self.labels, probe)
        self.ledger.add(asked, first, second, pair)
        for side, budget in own.items():
            if side.precision != "float64":
                working, exact = (values[side][kind][quantity] for kind in (WORKING, EXACT))
                asked = Question(address, quantity, side.precision, (side.label,), probe)
                usual = typical[side] if typical else None
                self.ledger.add(asked, working, exact, budget, usual)
