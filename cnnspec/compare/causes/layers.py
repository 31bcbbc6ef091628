"""Why a quantity of a layer is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from cnnspec.compare.causes.accumulated import accumulated
from cnnspec.compare.causes.activations import activations
from cnnspec.compare.causes.confused import confused
from cnnspec.compare.causes.factors import of_one_mistake, of_two_mistakes
from cnnspec.compare.causes.help import HELP
from cnnspec.compare.causes.layout import other_layouts
from cnnspec.compare.causes.left_out import numbers_left_out, windows_missing
from cnnspec.compare.causes.numbers import (
    any_constant,
    clipped,
    fewer_bits,
    rounded,
    whole_numbers,
)
from cnnspec.compare.causes.pairs import two_faults
from cnnspec.compare.causes.penalty import penalty
from cnnspec.compare.causes.scales import named_scales, nothing_but_zeros
from cnnspec.compare.causes.shapes import wrong_shape
from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, first_cause
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.verdict import Cause
from cnnspec.numerics.budget import Exact, unit_roundoff

Observed = Observation[LayerSituation]


def diagnose_layer(
    observations: list[Observed],
    *,
    two: bool = True,
    elsewhere: Sequence[Sequence[Observed]] = (),
) -> Cause | None:
    """Name the first fault that gives a quantity of a layer as it was found on every probe.

    Where there is none, that may be `two` faults. What was found `elsewhere`, in other settings,
    must not contradict it.
    """
    observations = [_with_right_budget(observation) for observation in observations]
    elsewhere = [[*map(_with_right_budget, setting)] for setting in elsewhere]
    what_to_do = {**HELP, **LAYERS[observations[0].situation.at.kind].help}
    if not any(np.isfinite(observation.found).any() for observation in observations):
        # Many faults might have given that; a wrong shape is one by itself.
        return first_cause(wrong_shape(observations, elsewhere), observations, what_to_do)
    found = first_cause(_suspected(observations), observations, what_to_do, elsewhere)
    if found is None and two:
        pairs = two_faults(observations, [*_common(observations)])
        found = first_cause(pairs, observations, what_to_do, elsewhere)
    return found or first_cause(wrong_shape(observations, elsewhere), observations, what_to_do)


def _suspected(observations: list[Observed]) -> Iterator[Fault[LayerSituation]]:
    at = observations[0].situation.at
    kind = LAYERS[at.kind]
    yield from (fault for fault in kind.factors if fault.spoils(observations[0].quantity))
    yield from named_scales(observations, [of_one_mistake])
    yield from nothing_but_zeros(observations)
    yield from _common(observations)
    yield from accumulated(observations)
    yield from penalty(observations)
    yield from whole_numbers(observations)
    yield from clipped(observations)
    yield from rounded(observations)
    yield from named_scales(observations, [of_two_mistakes])
    yield from activations(observations)
    yield from confused(observations)
    yield from any_constant(observations)
    if observations[0].precision == "float64":
        yield from fewer_bits(observations, _coarser)


def _common(observations: list[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Yield faults that may be made together with others."""
    at = observations[0].situation.at
    kind = LAYERS[at.kind]
    if kind.windows(at):
        yield from windows_missing(observations)
    yield from kind.suspected(observations)
    yield from other_layouts(observations)
    yield from numbers_left_out(observations)


def _with_right_budget(observation: Observed) -> Observed:
    """Take the budget of the right computation, where the faulty one's is smaller.

    A side's own budget is of the smaller of two sums: a fault must not widen it. Here what
    is right is known, and its transforms are bounded by its own sums.
    """
    found = np.asarray(observation.found, np.float64)
    right = LAYERS[observation.situation.at.kind].right(observation)
    if right is None:
        return replace(observation, found=found)
    budget = np.fmax(observation.budget, right.budget)
    return replace(observation, found=found, budget=budget)


def _coarser(observation: Observed, precision: str) -> Exact:
    """Bound the errors in a lower precision: budgets are proportional to u, but for underflow."""
    ratio = unit_roundoff(precision) / unit_roundoff("float64")
    of_value = unit_roundoff(precision) * np.abs(observation.wanted)
    return ratio * observation.budget + of_value + float(np.finfo(precision).tiny)
