"""What the referee knows of the cross-entropy of a softmax."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.compare.fault import Cause, LossSituation, Observation, first_cause
from cnnspec.compare.kinds.cross_entropy.bounds import (
    cross_entropy_budgets,
    cross_entropy_errors,
    softmax_terms,
)
from cnnspec.compare.kinds.cross_entropy.faults import FAULTS, HELP, WAYS
from cnnspec.compare.kinds.kind import COMPOSED, Term, Terms
from cnnspec.compare.kinds.loss import LossKind
from cnnspec.numerics.budget import Exact


class CrossEntropyKind(LossKind):
    """The mean of log(sum(exp(z))) - z[label] over the images."""

    faults = FAULTS
    help = HELP

    def budgets(self, logits: Exact, labels: Labels, precision: str) -> tuple[Exact, Exact]:
        return cross_entropy_budgets(logits, labels, precision)

    def carried(
        self, logits: Exact, labels: Labels, off: Exact, precision: str
    ) -> tuple[float, Exact]:
        return cross_entropy_errors(logits, labels, off, precision)

    def overflow(self, observations: Sequence[Observation[LossSituation]]) -> Cause | None:
        """Name the ways that give no finite number on these logits: all that do."""
        found = [first_cause([way], list(observations), self.help) for way in WAYS]
        by_code = {cause.code: cause for cause in found if cause}
        if len(by_code) < 2:
            return next(iter(by_code.values()), None)
        sentences = "; or ".join(cause.sentence for cause in by_code.values())
        return Cause("overflow", sentences)

    def terms(
        self,
        logits: Exact,
        labels: Labels,
        precision: str,
        quantity: str,
        position: tuple[int, ...],
    ) -> Terms:
        at = softmax_terms(logits, labels, precision)
        n = len(logits)
        terms = [Term("n", n, "images"), Term("classes", logits.shape[1], "terms of each sum")]
        if quantity == "loss":
            terms += [
                Term("losses", float(np.mean(at.losses)), "mean size of an image's terms"),
                Term("errors", float(np.mean(at.errors)), "mean of what a loss may be off by"),
            ]
            return Terms(
                terms,
                f"{COMPOSED} compare/kinds/cross_entropy: 2 (errors + gamma_(n + 1) (losses + "
                "errors)), for each side",
            )
        image, of_class = position
        terms += [
            Term("|d|", float(abs(at.d[image, of_class])), "the logit below the greatest"),
            Term("p", float(at.p[image, of_class]), "the softmax"),
            Term("log s", float(at.log_s[image, 0]), "s: the sum of exp(d)"),
            Term("r", float(at.r[image, 0]), "by how much s may be off, relatively"),
        ]
        return Terms(
            terms,
            f"{COMPOSED} compare/kinds/cross_entropy: 2 p (u (2 |d| + 9 (log s + 1)) + r) / n, "
            "and three roundings, for each side",
        )
