"""What a step costs at least: arithmetic of its products, and memory that it must touch.

Each layer reads its input and its parameters and writes its output once, and backward the same
of the gradients: whatever an implementation reads or writes besides is its own affair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cnnspec.plan import Plan, PlannedLayer
from cnnspec.spec.training import Training


@dataclass(frozen=True)
class Cost:
    """Work of one call."""

    flops: float
    """Multiplications and additions of sums of products."""
    bytes: float
    """Memory that is read or written."""

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.flops + other.flops, self.bytes + other.bytes)


NOTHING = Cost(0, 0)


@dataclass(frozen=True)
class LayerCost:
    """Work of one layer in a training step."""

    forward: Cost
    backward: Cost


def layer_costs(plan: Plan, batch: int, training: Training) -> dict[str, LayerCost]:
    """Return the cost of each layer for a batch; nobody asks for the gradient of the images."""
    found, learns_before = {}, False
    for at in plan.layers:
        found[at.name] = _layer_cost(at, batch, _item(training), learns_before)
        learns_before = learns_before or bool(at.parameters)
    return found


def optimizer_cost(plan: Plan, training: Training) -> Cost:
    """Return what an update reads and writes: weights, gradients and slots."""
    slots = len(training.optimizer.slots)
    return Cost(0, plan.parameter_count * _item(training) * (3 + 2 * slots))


def predict_cost(plan: Plan, batch: int, training: Training) -> list[Cost]:
    """Return the parts of a prediction."""
    return [cost.forward for cost in layer_costs(plan, batch, training).values()]


def step_cost(plan: Plan, batch: int, training: Training) -> list[Cost]:
    """Return the parts of a training step."""
    layers = layer_costs(plan, batch, training).values()
    passes = [part for cost in layers for part in (cost.forward, cost.backward)]
    return [*passes, optimizer_cost(plan, training)]


def _item(training: Training) -> int:
    return {"float32": 4, "float64": 8}[training.precision]


def _layer_cost(at: PlannedLayer, batch: int, item: int, needs_input_gradient: bool) -> LayerCost:
    if at.layer.only_reshapes:  # the same memory
        return LayerCost(NOTHING, NOTHING)
    x, y = (batch * math.prod(shape) * item for shape in (at.input, at.output))
    product = Cost(2 * batch * at.macs, x + y + at.parameter_count * item)
    backward = product if at.parameters else NOTHING
    if needs_input_gradient and at.parameters:
        backward += product
    elif needs_input_gradient:
        backward = Cost(0, 2 * x + y)
    return LayerCost(product, backward)
