"""Judgement: which side is wrong, and why.

Every quantity that two sides do not agree on is asked of a third judge, on the same probes.
A side is wrong where it is further from the judge than rounding explains; then the closed
list of causes is tried on what it gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from cnnspec.address import LOSS, OPTIMIZER, STEP, Address
from cnnspec.backends.raised import cannot
from cnnspec.compare.causes import diagnose_layer, diagnose_loss, diagnose_optimizer
from cnnspec.compare.causes.help import known_cause
from cnnspec.compare.faults.fault import Observation
from cnnspec.compare.judging.judge import Judge, judge_of
from cnnspec.compare.judging.observe import (
    Observations,
    observe_layer,
    observe_loss,
    observe_optimizer,
    observe_prediction,
)
from cnnspec.compare.judging.own_faults import WHOLE_IS_NOT_ITS_PARTS, own_cause, precision_causes
from cnnspec.compare.judging.rules import sorted_out
from cnnspec.compare.replay.probes import Probes
from cnnspec.compare.sides.choice import BOTH
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.verdict import Cause, Comparison, Consequence, Finding
from cnnspec.compare.verdict.quantities import OWN_INPUT, OWN_WEIGHTS, is_of, source_of
from cnnspec.plan import Plan


class _Judged(NamedTuple):
    wrong_side: str | None = None
    """A side's label, BOTH, or None: cannot tell."""
    judge: str | None = None
    causes: Mapping[str, Cause] = {}


def findings_of(
    isolation: Isolation, comparisons: Sequence[Comparison], probes: Probes
) -> tuple[tuple[Finding, ...], tuple[Consequence, ...]]:
    """Return every quantity that rounding does not explain, each judged, and what only follows.

    Where two sides are different functions comes first, then where a side is not its own
    parts, then where one loses precision; each in the order of the network.
    """
    beyond = [found for found in comparisons if not found.ok]
    if not beyond:
        return (), ()
    found = sorted_out(beyond)
    judgement, plan = _Judgement(isolation, probes), isolation.plan
    of_own = [_finding(plan, own, _guarded(judgement.of_own, own)) for own in found.own]
    of_pair = [_finding(plan, apart, _guarded(judgement.of_pair, apart)) for apart in found.apart]
    lost = judgement.of_precision(found.lost)
    findings = (
        *(_with_own_cause(finding, of_own) for finding in of_pair),
        *of_own,
        *(_finding(plan, found, judged) for found, judged in lost.items()),
    )
    return findings, found.follows


def _guarded(judge: Callable[[Comparison], _Judged], found: Comparison) -> _Judged:
    """Judge; a side that fails on what it is asked anew leaves it open."""
    try:
        return judge(found)
    except Exception as error:  # a faulty layer raises whatever it likes
        why = cannot(error)
        if why is None:
            raise
        return _Judged(judge=f"a side fails when it is asked again: {why}")


def _with_own_cause(finding: Finding, own: Sequence[Finding]) -> Finding:
    """Return a finding whose cause is not known with that of what its side does to itself.

    A layer that changes its weights in the midst of a pass gives what no list can foresee.
    """
    causes = {
        side: other.cause
        for other in own
        for side in other.sides
        if other.address == finding.address
        and other.quantity in (OWN_WEIGHTS, OWN_INPUT)
        and other.cause
        and finding.wrong_side in (side, BOTH)
    }
    return replace(finding, causes=causes | dict(finding.causes))


def _finding(plan: Plan, found: Comparison, judged: _Judged) -> Finding:
    where = (found.address, found.quantity, found.precision, found.sides)
    source = source_of(plan, found.address, found.quantity)
    judgement = judged.wrong_side, judged.judge, dict(judged.causes)
    return Finding(*where, found, *judgement, source=source)


class _Judgement:
    """A judge, and what was shown to it so far."""

    def __init__(self, isolation: Isolation, probes: Probes) -> None:
        self._isolation, self._probes = isolation, probes
        self._judge = judge_of(isolation)
        self._observed: dict[Address, Observations] = {}

    def of_pair(self, found: Comparison) -> _Judged:
        """Judge a quantity on which the two sides do not agree."""
        if self._judge is None:
            return _Judged(judge="there is no third implementation here to judge")
        observed = self._of_layer(self._judge, found.address)
        by_side = {
            label: by_quantity[found.quantity]
            for label, by_quantity in observed.items()
            if by_quantity.get(found.quantity)
        }
        if len(by_side) < 2:
            return _Judged(judge="no probe is small enough for the judge, or a side fails on it")
        trusted = self._trusted(self._judge, found)
        if trusted is None:
            return _Judged(judge=f"{self._judge.words} and central differences do not agree")
        wrong = [
            label
            for label, observations in by_side.items()
            if not all(at.right for at in observations)
        ]
        if not wrong:
            return _Judged(judge=trusted)
        causes = {label: self._cause(found, observed[label]) for label in wrong}
        known = {label: cause for label, cause in causes.items() if cause}
        return _Judged(BOTH if len(wrong) == 2 else wrong[0], trusted, known)

    def _cause(
        self, found: Comparison, observed: Mapping[str, list[Observation[Any]]]
    ) -> Cause | None:
        """Name the cause; of an optimizer, first one that explains the parameter and its slots."""
        if found.address == OPTIMIZER:
            (parameter,) = (
                name for name in self._isolation.plan.parameters if is_of(found.quantity, name)
            )
            together = [name for name in observed if is_of(name, parameter)]
            cause = diagnose_optimizer([at for name in together for at in observed[name]])
            if cause:
                return cause
        return _diagnosed(found.address, observed[found.quantity])

    def _of_layer(self, judge: Judge, at: Address) -> Observations:
        if at not in self._observed:
            if at == LOSS:
                self._observed[at] = observe_loss(self._isolation, judge, self._probes)
            elif at == OPTIMIZER:
                self._observed[at] = observe_optimizer(self._isolation, judge)
            elif at == STEP:
                self._observed[at] = observe_prediction(self._isolation, judge, self._probes)
            else:
                probes = self._probes.of(at)
                self._observed[at] = observe_layer(self._isolation, judge, probes)
        return self._observed[at]

    def _trusted(self, judge: Judge, found: Comparison) -> str | None:
        """Say what the judgement rests on; None where the judge contradicts itself."""
        if not found.quantity.startswith("grad_") or found.address == LOSS:
            return judge.words
        probes = self._probes.of(found.address)
        return judge.checked_by_differences(probes, found.quantity)

    def of_own(self, found: Comparison) -> _Judged:
        """Judge a quantity in which a side is not what its own parts are."""
        cause = own_cause(self._isolation, self._probes, found)
        (side,) = found.sides
        causes = {side: cause} if cause else {}
        return _Judged(side, "its own parts, each alone", causes)

    def of_precision(self, lost: Sequence[Comparison]) -> dict[Comparison, _Judged]:
        """Judge where a side is further from its float64 than its precision explains."""
        causes = precision_causes(self._isolation, self._probes, lost)
        return {
            found: _Judged(
                side, "its own float64", {side: causes[found]} if found in causes else {}
            )
            for found in lost
            for side in found.sides
        }


_DIAGNOSES: dict[Address, Callable[[list[Observation[Any]]], Cause | None]] = {
    LOSS: diagnose_loss,
    OPTIMIZER: diagnose_optimizer,
}


def _diagnosed(at: Address, observations: list[Observation[Any]]) -> Cause | None:
    if at == STEP:
        return known_cause(*WHOLE_IS_NOT_ITS_PARTS)
    if all(np.size(seen.found) == 0 < np.size(seen.wanted) for seen in observations):
        return known_cause("missing", "the layer gives no such array")
    return _DIAGNOSES.get(at, diagnose_layer)(observations)
