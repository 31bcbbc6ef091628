"""Why an update is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.compare.causes.help import HELP
from cnnspec.compare.causes.numbers import any_constant, fewer_bits
from cnnspec.compare.faults.fault import Fault, Observation, UpdateSituation, first_cause
from cnnspec.compare.kinds import OPTIMIZERS
from cnnspec.compare.kinds.many_steps import over_many
from cnnspec.compare.verdict import Cause
from cnnspec.numerics.budget import Exact

Observed = Observation[UpdateSituation]


def diagnose_optimizer(observations: list[Observed]) -> Cause | None:
    """Name the fault that gives the weights, or a slot, as they were found in every step.

    Of several quantities together, the one fault that gives them all.
    """
    if not observations:
        return None
    kind = OPTIMIZERS[observations[0].situation.options.keyword]
    return first_cause(_suspected(observations), observations, {**HELP, **kind.help})


def diagnose_many(
    observations: list[Observed],
    *,
    two: bool = True,
    elsewhere: Sequence[Sequence[Observed]] = (),
) -> Cause | None:
    """Name the fault, or two, that give the weights after each of many steps as they were found.

    The gradient of each situation has a row for each step. What was found `elsewhere`, in other
    settings, must not contradict it.
    """
    kind = OPTIMIZERS[observations[0].situation.options.keyword]
    suspected = (fault for fault in kind.suspected(observations) if two or not fault.besides)
    faults = (over_many(kind, fault) for fault in suspected)
    return first_cause(faults, observations, {**HELP, **kind.help}, elsewhere)


def _suspected(observations: list[Observed]) -> Iterator[Fault[UpdateSituation]]:
    yield from OPTIMIZERS[observations[0].situation.options.keyword].suspected(observations)
    if len({observation.quantity for observation in observations}) > 1:
        return
    if observations[0].quantity == "":
        yield from any_constant(observations, _weights, "the step")
    else:
        yield from any_constant(observations)
    yield from fewer_bits(observations, _budget)


def _weights(observation: Observed) -> Exact:
    return observation.situation.weights


def _budget(observation: Observed, precision: str) -> Exact:
    given = observation.situation
    return OPTIMIZERS[given.options.keyword].budgets(given, precision)[observation.quantity]
