"""What any computation may suffer: a constant factor, a bound, or numbers of too few bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from cnnspec.compare.faults.fault import Fault, Observation, Prediction, Situation
from cnnspec.numerics.budget import Exact, unit_roundoff

PRECISIONS = ("float16", "float32")

DIGITS = 1e-3
"""How well a factor's distance from 1 must be known before it is named: to the digits said."""

Part = Callable[[Observation[Situation]], Exact]


def any_constant(
    observations: list[Observation[Situation]],
    zero: Part[Situation] | None = None,
    what: str = "every number",
) -> Iterator[Fault[Situation]]:
    """Suppose one constant factor on every probe, and take it from the clearest number.

    The factor is of `wanted - zero`; of an update, `zero` are the weights before. A factor
    that was taken from one number says nothing unless others bear it out.
    """
    if sum(int(np.count_nonzero(_right(o, zero))) for o in observations) < 2:
        return
    error, factor = min(_clearest(observation, zero) for observation in observations)
    if not error < DIGITS * abs(factor - 1):
        return  # what is hardly more than rounding may be anything
    said = f"{factor:.9g}" if f"{factor:.9g}" != "1" else f"(1 + {factor - 1:.3g})"

    def predict(observation: Observation[Situation]) -> Prediction:
        right = _right(observation, zero)
        value = factor * right + (zero(observation) if zero else 0)
        rounding = 4 * unit_roundoff("float64") * (np.abs(value) + np.abs(observation.wanted))
        budget = np.abs(factor) * observation.budget + error * np.abs(right)
        return Prediction(value, 2 * (budget + rounding))

    yield Fault("scale", (), f"{what} is {said} times the expected one", predict, says_found=True)


def _right(observation: Observation[Situation], zero: Part[Situation] | None) -> Exact:
    return observation.wanted - (zero(observation) if zero else 0)


def _clearest(
    observation: Observation[Situation], zero: Part[Situation] | None
) -> tuple[float, float]:
    """Return how far off the clearest factor of an observation may be, and the factor."""
    right = _right(observation, zero)
    if observation.found.shape != right.shape or right.size == 0:
        return np.inf, np.nan
    found = observation.found.astype(np.float64) - (zero(observation) if zero else 0)
    with np.errstate(all="ignore"):
        return _least_error(observation, found, right)


def _least_error(
    observation: Observation[Situation], found: Exact, right: Exact
) -> tuple[float, float]:
    factor = found / right
    rounding = unit_roundoff("float64") * (np.abs(observation.wanted) + np.abs(observation.found))
    error = (1 + np.abs(factor)) * (observation.budget + rounding) / np.abs(right)
    error = np.where(np.isfinite(factor) & np.isfinite(error), error, np.inf)
    at = np.unravel_index(np.argmin(error), error.shape)
    return float(error[at]), float(factor[at])


def fewer_bits(
    observations: list[Observation[Situation]],
    budget: Callable[[Observation[Situation], str], Exact],
) -> Iterator[Fault[Situation]]:
    """Suppose the right formula in a lower precision, of which every number found is one.

    Numbers of float64 that are float32 numbers to the last bit are so by no accident.
    `budget` bounds the errors of an observation in a precision.
    """
    for precision in PRECISIONS:
        if all(map(partial(_is_of, precision), observations)):
            predict = partial(_in_precision, precision, budget)
            yield Fault("low-precision", (), f"the result is computed in {precision}", predict)


def whole_numbers(observations: list[Observation[Situation]]) -> Iterator[Fault[Situation]]:
    """Suppose the right numbers without what is behind the point, as arrays of integers have them.

    Zeros alone may be anything.
    """
    if any(observation.found.any() for observation in observations):
        yield Fault(
            "truncated",
            (),
            "the numbers are cut to whole ones: they may be put into an array of integers",
            _truncated,
        )


def clipped(observations: list[Observation[Situation]]) -> Iterator[Fault[Situation]]:
    """Suppose the right numbers cut off at a bound, the greatest that was found."""
    found = [np.abs(np.asarray(observation.found)) for observation in observations]
    most = max((float(each.max(initial=0)) for each in found), default=0.0)
    if most > 0 and sum(int(np.count_nonzero(each == most)) for each in found) > 1:
        sentence = f"the numbers are clipped to [{-most:.6g}, {most:.6g}]"

        def predict(observation: Observation[Situation]) -> Prediction:
            return Prediction(np.clip(observation.wanted, -most, most), observation.budget)

        yield Fault("clipped", (), sentence, predict)


def rounded(observations: list[Observation[Situation]]) -> Iterator[Fault[Situation]]:
    """Suppose the right numbers rounded to some decimal places, as all that were found are."""
    if any(observation.found.any() for observation in observations):
        for places in range(9):
            if all(np.array_equal(o.found, np.round(o.found, places)) for o in observations):
                sentence = f"the numbers are rounded to {places} decimal places"
                yield Fault("rounded", (), sentence, partial(_rounded, places=places))
                return


def _rounded(observation: Observation[Any], places: int) -> Prediction:
    """Round; next to half a unit of the last place, rounding decides to which side."""
    wanted, unit = observation.wanted, 10.0**-places
    value = np.round(wanted, places)
    open_ = np.abs(np.abs(wanted - value) - unit / 2) <= observation.budget + 1e-9 * unit
    own = 4 * unit_roundoff("float64") * np.abs(value)
    return Prediction(value, np.where(open_, unit, 0.0) + own)


def _truncated(observation: Observation[Any]) -> Prediction:
    """Cut to whole numbers; next to one, rounding decides to which."""
    wanted = observation.wanted
    near = np.abs(wanted - np.round(wanted)) <= observation.budget
    return Prediction(np.trunc(wanted), np.where(near & (observation.budget > 0), 1.0, 0.0))


def _is_of(precision: str, observation: Observation[Any]) -> bool:
    found = np.asarray(observation.found)
    with np.errstate(over="ignore"):
        rounded = found.astype(precision).astype(np.float64)
    return np.array_equal(found, rounded, equal_nan=True)


def _in_precision(
    precision: str,
    budget: Callable[[Observation[Situation], str], Exact],
    observation: Observation[Situation],
) -> Prediction:
    return Prediction(observation.wanted, budget(observation, precision))
