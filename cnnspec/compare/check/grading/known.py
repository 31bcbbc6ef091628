"""Causes that the other arrays of a check give away: other calls, and weights after a pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cnnspec.compare.causes.help import known_cause
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.faults.fault import LayerSituation, Observation
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.verdict.measure import measure
from cnnspec.numerics.budget import Exact
from cnnspec.trace import Array

Observed = Observation[LayerSituation]

KEPT = known_cause(
    "first-call-only",
    "the result is right only in the first call: something is kept between calls",
)
UPDATED = known_cause(
    "updated-weights-used",
    "the result is that for the updated weights: the weights are changed before it is computed",
)
STALE = known_cause(
    "first-weights-used",
    "the result is that for the weights that the constructor made: a copy of them is kept, and "
    "setting the weights does not change it",
)
DRAWN = known_cause(
    "drawn-at-random",
    "each call draws random numbers, and gives another result",
)


def first_call_only(later: Observation[Any], alone: Observation[Any]) -> bool:
    """Tell whether a result is wrong after other calls, and right where there were none."""
    return not later.right and alone.right


def works_alone(key: str, probe: str, stage: str, results: Results) -> str:
    """Say that what failed after other calls works as the first one, if it does."""
    works = results.said(key, "fresh") == probe and results.succeeded(f"{key}-fresh", stage)
    return "; as the first call it works: something is kept between calls" if works else ""


def uses_updated_weights(seen: Sequence[Observed], after: Sequence[Mapping[str, Array]]) -> bool:
    """Tell whether an input gradient is that of the weights as backward left them."""
    return seen[0].quantity == "grad_input" and all(map(_is_of_updated, seen, after))


def uses_first_weights(seen: Sequence[Observed], made: Mapping[str, Array]) -> bool:
    """Tell whether a result is that of weights, or of one of them, as the constructor made them."""
    choices = [made, *({name: array} for name, array in made.items())]
    return any(all(_is_of(observed, choice) for observed in seen) for choice in choices)


def _is_of_updated(observed: Observed, after: Mapping[str, Array]) -> bool:
    own = observed.situation.parameters
    updated = {
        name: after.get(f"updated_{name}", after.get(f"after_{name}", array))
        for name, array in own.items()
    }
    return _is_of(observed, updated)


def _is_of(observed: Observed, others: Mapping[str, Array]) -> bool:
    """Tell whether a result is right for other weights, in place of some or all."""
    situation, own = observed.situation, dict[str, Exact](observed.situation.parameters)
    exact = {name: array.astype(np.float64) for name, array in others.items()}
    if all(np.array_equal(array, own[name]) for name, array in exact.items()):
        return False
    if any(array.shape != own[name].shape for name, array in exact.items()):
        return False
    situation = replace(situation, parameters=own | exact)
    right = LAYERS[situation.at.kind].gives(situation, observed.quantity)
    return right is not None and measure(observed.found, *right).ok
