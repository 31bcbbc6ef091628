"""A penalty on the weights in a layer's own gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction
from cnnspec.numerics.budget import unit_roundoff

Observed = Observation[LayerSituation]

DIGITS = 1e-6
"""How well a factor must be known before it is named: to the digits that are said of it."""


def penalty(observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose that each parameter's gradient has a share of the parameter added to it."""
    name = observations[0].quantity.removeprefix("grad_")
    if name not in observations[0].situation.parameters:
        return
    factors = [_clearest(observation, name) for observation in observations]
    error, factor = min(factors)
    if not error < DIGITS * abs(factor):
        return

    def predict(observation: Observed) -> Prediction:
        parameter = observation.situation.parameters[name]
        value = observation.wanted + factor * parameter
        rounding = unit_roundoff("float64") * (np.abs(value) + np.abs(factor * parameter))
        return Prediction(value, observation.budget + error * np.abs(parameter) + 4 * rounding)

    yield Fault(
        "penalty-in-gradient",
        (),
        f"{factor:.6g} times the weights is added to the layer's gradient, as by a penalty; the "
        "optimizer has the weight decay",
        predict,
    )


def _clearest(observation: Observed, name: str) -> tuple[float, float]:
    """Return how far off the clearest share of an observation may be, and the share."""
    parameter = observation.situation.parameters[name]
    if observation.found.shape != parameter.shape or parameter.size < 2:
        return np.inf, np.nan
    factor = (observation.found - observation.wanted) / parameter
    rounding = unit_roundoff("float64") * (np.abs(observation.wanted) + np.abs(observation.found))
    error = (observation.budget + 2 * rounding) / np.abs(parameter)
    error = np.where(np.isfinite(factor) & np.isfinite(error), error, np.inf)
    at = np.unravel_index(np.argmin(error), error.shape)
    return float(error[at]), float(factor[at])


def without_penalty(observations: Sequence[Observed]) -> Iterator[Observed]:
    """Yield what is found without a share of the parameter, where a factor may be before the rest.

    The factor and the share are those that fit best.
    """
    name = observations[0].quantity.removeprefix("grad_")
    for observation in observations:
        own, wanted = observation.situation.parameters.get(name), observation.wanted
        if own is None or not observation.found.shape == own.shape == wanted.shape or own.size < 3:
            return
        columns = np.stack([wanted.ravel(), own.ravel()], axis=1)
        (_, share), *_ = np.linalg.lstsq(columns, observation.found.ravel())
        yield replace(observation, found=observation.found - share * own)
