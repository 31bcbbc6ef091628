"""Causes that the other arrays of a check give away: other calls, and weights after a pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from cnnspec.compare.causes import Cause, LayerSituation, Observation
from cnnspec.compare.causes.convolution import Convolution
from cnnspec.compare.measure import measure
from cnnspec.trace import Array

Observed = Observation[LayerSituation]

KEPT = Cause(
    "first-call-only",
    "the result is right only in the first call: something is kept between calls",
)
UPDATED = Cause(
    "updated-weights-used",
    "the result is that for the updated weights: the weights are changed before it is computed",
)


def first_call_only(later: Observed, alone: Observed) -> bool:
    """Tell whether a result is wrong after other calls, and right where there were none."""
    return not _right(later) and _right(alone)


def uses_updated_weights(seen: Sequence[Observed], after: Sequence[Mapping[str, Array]]) -> bool:
    """Tell whether an input gradient is that of the weights as backward left them."""
    if seen[0].quantity != "grad_input" or seen[0].situation.at.kind not in ("conv", "linear"):
        return False
    return all(map(_is_of_updated, seen, after))


def _is_of_updated(observed: Observed, after: Mapping[str, Array]) -> bool:
    own = observed.situation.parameters
    updated = {
        name: after.get(f"after_{name}", array).astype(np.float64) for name, array in own.items()
    }
    if np.array_equal(updated["weight"], own["weight"]):
        return False
    problem = Convolution.of(replace(observed.situation, parameters=updated))
    return measure(observed.found, *problem.predict("grad_input")).ratio <= 1


def _right(observation: Observed) -> bool:
    return measure(observation.found, observation.wanted, observation.budget).ratio <= 1
