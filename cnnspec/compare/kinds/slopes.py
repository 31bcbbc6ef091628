"""The slope that numbers below 0 have met, read off what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from cnnspec.compare.faults.fault import LayerSituation, Observation, Prediction
from cnnspec.numerics import Exact, unit_roundoff

Observed = Observation[LayerSituation]


def slopes_below_0(
    observations: Sequence[Observed],
) -> Iterator[tuple[float, Callable[[Observed], Prediction]]]:
    """Yield a slope that is the same for all numbers below 0, and what it would give.

    It is read off some of them. What it would give depends on what is done at 0.
    """
    slope = _slope(observations)
    if slope is not None and np.isfinite(slope):
        for at_zero in (0.0, 1.0, slope):
            yield slope, _with_slope(slope, at_zero)


def _slope(observations: Sequence[Observed]) -> float | None:
    slopes = []
    for observation in observations:
        source = _source(observation)
        if observation.found.shape != source.shape:
            return None
        below = (observation.situation.x < 0) & (source != 0)
        slopes.extend((observation.found[below] / source[below]).ravel()[:100])
    return float(np.median(slopes)) if len(slopes) > 1 else None


def _source(observation: Observed) -> Exact:
    situation = observation.situation
    return situation.x if observation.quantity == "output" else situation.grad_output


def _with_slope(slope: float, at_zero: float) -> Callable[[Observed], Prediction]:
    def predict(observation: Observed) -> Prediction:
        source, x = _source(observation), observation.situation.x
        value = source * np.where(x > 0, 1, np.where(x < 0, slope, at_zero))
        # The slope comes from a quotient of two rounded numbers, and meets another product.
        return Prediction(value, 8 * unit_roundoff("float64") * np.abs(value))

    return predict
