"""Each layer alone: the same input, parameters and upstream gradient for both sides."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.compare.budget import Exact, sum_budget
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.probes import LayerProbe
from cnnspec.compare.side import Side, named
from cnnspec.plan import PlannedLayer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

Parts = dict[str, Array]


def replay_layer(isolation: Isolation, at: PlannedLayer, probe: LayerProbe) -> None:
    """Hold output, input gradient and parameter gradients of a layer together."""
    values: dict[Side, dict[str, Parts]] = {}
    sums: dict[Side, Parts] = {}
    for side in isolation.sides:
        found = isolation.attempt(f"{at.name} of {side.backend}, alone", _replayed, side, at, probe)
        if found is None:
            return
        values[side], sums[side] = found
    shapes = _shapes(at, probe)
    for quantity, k in _roundings(at, len(probe.x)).items():
        shape = shapes[quantity]
        exact = {side: _of_shape(values[side]["float64"][quantity], shape) for side in values}
        magnitude = {side: np.abs(_of_shape(sums[side][quantity], shape)) for side in values}
        # A fault must not widen its own budget: of two sums of magnitudes the smaller counts.
        smaller = np.fmin(*magnitude.values())
        size = np.fmin(*map(np.abs, exact.values()))
        isolation.hold(
            at.name,
            quantity,
            probe.name,
            {
                side: {precision: parts[quantity] for precision, parts in by_precision.items()}
                for side, by_precision in values.items()
            },
            pair=2 * sum_budget(k, smaller, size, "float64"),
            own={
                side: sum_budget(k, magnitude[side], exact[side], "float32")
                + sum_budget(k, magnitude[side], exact[side], "float64")
                for side in values
            },
        )


def layer_budgets(
    side: Side, at: PlannedLayer, probe: LayerProbe, values: Parts
) -> dict[str, Exact]:
    """Return what rounding explains in float64, for each quantity of one side's layer."""
    shapes, sums = _shapes(at, probe), _magnitudes(side, at, probe)
    return {
        quantity: sum_budget(
            k,
            np.abs(_of_shape(sums[quantity], shapes[quantity])),
            _of_shape(values[quantity], shapes[quantity]),
            "float64",
        )
        for quantity, k in _roundings(at, len(probe.x)).items()
    }


def _replayed(side: Side, at: PlannedLayer, probe: LayerProbe) -> tuple[dict[str, Parts], Parts]:
    parts = {
        precision: named(network.replay(at.name, probe.x, probe.grad_output), at)
        for precision, network in side.networks.items()
    }
    return parts, _magnitudes(side, at, probe)


def _magnitudes(side: Side, at: PlannedLayer, probe: LayerProbe) -> Parts:
    """Return S of each quantity: the layer run on |x|, |W| and |g|.

    The gradient of the input is taken at x itself, where a maximum sends it.
    """
    grad = np.abs(probe.grad_output)
    sums = named(side.magnitude.replay(at.name, np.abs(probe.x), grad), at)
    routed = side.magnitude.replay(at.name, probe.x, grad)
    return sums | {"grad_input": routed.grad_input}


def _roundings(at: PlannedLayer, batch: int) -> dict[str, int]:
    stated: Mapping[str, int] = at.layer.reductions(at.input, at.output, batch)
    gradients = {f"grad_{name}": stated[name] for name in at.parameters}
    return {"output": stated["output"], "grad_input": stated["grad_input"]} | gradients


def _shapes(at: PlannedLayer, probe: LayerProbe) -> dict[str, Shape]:
    gradients = {f"grad_{name}": shape for name, shape in at.parameters.items()}
    return {"output": probe.grad_output.shape, "grad_input": probe.x.shape} | gradients


def _of_shape(array: Array, shape: Shape) -> Array:
    """Return the array, or zeros where a faulty layer gave another shape: no budget at all."""
    return array if array.shape == shape else np.zeros(shape)
