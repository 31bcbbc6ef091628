"""Gradients that are added to those of earlier passes, and never set to zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction
from cnnspec.compare.verdict.quantities import has_batch
from cnnspec.numerics.budget import unit_roundoff

Observed = Observation[LayerSituation]


def accumulated(observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose that each pass adds its gradient to what the pass before it left.

    Observations come in the order in which they were run. What was there before the first
    pass of a network is not known; from there on every number is.
    """
    quantity = observations[0].quantity
    if not quantity.startswith("grad_") or has_batch(quantity):
        return
    if any(at.found.shape != at.wanted.shape for at in observations):
        return
    before = _before(observations)
    if not all(np.isfinite(observation.found).all() for observation in observations):
        return  # from NaN on everything is NaN
    if all(o.right for o in observations if id(o.situation) in before):
        return

    def predict(observation: Observed) -> Prediction:
        earlier = before.get(id(observation.situation))
        if earlier is None:
            found = observation.found.astype(np.float64)
            return Prediction(found, np.zeros(found.shape))
        value = earlier.found + observation.wanted
        # Each term of the new sum may have been added to the old one by itself.
        terms = observation.situation.grad_output.size
        rounding = 2 * terms * unit_roundoff("float64") * (np.abs(value) + np.abs(earlier.found))
        return Prediction(value, observation.budget + rounding)

    yield Fault(
        "accumulated",
        (),
        "the gradient is added to that of the pass before: it is never set to zero in between",
        predict,
    )


def of_pass_alone(observations: Sequence[Observed]) -> Iterator[Observed]:
    """Yield what each pass has added to what was found in the pass before."""
    before = _before(observations)
    for observation in observations:
        if earlier := before.get(id(observation.situation)):
            yield replace(observation, found=observation.found - earlier.found)


def _before(observations: Sequence[Observed]) -> Mapping[int, Observed]:
    return {
        id(later.situation): earlier
        for earlier, later in pairwise(observations)
        if earlier.situation.at == later.situation.at
    }
