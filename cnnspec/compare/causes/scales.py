"""A constant factor: which one, and which sizes of the problem it is made of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Set

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction, transformed
from cnnspec.compare.kinds import LAYERS

Observed = Observation[LayerSituation]

CLOSE = 1e-6
"""How close an estimate must come for a factor to be tried: no tolerance, only a first look."""

BATCH = "batch_size"
CONSTANTS = {"2": 2.0, "1/2": 0.5, "-1": -1.0}

ADVICE = {
    f"1/{BATCH}": "it may be divided by the batch size twice",
    f"1/{BATCH}^2": "it may be divided by the batch size three times",
    BATCH: "it may be multiplied by the batch size",
    "1/positions": "it may be a mean over the positions of the output; the sum is wanted",
    f"1/({BATCH} * positions)": "it may be a mean over batch and positions; the sum is wanted",
    "1/kernel_area": "it may be divided by the number of cells in the kernel",
    "1/branches": "it may be divided by the number of branches",
    "kernel_area": "it may lack the division by the number of cells in the kernel",
    "2": "it may be counted twice",
    "1/2": "it may be halved",
    "-1": "the sign is turned round",
}


def named_scales(observations: list[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose a factor that is a size of the problem, or a product of two, or one over it.

    Each probe has a batch and an image of its own size, so that few products are equal on
    all of them; those that are, are all named.
    """
    estimates = [_estimate(observation) for observation in observations]
    if any(math.isnan(estimate) for estimate in estimates):
        return
    shared = shared_sizes(observations)
    factors = [_factors(observation.situation, shared) for observation in observations]
    names = [
        name
        for name in factors[0]
        if all(_close(of[name], estimate) for of, estimate in zip(factors, estimates))
    ]
    if names:
        yield _scale(observations, names, shared)


def _scale(
    observations: list[Observed], names: list[str], shared: Set[str]
) -> Fault[LayerSituation]:
    shown = max(observations, key=lambda observation: len(observation.situation.grad_output))
    factor = _factors(shown.situation, shared)[names[0]]
    value, sign = f"{factor:.6g}", "-" if factor < 0 else ""
    whole = f"{sign}{abs(factor):.0f}" if abs(factor) >= 1 else f"{sign}1/{1 / abs(factor):.0f}"
    equal = " = ".join(name for name in dict.fromkeys([whole, *names]) if name != value)
    shown_as = f" ({'= ' * (whole == value)}{equal})" if equal else ""
    advice = f": {ADVICE[names[0]]}" if names[0] in ADVICE else ""

    def predict(observation: Observed) -> Prediction:
        own = _factors(observation.situation, shared)[names[0]]
        return transformed(observation, lambda array: own * array)

    return Fault(
        "scale", (), f"every number is {value} times the expected one{shown_as}{advice}", predict
    )


def nothing_but_zeros(observations: list[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose a result that was never put into its array."""
    yield Fault("all-zeros", (), "every number is 0: the result is never computed, or lost", _zeros)


def _zeros(observation: Observed) -> Prediction:
    return Prediction(np.zeros(observation.wanted.shape), np.zeros(observation.wanted.shape))


def _estimate(observation: Observed) -> float:
    """Return the factor that fits best; 1 where nothing was wanted, nan where none can fit."""
    found, wanted = observation.found, observation.wanted
    if found.shape != wanted.shape or not np.isfinite(found).all():
        return math.nan
    size = float(np.sum(wanted * wanted))
    if size == 0:
        return math.nan if found.any() else 1.0
    return float(np.sum(found * wanted)) / size


def _close(factor: float, estimate: float) -> bool:
    return abs(factor - estimate) <= CLOSE * abs(factor)


def shared_sizes(observations: list[Observed]) -> Set[str]:
    """Name the sizes that every layer has, and that are no mere 1 for all of them."""
    sizes = [sizes_of(observation.situation) for observation in observations]
    return {name for name in sizes[0] if all(name in of for of in sizes)} & {
        BATCH,
        *(name for of in sizes for name, size in of.items() if size > 1),
    }


def _factors(situation: LayerSituation, names: Set[str]) -> Mapping[str, float]:
    """Return what may come in by mistake, by its name; simple ones first."""
    sizes = {name: size for name, size in sizes_of(situation).items() if name in names}
    batch = sizes[BATCH]
    products = {name: float(size) for name, size in sizes.items()}
    products[f"{BATCH}^2"] = float(batch**2)
    products |= {
        f"{BATCH} * {name}": float(batch * size) for name, size in sizes.items() if name != BATCH
    }
    factors = dict(CONSTANTS)
    for name, size in products.items():
        over = f"1/({name})" if " " in name else f"1/{name}"
        factors |= {name: size, over: 1 / size}
    negative = {f"-{name}": -factor for name, factor in factors.items() if name not in CONSTANTS}
    return factors | negative


def sizes_of(situation: LayerSituation) -> dict[str, int]:
    """Return the sizes of a layer's problem, by name."""
    own = LAYERS[situation.at.kind].sizes(situation.at)
    return {BATCH: len(situation.grad_output)} | own
