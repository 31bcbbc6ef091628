"""Grading a loss: ordinary logits, and extreme ones, which overflow a naive softmax, apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from cnnspec.backends import loops
from cnnspec.backends.network import Labels
from cnnspec.compare.causes import diagnose_loss
from cnnspec.compare.check.grading.judged import Judged
from cnnspec.compare.check.grading.precision import in_its_precision
from cnnspec.compare.check.grading.state import CHANGES_INPUT
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.records import CheckFinding
from cnnspec.compare.faults.fault import LossSituation, Observation
from cnnspec.compare.kinds import LOSSES
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


class LossGrader:
    """Batches of one kind of logits, and what is right for them."""

    def __init__(self, options: Kind, setting: str, batches: Mapping[str, Batch]) -> None:
        """`batches` are by the key under which the process knows them."""
        self._options, self.setting, self.batches = options, setting, batches

    def unreached(self) -> list[CheckFinding]:
        """Return what would have been looked at."""
        names = (*QUANTITIES, *OWN)
        return [CheckFinding(self.setting, name, False, reached=False) for name in names]

    def judged(self, results: Results) -> Iterator[Judged]:
        """Yield what is right and what is wrong in the loss and its gradient."""
        found = {key: results.arrays(key) for key in self.batches}
        for finding in self.unreached()[: len(QUANTITIES)]:
            yield self._quantity(finding, found, results)
        reached = any(found.values())
        for quantity, (before, after) in OWN.items():
            changed = any(
                after in arrays
                and not np.array_equal(arrays.get(before, self.batches[key][1]), arrays[after])
                for key, arrays in found.items()
            )
            cause = CHANGES_INPUT if changed else None
            ok = reached and not changed
            yield Judged(CheckFinding(self.setting, quantity, ok, reached or changed, cause=cause))

    def _quantity(
        self, finding: CheckFinding, found: Mapping[str, Mapping[str, Array]], results: Results
    ) -> Judged:
        quantity, stage = finding.quantity, QUANTITIES[finding.quantity]
        stages = ("construct", "forward") if quantity == "loss" else (stage,)
        first = next(iter(found))  # what raises there raises on any
        for key, arrays in found.items():
            for each in stages:
                if error := results.error(key, each):
                    probe = "" if key == first else f"{self.batches[key][0]}: "
                    return Judged(_failed(finding, probe + error, each))
            if unfit := results.unfit(key).get(quantity):
                return Judged(_failed(finding, f"is {unfit}"))
            if quantity not in arrays:
                return Judged(finding)
        observed = [
            self._observed(key, quantity, arrays[quantity]) for key, arrays in found.items()
        ]
        kind = LOSSES[self._options.keyword]
        return in_its_precision(
            Judged.of(finding, observed),
            lambda precision: [kind.budgets(o.situation, precision)[quantity] for o in observed],
            results.precisions(),
            diagnose_loss,
        )

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


def _failed(finding: CheckFinding, message: str, stage: str = "") -> CheckFinding:
    return CheckFinding(finding.setting, finding.quantity, False, stage=stage, message=message)
