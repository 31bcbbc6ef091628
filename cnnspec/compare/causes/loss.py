"""Why a loss is wrong: the mean cross-entropy from logits, with the faults that people make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from cnnspec.compare.budget import Exact
from cnnspec.compare.budget_learning import cross_entropy_budgets
from cnnspec.compare.causes.cause import (
    Cause,
    Hypothesis,
    LossSituation,
    Observation,
    Prediction,
    first_cause,
)
from cnnspec.compare.causes.formulas import Computation, Fault, Taken
from cnnspec.compare.causes.loss_faults import DIVISORS, FAULTS, RIGHT, WAYS
from cnnspec.compare.causes.numbers import any_constant, fewer_bits
from cnnspec.compare.causes.rounded import Rounded

SINGLE = [*DIVISORS, *WAYS, *FAULTS]
PAIRS = [
    *(way.beside(divisor) for divisor in DIVISORS for way in WAYS),
    *(fault.beside(other) for other in [*WAYS, *DIVISORS] for fault in FAULTS),
]
STEPS = {"loss": "loss", "grad_logits": "grad"}
"""The step of a computation that gives a quantity."""


def diagnose_loss(observations: list[Observation[LossSituation]]) -> Cause | None:
    """Name the fault that gives a loss, or its gradient, as it was found on every probe.

    Where no number that was found is finite, many faults might have given them: none is named
    but those that overflow on just these logits.
    """
    if not any(np.isfinite(observation.found).any() for observation in observations):
        return _overflow(observations)
    return first_cause(_hypotheses(observations), observations)


def _overflow(observations: list[Observation[LossSituation]]) -> Cause | None:
    """Name the ways that give no finite number on these logits: all that do."""
    taken = _nothing_taken(observations)
    found = [first_cause(iter([_hypothesis(way, taken)]), observations) for way in WAYS]
    by_code = {cause.code: cause for cause in found if cause}
    if len(by_code) < 2:
        return next(iter(by_code.values()), None)
    sentences = "; or ".join(cause.sentence for cause in by_code.values())
    return Cause("overflow", sentences)


def _hypotheses(
    observations: list[Observation[LossSituation]],
) -> Iterator[Hypothesis[LossSituation]]:
    taken = _nothing_taken(observations)
    for fault in [*SINGLE, *PAIRS]:
        yield _hypothesis(fault, taken)
    yield from any_constant(observations)
    yield from fewer_bits(observations, _budget)


def _nothing_taken(observations: list[Observation[LossSituation]]) -> dict[int, Taken]:
    return {id(observation): {} for observation in observations}


def _hypothesis(fault: Fault, taken: Mapping[int, Taken]) -> Hypothesis[LossSituation]:
    def predict(observation: Observation[LossSituation]) -> Prediction:
        situation = observation.situation
        given = {"logits": Rounded(situation.logits), "given_labels": situation.labels}
        computation = Computation(given, RIGHT, fault.steps, taken=taken[id(observation)])
        found: Rounded = getattr(computation, STEPS[observation.quantity])
        shape = observation.wanted.shape
        return found.moved(lambda array: array.reshape(shape)).prediction()

    return Hypothesis(fault.code, fault.sentence, predict)


def _budget(observation: Observation[LossSituation], precision: str) -> Exact:
    situation = observation.situation
    loss, grad = cross_entropy_budgets(situation.logits, situation.labels, precision)
    return {"loss": loss, "grad_logits": grad}[observation.quantity]
