"""A constant factor: which one, and which sizes of the problem it is made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence, Set
from fractions import Fraction
from functools import partial

import numpy as np

from cnnspec.compare.causes.factors import (
    BATCH,
    Factors,
    Sizes,
    of_one_mistake,
    of_two_mistakes,
    shared,
)
from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction, transformed
from cnnspec.compare.kinds import LAYERS

Observed = Observation[LayerSituation]

CLOSE = {"float64": 1e-6, "float32": 1e-3}
"""How close an estimate must come for a factor to be tried: no tolerance, only a first look."""

LARGEST = 10**6
"""The greatest number below the stroke of a fraction that is shown."""


def named_scales(
    observations: Sequence[Observed],
    ways: Sequence[Callable[[Sizes], Factors]] = (of_one_mistake, of_two_mistakes),
) -> Iterator[Fault[LayerSituation]]:
    """Suppose a factor that sizes of the problem make: first by one mistake, then by two.

    Each probe has a batch and an image of its own size, so that few factors are equal on
    all of them; those that are, are all named.
    """
    estimates = [_estimate(observation) for observation in observations]
    if any(estimate is not None and math.isnan(estimate) for estimate in estimates):
        return
    problems: list[Sizes] = [sizes_of(observation.situation) for observation in observations]
    names = shared(problems)
    problems = [_only(names, sizes) for sizes in problems]
    for factors_of in ways:
        by_sizes = {tuple(sizes.items()): sizes for sizes in problems}
        made = {key: factors_of(sizes) for key, sizes in by_sizes.items()}
        factors = [made[tuple(sizes.items())] for sizes in problems]
        fitting = [
            name
            for name in factors[0]
            if all(
                _close(of[name].value, estimate, observation.precision)
                for of, estimate, observation in zip(factors, estimates, observations)
            )
        ]
        if fitting:
            shown = max(zip(observations, factors), key=lambda each: _images(each[0]))[1]
            scaled = partial(_scaled, name=fitting[0], factors_of=factors_of, names=names)
            yield Fault("scale", (), _words(fitting, shown), scaled)
            return


def _scaled(
    observation: Observed, name: str, factors_of: Callable[[Sizes], Factors], names: Set[str]
) -> Prediction:
    own = factors_of(_only(names, sizes_of(observation.situation)))[name].value
    return transformed(observation, lambda array: own * array)


def _only(names: Set[str], sizes: Sizes) -> Sizes:
    return {name: size for name, size in sizes.items() if name in names}


def _words(names: Sequence[str], factors: Factors) -> str:
    factor = factors[names[0]]
    value, fraction = f"{factor.value:.6g}", str(Fraction(factor.value).limit_denominator(LARGEST))
    equal = " = ".join(name for name in dict.fromkeys([fraction, *names]) if name != value)
    shown_as = f" ({'= ' * (fraction == value)}{equal})" if equal else ""
    advice = f": {factor.advice}" if factor.advice else ""
    return f"every number is {value} times the expected one{shown_as}{advice}"


def nothing_but_zeros(observations: list[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose a result that was never put into its array."""
    sentence = "every number is 0: the result is never computed, or lost"
    yield Fault("all-zeros", (), sentence, _zeros, says_found=True)


def _zeros(observation: Observed) -> Prediction:
    return Prediction(np.zeros(observation.wanted.shape), np.zeros(observation.wanted.shape))


def _estimate(observation: Observed) -> float | None:
    """Return the factor that fits best; None where any does, nan where none can fit."""
    found, wanted = observation.found, observation.wanted
    if found.shape != wanted.shape or not np.isfinite(found).all():
        return math.nan
    greatest = float(np.max(np.abs(wanted), initial=0.0))
    if greatest == 0:
        return math.nan if found.any() else None
    shares = wanted / greatest  # the squares of small numbers are 0
    return float(np.sum(found * shares)) / (greatest * float(np.sum(shares * shares)))


def _close(factor: float, estimate: float | None, precision: str) -> bool:
    return estimate is None or abs(factor - estimate) <= CLOSE[precision] * abs(factor)


def _images(observation: Observed) -> int:
    return len(observation.situation.grad_output)


def sizes_of(situation: LayerSituation) -> dict[str, int]:
    """Return the sizes of a layer's problem, by name."""
    own = LAYERS[situation.at.kind].sizes(situation.at)
    return {BATCH: len(situation.grad_output)} | own
