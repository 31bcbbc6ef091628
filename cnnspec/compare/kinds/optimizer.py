"""What the referee knows of a kind of optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from cnnspec.compare.faults.fault import UpdateSituation
from cnnspec.compare.faults.formula import Formula
from cnnspec.compare.kinds.kind import COMPOSED, Kind, Term, Terms, ball_terms
from cnnspec.compare.verdict import Cause
from cnnspec.numerics import Exact
from cnnspec.spec.optimizers import AnyOptimizer


class OptimizerKind(Kind[UpdateSituation]):
    """A kind of optimizer: a rule for each number by itself."""

    rule: ClassVar[Formula[Any]]
    """From what is given to the weights, and to each slot."""
    shown: ClassVar[Mapping[str, str]]
    """The steps that explain a bound, and what they are."""
    before: ClassVar[Mapping[str, str]]
    """What the rule calls the weights, and each slot, before a step; by the steps that give them
    after it."""
    counted_for_each: ClassVar[Cause | None] = None
    """What is said where every parameter counts as a step, by a kind that counts steps."""
    settings: ClassVar[Mapping[str, AnyOptimizer]]
    """In which a class is tried that somebody wrote."""
    built_in: ClassVar[Mapping[str, Sequence[Any]]]
    """What a class may have for an option that it has no parameter for, the likeliest first."""

    def budgets(
        self, given: UpdateSituation, precision: str, gradient_error: Exact | float = 0.0
    ) -> dict[str, Exact]:
        """Bound the errors of one step; keys `` (the weights) and the slots' names.

        `gradient_error` is what the gradient itself may be off by.
        """
        off = {"gradient": gradient_error} if np.any(gradient_error) else {}
        return self.rule.radii(given, precision, ("", *given.options.slots), off)

    def terms(self, given: UpdateSituation, precision: str, position: tuple[int, ...]) -> Terms:
        """Say what the bound of one number of the weights, or of a slot, is made of."""
        at = self.rule.computation(given, precision)
        return Terms(
            (
                Term("step", given.step, "its number"),
                Term("w", float(given.weights[position]), "the weight before"),
                Term("g", float(given.gradient[position]), "its gradient"),
                *ball_terms(at, self.shown, position),
            ),
            f"{COMPOSED} compare/kinds/{given.options.keyword}, step by step: each rounds, and "
            "passes on what it is given; for each side",
        )
