"""Grading a loss: ordinary logits, and extreme ones, which overflow a naive softmax, apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cnnspec.backends import loops
from cnnspec.backends.network import Labels
from cnnspec.compare.causes import diagnose_loss
from cnnspec.compare.check.grading.grader import TWO, Grader
from cnnspec.compare.check.grading.judged import Judged
from cnnspec.compare.check.grading.known import KEPT, first_call_only, works_alone
from cnnspec.compare.check.grading.precision import in_its_precision
from cnnspec.compare.check.grading.state import CHANGES_INPUT, kept_apart, repeated
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.records import CheckFinding
from cnnspec.compare.faults.fault import LossSituation, Observation
from cnnspec.compare.kinds import LOSSES
from cnnspec.compare.verdict import Cause
from cnnspec.numerics.budget import Exact
from cnnspec.spec.section import Kind
from cnnspec.trace import Array

QUANTITIES = {"loss": "forward", "grad_logits": "backward"}
"""What a loss gives, and by which of its methods."""

OWN = {"own input": ("", "after_x"), "own labels": ("given_labels", "after_labels")}
"""What it is given, and under which names that is known before and after; the logits are its own
batch's."""

Batch = tuple[str, Exact, Labels]
"""The name of a probe, logits and labels."""


class LossGrader(Grader):
    """Batches of one kind of logits, and what is right for them."""

    quantities = tuple(QUANTITIES)

    def __init__(self, options: Kind, name: str, key: str, batches: Sequence[Batch]) -> None:
        """`key` is that under which the process knows the setting."""
        self._options, self.name, self.key = options, name, key
        self.batches = {f"{key}-{batch[0]}": batch for batch in batches}
        self.first = batches[0][0]

    def unreached(self) -> list[CheckFinding]:
        """Return what would have been looked at."""
        return [self.unreached_as(name) for name in (*QUANTITIES, *OWN, self.again, TWO)]

    def judged(self, results: Results) -> Iterator[Judged]:
        """Yield what is right and what is wrong in the loss and its gradient."""
        found = {key: results.arrays(key) for key in self.batches}
        for quantity in QUANTITIES:
            yield self._quantity(quantity, found, results)
        reached = any(found.values())
        for quantity, (before, after) in OWN.items():
            changed = any(
                after in arrays
                and not np.array_equal(arrays.get(before, self.batches[key][1]), arrays[after])
                for key, arrays in found.items()
            )
            cause = CHANGES_INPUT if changed else None
            ok = reached and not changed
            yield Judged(CheckFinding(self.name, quantity, ok, reached or changed, cause=cause))
        yield Judged(repeated(self, self.key, results))
        yield Judged(kept_apart(self, self.key, results))

    def _quantity(
        self, quantity: str, found: Mapping[str, Mapping[str, Array]], results: Results
    ) -> Judged:
        finding, stage = self.unreached_as(quantity), QUANTITIES[quantity]
        stages = ("construct", "forward") if quantity == "loss" else (stage,)
        for key, arrays in found.items():
            name = self.batches[key][0]
            for each in stages:
                if error := results.error(key, each):
                    # What raises on the first raises on any.
                    probe = "" if name == self.first else f"{name}: "
                    alone = works_alone(self.key, name, each, results)
                    return Judged(self.failed(quantity, each, f"{probe}{error}{alone}"))
            if unfit := results.unfit(key).get(quantity):
                return Judged(self.failed(quantity, "", f"is {unfit}"))
            if quantity not in arrays:
                return Judged(finding)
        seen = {
            key: self._observed(key, quantity, arrays[quantity]) for key, arrays in found.items()
        }
        judged = Judged.of(finding, [*seen.values()])
        if judged.finding.ok:
            return judged
        kind = LOSSES[self._options.keyword]
        return in_its_precision(
            judged.known_as(self._known(quantity, seen, results)),
            lambda precision: [
                kind.budgets(observed.situation, precision)[quantity] for observed in seen.values()
            ],
            results.precisions(),
            diagnose_loss,
        )

    def _known(
        self,
        quantity: str,
        seen: Mapping[str, Observation[LossSituation]],
        results: Results,
    ) -> Cause | None:
        """Name what the same batch tells as the first that an object sees."""
        alone = results.arrays(f"{self.key}-first")
        key = f"{self.key}-{results.said(self.key, 'repeated')}"
        if quantity not in alone or self.batches[key][0] == self.first:
            return None
        observed = self._observed(key, quantity, alone[quantity])
        return KEPT if first_call_only(seen[key], observed) else None

    def _observed(self, key: str, quantity: str, found: Array) -> Observation[LossSituation]:
        name, logits, labels = self.batches[key]
        right = loops.LOSSES[self._options.keyword](logits, labels)
        truth = dict(zip(QUANTITIES, map(np.asarray, right)))
        given = LossSituation(self._options, name, logits, labels)
        bounds = LOSSES[self._options.keyword].budgets(given, "float64")
        if quantity == "loss" and found.size == 1:
            found = found.reshape(())
        return Observation(
            given,
            quantity,
            found,
            truth[quantity],
            2 * bounds[quantity],
        )
