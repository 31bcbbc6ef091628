"""What the diagnosis of layers is tried on: right layers, their probes, and what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from cnnspec.backends.loops import LAYERS
from cnnspec.compare.causes import diagnose_layer
from cnnspec.compare.faults.fault import LayerSituation, Observation
from cnnspec.compare.kinds import LAYERS as REFEREE
from cnnspec.compare.probes.draw import mask_probe
from cnnspec.compare.verdict import Cause
from cnnspec.compare.verdict.quantities import grad_inputs_of
from cnnspec.numerics.budget import Exact, sum_budget
from cnnspec.plan import part
from cnnspec.randomness import stream
from cnnspec.spec.layers import Layer
from cnnspec.spec.sizes import Shape

Parts = dict[str, Exact]
Faulty = Callable[[LayerSituation, Parts], Exact]
"""What a faulty layer gives, from what it is given and from what is right."""


@dataclass(frozen=True)
class Setting:
    """A layer, its probes, and what is right on each."""

    situations: list[LayerSituation]
    truths: list[Parts]

    def diagnose(self, quantity: str, faulty: Faulty, *, two: bool = False) -> Cause | None:
        """Name the cause of a fault, of which other probes may know, too."""
        return diagnose_layer(self.observe(quantity, faulty), two=two)

    def observe(self, quantity: str, faulty: Faulty) -> list[Observation[LayerSituation]]:
        """Return what a faulty layer gives on each probe, and what is right."""
        return [
            Observation(
                situation, quantity, faulty(situation, truth), truth[quantity], bounds[quantity]
            )
            for situation, truth, bounds in zip(self.situations, self.truths, self.bounds)
        ]

    @cached_property
    def bounds(self) -> list[Parts]:
        """What rounding explains on each probe."""
        return [self.budgets(at, truth) for at, truth in zip(self.situations, self.truths)]

    def budgets(self, situation: LayerSituation, truth: Parts) -> Parts:
        """Return what rounding explains of two sides."""
        kind = REFEREE[situation.at.kind]
        bounds = (
            budgets_of_sums(situation, truth) if kind.is_sum else kind.budgets(situation, "float64")
        )
        return {name: 2 * bound for name, bound in bounds.items()}


def setting(layer: Layer, *shapes: Shape, spread: float = 1.0) -> Setting:
    """Probe a layer as the referee does: three random images, one of ties, and seven.

    It receives something of each shape, times a spread: a join, more than one.
    """
    layer = layer.model_copy(update={"name": "layer"}).resolved("layer", shapes[0])
    at = part(layer, "layer", *shapes).layers[0]
    if len(shapes) > 1:
        at = replace(at, inputs=tuple("abcd"[: len(shapes)]))
    random = stream(0, "tests", "causes", at.kind, str(layer))
    state = {name: random.uniform(0.5, 1.5, own) for name, own in at.state.items()}
    if len(at.parameters.get("weight", ())) > 1:  # filters, no factors
        state["weight"] = random.normal(size=at.parameters["weight"])
    least = layer.least_batch(shapes[0])
    inputs = {
        "random": tuple(random.normal(size=(3, *shape)) for shape in shapes),
        "ties": tuple(random.integers(-1, 2, size=(least, *s)).astype(float) for s in shapes),
        "data": tuple(random.normal(0.5, 2, size=(7, *shape)) for shape in shapes),
    }
    situations = [
        LayerSituation(
            at,
            name,
            tuple(spread * each for each in given),
            random.normal(size=(len(given[0]), *at.output)),
            {name: state[name] for name in at.parameters},
            {name: state[name] for name in at.buffers},
            mask_probe(at, len(given[0]), random),
        )
        for name, given in inputs.items()
    ]
    return Setting(situations, [right(situation) for situation in situations])


def right(situation: LayerSituation) -> Parts:
    """Ask the textbook's loops."""
    at = situation.at
    received: Any = at.input_shapes if len(at.inputs) > 1 else at.input
    layer = LAYERS[at.kind](at.layer, received, at.output, np.dtype(float))
    for name in layer.parameters:
        layer.parameters[name] = situation.parameters[name].copy()
    for name in layer.buffers:
        layer.buffers[name] = situation.buffers[name].copy()
    drawn = {} if situation.noise is None else {"mask": situation.noise}
    output = layer.forward(*(x.copy() for x in situation.inputs), **drawn)
    gradients = layer.parameter_gradients(situation.grad_output)
    return {
        "output": output,
        **dict(zip(grad_inputs_of(at), layer.input_gradients(situation.grad_output))),
        **{f"grad_{name}": array for name, array in gradients.items()},
        **layer.buffers,
    }


def budgets_of_sums(situation: LayerSituation, truth: Parts) -> Parts:
    """Return what rounding explains of one side, from the loops on magnitudes."""
    at = situation.at
    sums = right(situation.magnitudes())
    # A maximum sends its gradient where x itself has it.
    routed = right(replace(situation.magnitudes(), inputs=situation.inputs))
    sums |= {name: routed[name] for name in grad_inputs_of(at)}
    stated = REFEREE[at.kind].roundings(at, len(situation.grad_output))
    return {
        name: sum_budget(stated[_stated(name)], sums[name], value, "float64")
        for name, value in truth.items()
    }


def _stated(quantity: str) -> str:
    kind = quantity.partition("[")[0]
    return kind if kind == "grad_input" else quantity.removeprefix("grad_")


def weight_of(at: LayerSituation) -> Exact:
    return at.parameters["weight"]


def bias_of(at: LayerSituation) -> Exact:
    return at.parameters["bias"]


def with_weight(at: LayerSituation, weight: Exact) -> Parts:
    """Return what is right with another weight."""
    return right(replace(at, parameters={**at.parameters, "weight": weight}))


def with_gradient(at: LayerSituation, gradient: Exact) -> Parts:
    """Return what is right with another upstream gradient."""
    return right(replace(at, grad_output=gradient))


def with_x(at: LayerSituation, x: Exact) -> Parts:
    """Return what is right with another input."""
    return right(replace(at, inputs=(x,)))


def of_last_image(at: LayerSituation, quantity: str) -> Exact:
    """Return what is overwritten image by image, where it should be added."""
    noise = None if at.noise is None else at.noise[-1:]
    last = replace(at, inputs=(at.x[-1:],), grad_output=at.grad_output[-1:], noise=noise)
    return right(last)[quantity]
