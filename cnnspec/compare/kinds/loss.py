"""What the referee knows of a kind of loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from cnnspec.compare.faults.fault import Fault, LossSituation, Observation
from cnnspec.compare.faults.formula import Formula
from cnnspec.compare.kinds.kind import COMPOSED, Kind, Term, Terms, ball_terms
from cnnspec.compare.verdict import Cause
from cnnspec.compare.verdict.quantities import OF_LOSS
from cnnspec.numerics import Exact
from cnnspec.numerics.formula import Computation


class LossKind(Kind[LossSituation]):
    """A kind of loss of a batch."""

    formula: ClassVar[Formula[Any]]
    """From logits and labels to the loss and its gradient."""
    shown: ClassVar[Mapping[str, str]]
    """The steps that explain the bound of a gradient, and what they are."""
    guards: ClassVar[frozenset[str]] = frozenset()
    """Causes that are no faults where probabilities are taken, which may be 0."""

    def two_faults(
        self, observations: Sequence[Observation[LossSituation]]
    ) -> Iterator[Fault[LossSituation]]:
        """Yield two faults at once, looked for where none explains by itself what was found."""
        return iter(())

    def budgets(self, situation: LossSituation, precision: str) -> dict[str, Exact]:
        """Bound the errors of the loss and of its gradient."""
        found = self.formula.radii(situation, precision, OF_LOSS)
        shapes = {"loss": (), "grad_logits": situation.logits.shape}
        return {name: radius.reshape(shapes[name]) for name, radius in found.items()}

    def carried(self, situation: LossSituation, off: Exact) -> tuple[float, Exact]:
        """Bound what logits that are off make of the loss and of its gradient."""
        raise NotImplementedError

    def errors(self, situation: LossSituation, off: Exact, precision: str) -> tuple[float, Exact]:
        """Bound the errors of the loss of logits that are off, and of its gradient."""
        own, (loss, grad) = self.budgets(situation, precision), self.carried(situation, off)
        return loss + float(own["loss"]), grad + own["grad_logits"]

    def terms(
        self, situation: LossSituation, precision: str, quantity: str, position: tuple[int, ...]
    ) -> Terms:
        """Say what the bound of one number is made of."""
        at = self.formula.computation(situation, precision)
        images, classes = situation.logits.shape
        own = self.terms_of_loss(at) if quantity == "loss" else ball_terms(at, self.shown, position)
        return Terms(
            (Term("n", images, "images"), Term("classes", classes, "terms of each sum"), *own),
            f"{COMPOSED} compare/kinds, step by step: each rounds, and passes on what it is "
            "given; for each side",
        )

    def terms_of_loss(self, at: Computation) -> list[Term]:
        """Say what the bound of the loss itself is made of."""
        raise NotImplementedError

    def overflow(self, observations: Sequence[Observation[LossSituation]]) -> Cause | None:
        """Name what gives no finite number on any of these logits, where something does."""
        return None
