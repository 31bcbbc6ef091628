"""The quantities of a comparison: their names, and all that must be held together."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from cnnspec.address import LOSS, OPTIMIZER, STEP, Address, Layer
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.trace import Array, LayerTrace

OF_LOSS = ("loss", "grad_logits")
"""The quantities of a loss: the mean over the batch, and its gradient."""

OWN_WEIGHTS, OWN_INPUT = "own weights", "own input"
"""Whether a pass leaves the weights, and what it was given, as they were."""

RECEIVED, SENT_BACK = "input", "grad_output"
"""What a layer received within a pass, from those that it reads, and from those that read it."""

OF_PASS = (OWN_WEIGHTS, OWN_INPUT, RECEIVED, SENT_BACK)
"""What is held of a layer besides its quantities."""

PREDICTED = "predicted logits"
OF_STEP = (PREDICTED, "logits", "loss", OWN_INPUT)
"""What is held together of a step besides weights and slots."""

WHOLE_PASS = "whole pass"
"""What the inputs are called that a part receives within a pass."""


def quantities_of(at: PlannedLayer) -> dict[str, tuple[int, ...] | None]:
    """Return the quantities of a layer, and the shapes of those that do not have a batch."""
    gradients = {f"grad_{name}": shape for name, shape in at.parameters.items()}
    return {"output": None, **dict.fromkeys(grad_inputs_of(at)), **gradients, **at.buffers}


def grad_inputs_of(at: PlannedLayer) -> list[str]:
    """Name the gradients of a layer's inputs: `grad_input`, or `grad_input[0]` and so on."""
    if len(at.inputs) == 1:
        return ["grad_input"]
    return [f"grad_input[{number}]" for number in range(len(at.inputs))]


def source_of(plan: Plan, address: Address, quantity: str) -> str | None:
    """Return what gives the input of which a quantity is the gradient, among several inputs.

    That is a layer, or INPUT. None: the quantity is another, or the layer has one input.
    """
    if not isinstance(address, Layer) or quantity == "grad_input":
        return None
    at = plan.layer(address.path)
    return dict(zip(grad_inputs_of(at), at.inputs)).get(quantity)


def named(trace: LayerTrace, at: PlannedLayer) -> dict[str, Array]:
    """Return a layer's arrays by the names of their quantities; a missing one is empty."""
    missing = np.empty(0)
    grad_inputs = dict(zip(grad_inputs_of(at), trace.grad_inputs))
    gradients = {f"grad_{name}": trace.grad_parameters.get(name, missing) for name in at.parameters}
    buffers = {name: trace.buffers.get(name, missing) for name in at.buffers}
    return {"output": trace.output} | grad_inputs | gradients | buffers


def has_batch(quantity: str) -> bool:
    """Tell whether a quantity of a layer has the batch first: its output, an input's gradient."""
    return of_any(quantity) in ("output", "grad_input")


def of_any(quantity: str) -> str:
    """Leave out of which input a gradient is: `grad_input` for `grad_input[1]`."""
    return quantity.partition("[")[0]


def is_of(name: str, parameter: str) -> bool:
    """Tell whether an array is a parameter, or a slot of it."""
    return f"{name}.".startswith(f"{parameter}.")


@dataclass(frozen=True)
class Expected:
    """One quantity that both backends must have been held together in."""

    address: Address
    quantity: str
    group: str
    """What a person counts it among: `outputs`, `parameter gradients`."""


def expected(plan: Plan, slots: Collection[str]) -> Iterator[Expected]:
    """Yield every quantity of a plan; `slots` are the optimizer's, by their full names."""
    groups = {"output": "outputs", "grad_input": "input gradients"}
    for at in plan.layers:
        for quantity in quantities_of(at):
            others = "buffers" if quantity in at.buffers else "parameter gradients"
            group = groups.get(quantity.partition("[")[0], others)
            yield Expected(Layer(at.name), quantity, group)
    for quantity in OF_LOSS:
        yield Expected(LOSS, quantity, "loss and its gradient")
    for name in plan.parameters:
        yield Expected(OPTIMIZER, name, "updated parameters")
    for name in slots:
        yield Expected(OPTIMIZER, name, "optimizer slots")
    yield Expected(STEP, PREDICTED, "prediction")
