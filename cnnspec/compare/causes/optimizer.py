"""Why an update is wrong: a step of SGD or Adam, with the faults that people make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnnspec.compare.budget import Exact
from cnnspec.compare.budget_learning import OPTIMIZER_BUDGETS
from cnnspec.compare.causes.cause import (
    Cause,
    Hypothesis,
    Observation,
    Prediction,
    UpdateSituation,
    first_cause,
)
from cnnspec.compare.causes.formulas import Computation, Fault, Taken
from cnnspec.compare.causes.numbers import any_constant, fewer_bits
from cnnspec.compare.causes.optimizer_faults import RULES, Rule
from cnnspec.compare.causes.rounded import Rounded


def diagnose_optimizer(observations: list[Observation[UpdateSituation]]) -> Cause | None:
    """Name the fault that gives the weights, or a slot, as they were found in every step.

    Of several quantities together, the one fault that gives them all.
    """
    if not observations:
        return None
    rule = RULES[observations[0].situation.options.keyword]
    return first_cause(_hypotheses(rule, observations), observations)


def _hypotheses(
    rule: Rule, observations: list[Observation[UpdateSituation]]
) -> Iterator[Hypothesis[UpdateSituation]]:
    taken: dict[int, Taken] = {id(observation): {} for observation in observations}
    for fault in [*rule.faults, *rule.pairs]:
        yield _hypothesis(rule, fault, taken)
    if len({observation.quantity for observation in observations}) > 1:
        return
    if observations[0].quantity == "":
        yield from any_constant(observations, _weights, "the step")
    else:
        yield from any_constant(observations)
    yield from fewer_bits(observations, _budget)


def _hypothesis(
    rule: Rule, fault: Fault, taken: Mapping[int, Taken]
) -> Hypothesis[UpdateSituation]:
    def predict(observation: Observation[UpdateSituation]) -> Prediction:
        given, before = rule.given(observation.situation), taken[id(observation)]
        computation = Computation(given, rule.right, fault.steps, taken=before)
        found: Rounded = getattr(computation, rule.quantities[observation.quantity])
        return found.prediction()

    return Hypothesis(fault.code, fault.sentence, predict)


def _weights(observation: Observation[UpdateSituation]) -> Exact:
    return observation.situation.weights


def _budget(observation: Observation[UpdateSituation], precision: str) -> Exact:
    at = observation.situation
    budgets = OPTIMIZER_BUDGETS[at.options.keyword](
        at.options, at.weights, at.slots, at.gradient, at.learning_rate, at.step, precision
    )
    return budgets[observation.quantity]
