"""Each layer alone: the same input, parameters and upstream gradient for both sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from cnnspec.backends.network import Network
from cnnspec.compare.fault import LayerSituation
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.probe import LayerProbe
from cnnspec.compare.probes import DATA_IMAGES
from cnnspec.compare.side import (
    EXACT,
    Answer,
    Side,
    arrays_differ,
    grad_inputs_of,
    named,
    quantities_of,
)
from cnnspec.numerics.budget import Exact, sum_budget, typical_errors
from cnnspec.plan import PlannedLayer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

Parts = dict[str, Array]

OWN_WEIGHTS = "own weights"
OWN_INPUT = "own input"
"""Whether a pass leaves the weights, and what it was given, as they were."""


def replay_layer(isolation: Isolation, probe: LayerProbe) -> None:
    """Hold output, gradients and buffers of a layer together, and see that nothing else changes."""
    values: dict[Side, dict[str, Parts]] = {}
    telling = _of_precision(isolation, probe)
    for side in isolation.sides:
        found = isolation.attempt(
            probe.address, side, _replayed, isolation, side, probe, side in telling
        )
        if found is not None:
            values[side] = found
    if len(values) < 2:
        return
    exact = {side: parts[EXACT] for side, parts in values.items()}
    sums: dict[Side, Parts] = {}
    for side in telling or isolation.sides[:1]:
        sum_of_side = isolation.attempt(probe.address, side, magnitudes, side, probe)
        if sum_of_side is None:
            return
        sums[side] = sum_of_side
    pair, own = _budgets(isolation, probe, exact, sums, telling)
    for quantity in quantities_of(probe.at):
        isolation.hold(
            probe.address,
            quantity,
            probe.name,
            {
                side: {network: parts[quantity] for network, parts in by_network.items()}
                for side, by_network in values.items()
            },
            pair=pair[quantity],
            own={side: own[side][quantity] for side in telling},
            typical={
                side: _typical(side, probe, quantity, exact[side], sums[side]) for side in telling
            },
        )


def _of_precision(isolation: Isolation, probe: LayerProbe) -> list[Side]:
    """Return the sides that also tell how accurate they are, and the magnitudes of their sums.

    A costly one does so of few images. Whether it is the same function is asked of all.
    """
    few = len(probe.grad_output) <= DATA_IMAGES
    return [side for side in isolation.sides if few or not side.effort.few]


def _replayed(
    isolation: Isolation, side: Side, probe: LayerProbe, precision: bool
) -> dict[str, Parts]:
    return {
        kind: _watched(isolation, side, probe, network, kind)
        for kind, network in side.answering(probe.alone).items()
        if precision or kind == EXACT
    }


def _watched(
    isolation: Isolation, side: Side, probe: LayerProbe, network: Network, kind: str
) -> Parts:
    """Replay a layer; note whether it changes its weights or what it is given, and undo it."""
    # In the network's own precision, so that a layer is handed these very arrays.
    precision = "float64" if kind == EXACT else side.precision
    inputs, grad = [x.astype(precision) for x in probe.inputs], probe.grad_output.astype(precision)
    before = network.state()
    trace = network.replay(probe.at.name, inputs, grad, noise=probe.noise)
    after = network.state()
    if kind == EXACT:
        name = probe.at.name
        _unchanged(isolation, side, probe, OWN_WEIGHTS, _of_layer(before, name), after)
        given, left = (
            {str(number): array for number, array in enumerate(arrays)}
            for arrays in ((*probe.inputs, probe.grad_output), (*inputs, grad))
        )
        _unchanged(isolation, side, probe, OWN_INPUT, given, left)
    changed = bool(arrays_differ(before, after))
    if changed:
        network.load_state(before)
    side.keep(probe, kind, Answer(trace, after if changed else None))
    return named(trace, probe.at)


def _of_layer(state: Mapping[str, Array], layer: str) -> dict[str, Array]:
    return {name: array for name, array in state.items() if name.startswith(f"{layer}.")}


def _unchanged(
    isolation: Isolation,
    side: Side,
    probe: LayerProbe,
    quantity: str,
    before: Mapping[str, Array],
    after: Mapping[str, Array],
) -> None:
    if not before:
        return
    was = np.concatenate([array.ravel() for array in before.values()])
    isolation.ledger.add(
        probe.address,
        quantity,
        precision="float64",
        sides=(side.label,),
        probe=probe.name,
        found=np.concatenate([after[name].ravel() for name in before]),
        wanted=was,
        budget=np.zeros(was.shape),
    )


def _budgets(
    isolation: Isolation,
    probe: LayerProbe,
    exact: Mapping[Side, Parts],
    sums: Mapping[Side, Parts],
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
    probe: LayerProbe, exact: Mapping[Side, Parts], sums: Mapping[Side, Parts]
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
    side: Side, probe: LayerProbe, values: Parts, precision: str = "float64"
) -> dict[str, Exact]:
    """Return what rounding explains in a precision, for each quantity of one side's layer."""
    return _one_side(side, probe, values, magnitudes(side, probe), precision)


def _own_budgets(side: Side, probe: LayerProbe, exact: Parts, sums: Parts) -> dict[str, Exact]:
    """Return how far sums may be off in a side's working precision from its float64."""
    in_working = _one_side(side, probe, exact, sums, side.precision)
    in_float64 = _one_side(side, probe, exact, sums, "float64")
    return {name: bound + in_float64[name] for name, bound in in_working.items()}


def _one_side(
    side: Side, probe: LayerProbe, values: Parts, sums: Parts, precision: str
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


def _typical(
    side: Side, probe: LayerProbe, quantity: str, values: Parts, sums: Parts
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
    probe: LayerProbe, sides: Mapping[Side, Parts], precision: str
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


def magnitudes(side: Side, probe: LayerProbe, added: float = 0.0) -> Parts:
    """Return S of each quantity: the layer run on |x|, |W| and |g|, each with a number `added`.

    The gradient of the input is taken at x itself, where a maximum sends it.
    """
    at = probe.at
    if not LAYERS[at.kind].is_sum:
        return {}
    network, grad = side.networks(probe.alone).plain, np.abs(probe.grad_output) + added
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
