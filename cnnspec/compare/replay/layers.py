"""Each layer alone: the same input, parameters and upstream gradient for both sides."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.backends.network import Network
from cnnspec.compare.bounds.layers import (
    budgets_of,
    magnitudes,
    typical_of,
)
from cnnspec.compare.probes.draw import DATA_IMAGES
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.side import EXACT, Answer, Side, arrays_differ
from cnnspec.compare.verdict import Question
from cnnspec.compare.verdict.quantities import OWN_INPUT, OWN_WEIGHTS, named, quantities_of
from cnnspec.trace import Array

ByQuantity = dict[str, Array]


def replay_layer(isolation: Isolation, probe: LayerProbe) -> None:
    """Hold output, gradients and buffers of a layer together, and see that nothing else changes."""
    values: dict[Side, dict[str, ByQuantity]] = {}
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
    sums: dict[Side, ByQuantity] = {}
    for side in telling or isolation.sides[:1]:
        sum_of_side = isolation.attempt(probe.address, side, magnitudes, side, probe)
        if sum_of_side is None:
            return
        sums[side] = sum_of_side
    pair, own = budgets_of(isolation, probe, exact, sums, telling)
    for quantity in quantities_of(probe.at):
        isolation.hold(
            probe.address,
            quantity,
            probe.name,
            values,
            pair=pair[quantity],
            own={side: own[side][quantity] for side in telling},
            typical={
                side: typical_of(side, probe, quantity, exact[side], sums[side]) for side in telling
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
) -> dict[str, ByQuantity]:
    return {
        kind: _watched(isolation, side, probe, network, kind)
        for kind, network in side.answering(probe.alone).items()
        if precision or kind == EXACT
    }


def _watched(
    isolation: Isolation, side: Side, probe: LayerProbe, network: Network, kind: str
) -> ByQuantity:
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
    found = np.concatenate([after[name].ravel() for name in before])
    asked = Question(probe.address, quantity, "float64", (side.label,), probe.name)
    isolation.ledger.add(asked, found, was, np.zeros(was.shape))
