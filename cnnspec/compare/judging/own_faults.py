"""Why a side is not what its own parts are, or not as precise as its arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cnnspec.backends.raised import cannot
from cnnspec.compare.bounds.layers import layer_situation, magnitudes, roundings
from cnnspec.compare.causes.help import known_cause
from cnnspec.compare.judging.spoilt_ways import spoilt_way
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.replay.probes import Probes
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.side import EXACT, WORKING, Side
from cnnspec.compare.verdict import Cause, Comparison
from cnnspec.compare.verdict.measure import measure
from cnnspec.compare.verdict.quantities import OWN_INPUT, OWN_WEIGHTS, named
from cnnspec.numerics.budget import Exact, gamma, unit_roundoff


class Format(NamedTuple):
    """A format of floating-point numbers."""

    u: float
    """Unit roundoff."""
    tiny: float
    """The smallest normal number; below it, roundings are as coarse as there."""


LOW_PRECISIONS = {
    "float16": Format(2.0**-11, 2.0**-14),
    "bfloat16": Format(2.0**-8, 2.0**-126),
}
"""The formats in which frameworks compute where they may, the finest first."""

WHOLE_IS_NOT_ITS_PARTS = (
    "whole-is-not-its-parts",
    "the whole does not give what its parts give, each alone: it runs other parts, or one "
    "part spoils another",
)


def own_cause(isolation: Isolation, probes: Probes, found: Comparison) -> Cause | None:
    """Name the cause of a side that changes what is not its own, or is not its parts."""
    if found.quantity == OWN_INPUT:
        sentence = "the array that it is given is overwritten"
        return known_cause("changes-input", sentence)
    if found.quantity == OWN_WEIGHTS:
        return _weights_changed(isolation, probes, found)
    return spoilt_way(isolation, probes, found) or known_cause(*WHOLE_IS_NOT_ITS_PARTS)


def _weights_changed(isolation: Isolation, probes: Probes, found: Comparison) -> Cause:
    """Say by how much a layer moves its own weights along its own gradient."""
    (side,) = (side for side in isolation.sides if (side.label,) == found.sides)
    rate = _own_rate(side, probes.of(found.address)[0])
    moved = f" by {rate:.6g} times the gradient" if rate else ""
    sentence = (
        f"the backward pass updates the weights{moved}; that is the optimizer's work, after all "
        "gradients are known"
    )
    return known_cause("updates-own-weights", sentence)


def _own_rate(side: Side, probe: LayerProbe) -> float | None:
    """Return the one number by which every parameter moved against its gradient, if it is one."""
    kept = side.answer(probe, EXACT)
    if kept is None or kept.after is None:
        return None
    trace, after = kept.trace, kept.after
    before = {name: side.weights[name].astype(np.float64) for name in after}
    full = {name: f"{probe.at.name}.{name}" for name in probe.at.parameters}
    if not full.keys() <= trace.grad_parameters.keys():
        return None
    step = np.concatenate([(before[at] - after[at]).ravel() for at in full.values()])
    gradient = np.concatenate([np.ravel(trace.grad_parameters[name]) for name in full])
    size = np.concatenate([np.abs(before[at]).ravel() for at in full.values()])
    if step.shape != gradient.shape or not gradient.any():
        return None
    rate = float(np.sum(step * gradient) / np.sum(gradient * gradient))
    # Two roundings of the weights, and of the rate those of two sums.
    budget = 2 * unit_roundoff("float64") * (size + np.abs(step))
    budget += gamma(2 * step.size + 4, "float64") * np.abs(rate * gradient)
    return rate if np.all(np.abs(step - rate * gradient) <= budget) else None


def precision_causes(
    isolation: Isolation, probes: Probes, lost: Sequence[Comparison]
) -> dict[Comparison, Cause]:
    """Name the arithmetic whose errors a side has, where it is a coarser one than it should be.

    Of each side the finest that explains all it lost; where there is none, that of each
    quantity by itself.
    """
    causes = {}
    for side in isolation.sides:
        own = [found for found in lost if found.sides == (side.label,)]
        try:
            formats = {found: _formats(side, probes, found) for found in own}
        except Exception as error:  # a faulty layer raises whatever it likes
            if not cannot(error):
                raise
            continue
        common = [name for name in LOW_PRECISIONS if all(name in of for of in formats.values())]
        for found, names in formats.items():
            if names:
                causes[found] = _low_precision(side, (common or names)[0])
    return causes


def _formats(side: Side, probes: Probes, found: Comparison) -> list[str]:
    """Return the formats whose roundings explain what a side lost, the finest first."""
    own = probes.of(found.address)
    if not own or not np.isfinite(found.max_abs):  # of another shape, or overflown
        return []
    return [
        name
        for name, coarse in LOW_PRECISIONS.items()
        if all(_as_precise_as(side, probe, found.quantity, coarse) for probe in own)
    ]


def _low_precision(side: Side, name: str) -> Cause:
    coarse, fine = LOW_PRECISIONS[name].u, unit_roundoff(side.precision)
    return known_cause(
        "low-precision",
        f"factors and results are rounded to {name} (u = 2^{round(np.log2(coarse))}); "
        f"{side.precision} is wanted (2^{round(np.log2(fine))})",
    )


def _as_precise_as(side: Side, probe: LayerProbe, quantity: str, coarse: Format) -> bool:
    values = {
        network: named(side.replay(probe, network), probe.at)[quantity]
        for network in side.answering(probe.alone)
    }
    exact = values[EXACT].astype(np.float64)
    budget = _coarser_budget(side, probe, quantity, exact, coarse)
    return measure(values[WORKING], exact, budget).ok


def _coarser_budget(
    side: Side, probe: LayerProbe, quantity: str, exact: Exact, coarse: Format
) -> Exact:
    """Bound the error where both factors of each product and the result are rounded coarsely.

    Rounding moves a number a by at most u (|a| + tiny): below tiny, numbers are evenly spaced.
    So with the magnitudes of |x| + tiny, |W| + tiny and |g| + tiny a term is relatively off by
    (1 + u)^2 (1 + gamma_k) - 1, k being the roundings of its sum in the working precision, and
    the result by another u.
    """
    kind = LAYERS[probe.at.kind]
    if not kind.is_sum:
        given = layer_situation(side, probe)
        arrays = {"x": given.x, "grad_output": given.grad_output, **given.parameters}
        off = {name: coarse.u * (np.abs(array) + coarse.tiny) for name, array in arrays.items()}
        of_factors = kind.errors(given, side.precision, [quantity], off)[quantity]
        own = kind.budgets(given, side.precision)[quantity]
        of_results = (own / unit_roundoff(side.precision) + np.abs(exact) + coarse.tiny) * coarse.u
        return of_factors + of_results
    k = roundings(probe.at, len(probe.grad_output))[quantity]
    magnitude = np.abs(magnitudes(side, probe, coarse.tiny)[quantity]).astype(np.float64)
    term = ((1 + coarse.u) ** 2 * (1 + gamma(k, side.precision)) - 1) * magnitude
    return term + coarse.u * (np.abs(exact) + term + coarse.tiny)
