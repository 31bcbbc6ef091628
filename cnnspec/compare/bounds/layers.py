"""What rounding explains of a layer alone: of two sides in float64, of one in its precision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from cnnspec.compare.faults.fault import LayerSituation
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.side import Side
from cnnspec.compare.verdict.quantities import grad_inputs_of, named, quantities_of
from cnnspec.numerics.budget import Exact, sum_budget, typical_errors
from cnnspec.plan import PlannedLayer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

ByQuantity = dict[str, Array]


def budgets_of(
    isolation: Isolation,
    probe: LayerProbe,
    exact: Mapping[Side, ByQuantity],
    sums: Mapping[Side, ByQuantity],
    telling: Sequence[Side],
) -> tuple[dict[str, Exact], dict[Side, dict[str, Exact]]]:
    """Return how far the sides may be apart in float64, and how far each from its own float64."""
    kind = LAYERS[probe.at.kind]
    if kind.is_sum:
        own = {side: _own_budgets(side, probe, exact[side], sums[side]) for side in telling}
        return pair_budgets(probe, exact, sums), own
    # What the sides gave does not matter, and few precisions are derived for.
    given = layer_situation(isolation.first, probe)
    bounds = {each: kind.budgets(given, each) for each in isolation.precisions}
    in_float64 = bounds["float64"]
    pair = {name: 2 * bound for name, bound in in_float64.items()}
    return pair, {
        side: {name: bound + in_float64[name] for name, bound in bounds[side.precision].items()}
        for side in telling
    }


def pair_budgets(
    probe: LayerProbe, exact: Mapping[Side, ByQuantity], sums: Mapping[Side, ByQuantity]
) -> dict[str, Exact]:
    """Return how far two sides may be apart in float64, for each quantity."""
    if not LAYERS[probe.at.kind].is_sum:
        return {name: 2 * bound for name, bound in _own_derivation(probe, exact, "float64").items()}
    budgets = {}
    for quantity, k in roundings(probe.at, len(probe.grad_output)).items():
        shape = _shape(probe, quantity)
        # A fault must not widen its own budget: of two sums of magnitudes the smaller counts.
        smaller, size = (
            reduce(np.fmin, (np.abs(of_shape(parts[quantity], shape)) for parts in of_sides))
            for of_sides in (sums.values(), exact.values())
        )
        budgets[quantity] = 2 * sum_budget(k, smaller, size, "float64")
    return budgets


def layer_budgets(
    side: Side, probe: LayerProbe, values: ByQuantity, precision: str = "float64"
) -> dict[str, Exact]:
    """Return what rounding explains in a precision, for each quantity of one side's layer."""
    return _one_side(side, probe, values, magnitudes(side, probe), precision)


def _own_budgets(
    side: Side, probe: LayerProbe, exact: ByQuantity, sums: ByQuantity
) -> dict[str, Exact]:
    """Return how far sums may be off in a side's working precision from its float64."""
    in_working = _one_side(side, probe, exact, sums, side.precision)
    in_float64 = _one_side(side, probe, exact, sums, "float64")
    return {name: bound + in_float64[name] for name, bound in in_working.items()}


def _one_side(
    side: Side, probe: LayerProbe, values: ByQuantity, sums: ByQuantity, precision: str
) -> dict[str, Exact]:
    if not LAYERS[probe.at.kind].is_sum:
        return _own_derivation(probe, {side: values}, precision)
    return {
        quantity: sum_budget(
            k,
            np.abs(of_shape(sums[quantity], _shape(probe, quantity))),
            of_shape(values[quantity], _shape(probe, quantity)),
            precision,
        )
        for quantity, k in roundings(probe.at, len(probe.grad_output)).items()
    }


def typical_of(
    side: Side, probe: LayerProbe, quantity: str, values: ByQuantity, sums: ByQuantity
) -> Exact | None:
    """Return how far off a side usually is in its working precision; None where it is not known."""
    if not LAYERS[probe.at.kind].is_sum:
        return None
    shape = _shape(probe, quantity)
    return typical_errors(
        roundings(probe.at, len(probe.grad_output))[quantity],
        np.abs(of_shape(sums[quantity], shape)),
        of_shape(values[quantity], shape),
        side.precision,
    )


def _own_derivation(
    probe: LayerProbe, sides: Mapping[Side, ByQuantity], precision: str
) -> dict[str, Exact]:
    situation = layer_situation(next(iter(sides)), probe)
    return LAYERS[probe.at.kind].budgets(situation, precision)


def layer_situation(side: Side, probe: LayerProbe) -> LayerSituation:
    """Return what a layer is given on a probe."""
    parameters, buffers = own_arrays(side, probe.at)
    return LayerSituation(
        probe.at,
        probe.name,
        tuple(x.astype(np.float64) for x in probe.inputs),
        probe.grad_output.astype(np.float64),
        parameters,
        buffers,
        probe.noise,
    )


def own_arrays(side: Side, at: PlannedLayer) -> tuple[dict[str, Exact], dict[str, Exact]]:
    """Return a layer's parameters and buffers by their own names (`weight`)."""

    def exact(names: Iterable[str]) -> dict[str, Exact]:
        return {name: side.weights[f"{at.name}.{name}"].astype(np.float64) for name in names}

    return exact(at.parameters), exact(at.buffers)


def magnitudes(side: Side, probe: LayerProbe, added: float = 0.0) -> ByQuantity:
    """Return S of each quantity: the layer run on |x|, |W| and |g|, each with a number `added`.

    The gradient of the input is taken at x itself, where a maximum sends it.
    """
    at = probe.at
    if not LAYERS[at.kind].is_sum:
        return {}
    network, grad = side.networks(probe.alone).for_sums, np.abs(probe.grad_output) + added
    state = {name: np.abs(array) + added for name, array in side.weights_of(at).items()}
    sizes = [np.abs(x) + added for x in probe.inputs]
    given: dict[str, Any] = {"state": state, "noise": probe.noise}
    sums = network.replay(at.name, sizes, grad.copy(), **given)
    if all(map(np.array_equal, sizes, probe.inputs)):  # as behind a relu
        return named(sums, at)
    routed = network.replay(at.name, [x.copy() for x in probe.inputs], grad, **given)
    return named(replace(sums, grad_inputs=routed.grad_inputs), at)


def roundings(at: PlannedLayer, batch: int) -> dict[str, int]:
    """Return how many roundings a term of each quantity can meet."""
    stated = LAYERS[at.kind].roundings(at, batch)
    grad_inputs = dict.fromkeys(grad_inputs_of(at), stated["grad_input"])
    gradients = {f"grad_{name}": stated[name] for name in at.parameters}
    return {"output": stated["output"]} | grad_inputs | gradients


def _shape(probe: LayerProbe, quantity: str) -> Shape:
    if quantity == "output":
        return probe.grad_output.shape
    if quantity in grad_inputs_of(probe.at):
        return probe.inputs[grad_inputs_of(probe.at).index(quantity)].shape
    shape = quantities_of(probe.at)[quantity]
    assert shape is not None  # all others are of the layer's own shapes
    return shape


def of_shape(array: Array, shape: Shape) -> Array:
    """Return the array, or zeros where a faulty layer gave another shape: no budget at all."""
    return array if array.shape == shape else np.zeros(shape)
