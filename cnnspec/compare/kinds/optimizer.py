"""What the referee knows of a kind of optimizer."""

from __future__ import annotations

from cnnspec.compare.fault import UpdateSituation
from cnnspec.compare.kinds.kind import Kind, Terms
from cnnspec.numerics.budget import Exact


class OptimizerKind(Kind[UpdateSituation]):
    """A kind of optimizer: a rule for each number by itself."""

    def budgets(
        self, given: UpdateSituation, precision: str, gradient_error: Exact | float = 0.0
    ) -> dict[str, Exact]:
        """Bound the errors of one step; keys `` (the weights) and the slots' names.

        `gradient_error` is what the gradient itself may be off by.
        """
        raise NotImplementedError

    def terms(
        self, given: UpdateSituation, precision: str, quantity: str, position: tuple[int, ...]
    ) -> Terms:
        """Say what the bound of one number of the weights, or of a slot, is made of."""
        raise NotImplementedError
