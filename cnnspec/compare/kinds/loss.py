"""What the referee knows of a kind of loss."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.backends.network import Labels
from cnnspec.compare.fault import Cause, LossSituation, Observation
from cnnspec.compare.kinds.kind import Kind, Terms
from cnnspec.numerics.budget import Exact


class LossKind(Kind[LossSituation]):
    """A kind of loss: a mean over the batch, and its gradient (`loss`, `grad_logits`)."""

    def budgets(self, logits: Exact, labels: Labels, precision: str) -> tuple[Exact, Exact]:
        """Bound the errors of the loss and of its gradient."""
        raise NotImplementedError

    def carried(
        self, logits: Exact, labels: Labels, off: Exact, precision: str
    ) -> tuple[float, Exact]:
        """Bound the errors of the loss of logits that are off, and of its gradient."""
        raise NotImplementedError

    def terms(
        self,
        logits: Exact,
        labels: Labels,
        precision: str,
        quantity: str,
        position: tuple[int, ...],
    ) -> Terms:
        """Say what the bound of one number is made of."""
        raise NotImplementedError

    def overflow(self, observations: Sequence[Observation[LossSituation]]) -> Cause | None:
        """Name what gives no finite number on any of these logits, where something does."""
        return None
