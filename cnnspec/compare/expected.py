"""Everything that a comparison should hold together."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from cnnspec.address import LOSS, OPTIMIZER, STEP, Address, Layer
from cnnspec.compare.kinds.loss import OF_LOSS
from cnnspec.compare.replay_step import PREDICTED
from cnnspec.compare.side import quantities_of
from cnnspec.plan import Plan


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
