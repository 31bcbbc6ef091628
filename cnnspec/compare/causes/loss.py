"""Why a loss is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from cnnspec.compare.causes.help import HELP
from cnnspec.compare.causes.numbers import any_constant, fewer_bits
from cnnspec.compare.faults.fault import Fault, LossSituation, Observation, first_cause
from cnnspec.compare.kinds import LOSSES
from cnnspec.compare.verdict import Cause
from cnnspec.numerics.budget import Exact

Observed = Observation[LossSituation]


def diagnose_loss(
    observations: list[Observed],
    *,
    two: bool = True,
    elsewhere: Sequence[Sequence[Observed]] = (),
) -> Cause | None:
    """Name the fault that gives a loss, or its gradient, as it was found on every probe.

    Where there is none, that may be `two` faults. Where no number that was found is finite, many
    faults might have given them: none is named but those that overflow on just these logits. What
    was found `elsewhere`, in other settings, must not contradict it.
    """
    kind = LOSSES[observations[0].situation.options.keyword]
    if not any(np.isfinite(observation.found).any() for observation in observations):
        return kind.overflow(observations)
    what_to_do = {**HELP, **kind.help}
    suspected = _suspected(observations)
    if two:
        suspected = chain(suspected, kind.two_faults(observations))
    return first_cause(suspected, observations, what_to_do, elsewhere)


def _suspected(observations: list[Observed]) -> Iterator[Fault[LossSituation]]:
    yield from LOSSES[observations[0].situation.options.keyword].suspected(observations)
    yield from any_constant(observations)
    if observations[0].precision == "float64":
        yield from fewer_bits(observations, _budget)


def _budget(observation: Observed, precision: str) -> Exact:
    given = observation.situation
    return LOSSES[given.options.keyword].budgets(given, precision)[observation.quantity]
