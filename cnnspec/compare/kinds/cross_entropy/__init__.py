"""What the referee knows of the cross-entropy of a softmax."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cnnspec.compare.faults.fault import Fault, LossSituation, Observation, first_cause
from cnnspec.compare.kinds.cross_entropy.carried import gradient_error, loss_error
from cnnspec.compare.kinds.cross_entropy.faults import FAULTS, HELP, WAYS, two_faults
from cnnspec.compare.kinds.cross_entropy.formula import MEAN
from cnnspec.compare.kinds.kind import Term
from cnnspec.compare.kinds.loss import LossKind
from cnnspec.compare.verdict import Cause
from cnnspec.numerics import Ball, Exact
from cnnspec.numerics.formula import Computation


class CrossEntropyKind(LossKind):
    """The mean of log(sum(exp(z))) - z[label] over the images."""

    formula = MEAN
    faults = FAULTS
    help = HELP
    guards = frozenset({"clipped", "eps-in-log"})
    shown = {  # noqa: RUF012
        "d": "the logit below the greatest",
        "total": "the sum of exp(d)",
        "p": "the softmax",
    }

    def two_faults(
        self, observations: Sequence[Observation[LossSituation]]
    ) -> Iterator[Fault[LossSituation]]:
        return two_faults(min(observations, key=lambda at: at.situation.numbers))

    def carried(self, situation: LossSituation, off: Exact) -> tuple[float, Exact]:
        return loss_error(off), gradient_error(situation.logits, off)

    def terms_of_loss(self, at: Computation) -> list[Term]:
        losses: Ball = at.terms
        return [
            Term("losses", float(np.mean(losses.value)), "mean loss of an image"),
            Term("errors", float(np.mean(losses.radius)), "mean of what a loss may be off by"),
        ]

    def overflow(self, observations: Sequence[Observation[LossSituation]]) -> Cause | None:
        """Name the ways that give no finite number on these logits: all that do."""
        found = [first_cause([way], list(observations), self.help) for way in WAYS]
        by_code = {cause.code: cause for cause in found if cause}
        if len(by_code) < 2:
            return next(iter(by_code.values()), None)
        sentences = "; or ".join(cause.sentence for cause in by_code.values())
        return Cause("overflow", sentences, self.help["overflow"])
