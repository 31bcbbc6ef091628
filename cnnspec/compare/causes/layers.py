"""Why a quantity of a layer is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from cnnspec.compare.budget import Exact, unit_roundoff
from cnnspec.compare.causes.accumulated import accumulated
from cnnspec.compare.causes.batch_norm import of_batch_norm
from cnnspec.compare.causes.cause import (
    Cause,
    Hypothesis,
    LayerSituation,
    Observation,
    first_cause,
)
from cnnspec.compare.causes.conv import of_conv, of_linear
from cnnspec.compare.causes.convolution import Convolution
from cnnspec.compare.causes.elementwise import of_flatten, of_relu
from cnnspec.compare.causes.layout import other_layouts
from cnnspec.compare.causes.left_out import outputs_left_out, windows_missing
from cnnspec.compare.causes.numbers import any_constant, fewer_bits, whole_numbers
from cnnspec.compare.causes.penalty import penalty
from cnnspec.compare.causes.pool import of_pool, right_pool
from cnnspec.compare.causes.scales import named_scales
from cnnspec.compare.causes.shapes import wrong_shape

Observed = Observation[LayerSituation]
Hypotheses = Callable[[list[Observed]], Iterator[Hypothesis[LayerSituation]]]

OF_KIND: dict[str, Hypotheses] = {
    "conv": of_conv,
    "linear": of_linear,
    "pool": of_pool,
    "relu": of_relu,
    "flatten": of_flatten,
    "batch_norm": of_batch_norm,
}
"""The faults that each kind has of its own."""


def diagnose_layer(observations: list[Observed]) -> Cause | None:
    """Name the first fault that gives a quantity of a layer as it was found on every probe."""
    observations = [_with_right_budget(observation) for observation in observations]
    if not any(np.isfinite(observation.found).any() for observation in observations):
        # Many faults might have given that; a wrong shape is one by itself.
        return first_cause(wrong_shape(observations), observations)
    return first_cause(_hypotheses(observations), observations)


def _hypotheses(observations: list[Observed]) -> Iterator[Hypothesis[LayerSituation]]:
    yield from named_scales(observations)
    if observations[0].situation.at.kind in ("conv", "pool"):
        yield from windows_missing(observations)
    yield from OF_KIND[observations[0].situation.at.kind](observations)
    yield from other_layouts(observations)
    if observations[0].situation.at.kind in ("conv", "pool"):
        yield from outputs_left_out(observations)
    yield from accumulated(observations)
    yield from penalty(observations)
    yield from whole_numbers(observations)
    yield from any_constant(observations)
    yield from fewer_bits(observations, _coarser)
    yield from wrong_shape(observations)


def _with_right_budget(observation: Observed) -> Observed:
    """Take the budget of the right computation, where the faulty one's is smaller.

    A side's own budget is of the smaller of two sums: a fault must not widen it. Here what
    is right is known, and its transforms are bounded by its own sums.
    """
    found = observation.found
    budget = _right_budget(observation)
    if budget is None:
        return replace(observation, found=np.asarray(found, np.float64))
    return replace(
        observation,
        found=np.asarray(found, np.float64),
        budget=np.fmax(observation.budget, budget),
    )


def _right_budget(observation: Observed) -> Exact | None:
    """Return the budget of the right computation; None where the given one is the right one's."""
    situation, quantity = observation.situation, observation.quantity
    if situation.at.kind in ("conv", "linear"):
        return Convolution.of(situation).predict(quantity).budget
    if situation.at.kind == "pool":
        return right_pool(observation).budget
    return None


def _coarser(observation: Observed, precision: str) -> Exact:
    """Bound the errors in a lower precision: budgets are proportional to u, but for underflow."""
    ratio = unit_roundoff(precision) / unit_roundoff("float64")
    of_value = unit_roundoff(precision) * np.abs(observation.wanted)
    return ratio * observation.budget + of_value + float(np.finfo(precision).tiny)
