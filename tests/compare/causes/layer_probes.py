"""What the diagnosis of layers is tried on: right layers, their probes, and what was found."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from cnnspec.backends.loops import LAYERS
from cnnspec.compare.budget import Exact, sum_budget
from cnnspec.compare.budget_norm import batch_norm_budgets
from cnnspec.compare.causes import Cause, LayerSituation, Observation
from cnnspec.compare.causes.layers import diagnose_layer
from cnnspec.plan import INPUT, PlannedLayer
from cnnspec.randomness import stream
from cnnspec.spec.layers import AnyLayer, BatchNorm
from cnnspec.spec.sizes import Shape

Parts = dict[str, Exact]
Faulty = Callable[[LayerSituation, Parts], Exact]
"""What a faulty layer gives, from what it is given and from what is right."""


@dataclass(frozen=True)
class Setting:
    """A layer, its probes, and what is right on each."""

    situations: list[LayerSituation]
    truths: list[Parts]

    def diagnose(self, quantity: str, faulty: Faulty) -> Cause | None:
        """Name the cause of a fault, of which other probes may know, too."""
        return diagnose_layer(
            [
                Observation(
                    situation,
                    quantity,
                    faulty(situation, truth),
                    truth[quantity],
                    bounds[quantity],
                )
                for situation, truth, bounds in zip(self.situations, self.truths, self.bounds)
            ]
        )

    @cached_property
    def bounds(self) -> list[Parts]:
        """What rounding explains on each probe."""
        return [budgets(situation, truth) for situation, truth in zip(self.situations, self.truths)]


def setting(layer: AnyLayer, shape: Shape) -> Setting:
    """Probe a layer as the referee does: three random images, one of ties, and seven."""
    layer = layer.model_copy(update={"name": "layer"})
    at = PlannedLayer(
        "layer",
        layer.resolved("layer", shape),
        (INPUT,),
        (shape,),
        layer.output_shape(shape),
        layer.parameters(shape),
        layer.buffers(shape),
        layer.macs(shape, layer.output_shape(shape)),
    )
    random = stream(0, "tests", "causes", at.kind, str(layer))
    state = {name: random.uniform(0.5, 1.5, own) for name, own in at.state.items()}
    if "weight" in at.parameters and at.kind != "batch_norm":
        state["weight"] = random.normal(size=at.parameters["weight"])
    single = 1 if at.kind != "batch_norm" or math.prod(shape[1:]) > 1 else 2
    inputs = {
        "random": random.normal(size=(3, *shape)),
        "ties": random.integers(-1, 2, size=(single, *shape)).astype(float),
        "data": random.normal(0.5, 2, size=(7, *shape)),
    }
    situations = [
        LayerSituation(
            at,
            name,
            x,
            random.normal(size=(len(x), *at.output)),
            {name: state[name] for name in at.parameters},
            {name: state[name] for name in at.buffers},
        )
        for name, x in inputs.items()
    ]
    return Setting(situations, [right(situation) for situation in situations])


def right(situation: LayerSituation) -> Parts:
    """Ask the textbook's loops."""
    at = situation.at
    layer = LAYERS[at.kind](at.layer, at.input, at.output, np.dtype(float))
    for name in layer.parameters:
        layer.parameters[name] = situation.parameters[name].copy()
    for name in layer.buffers:
        layer.buffers[name] = situation.buffers[name].copy()
    output = layer.forward(situation.x.copy())
    gradients = layer.parameter_gradients(situation.grad_output)
    return {
        "output": output,
        "grad_input": layer.input_gradient(situation.grad_output),
        **{f"grad_{name}": array for name, array in gradients.items()},
        **layer.buffers,
    }


def budgets(situation: LayerSituation, truth: Parts) -> Parts:
    """Return what rounding explains: from the loops on magnitudes, and the derivation."""
    at = situation.at
    if isinstance(at.layer, BatchNorm):
        own = situation.x, situation.parameters, situation.buffers, situation.grad_output
        return {
            name: 2 * bound for name, bound in batch_norm_budgets(at.layer, *own, "float64").items()
        }
    sums = right(situation.magnitudes())
    # A maximum sends its gradient where x itself has it.
    routed = right(replace(situation.magnitudes(), x=situation.x))
    sums["grad_input"] = routed["grad_input"]
    stated = at.layer.reductions(at.input, at.output, len(situation.x))
    return {
        name: 2 * sum_budget(stated[_stated(name)], sums[name], value, "float64")
        for name, value in truth.items()
    }


def _stated(quantity: str) -> str:
    return quantity if quantity == "grad_input" else quantity.removeprefix("grad_")
