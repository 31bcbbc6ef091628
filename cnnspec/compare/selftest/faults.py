"""Fault: a mistake that people make, and what a referee should say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from cnnspec.address import Address
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.spec.training import Training

LOSS = "loss"
NETWORK = "network"

Part = TypeVar("Part", bound=Callable[..., Any])


def anywhere(at: PlannedLayer) -> bool:
    """Tell that a fault of a layer shows in all of its settings."""
    return True


def in_any(training: Training) -> bool:
    """Tell that a fault shows in every training."""
    return True


@dataclass(frozen=True)
class Fault:
    """A mistake that people make, planted into a copy of one of our own parts."""

    name: str
    words: str
    """What is wrong, in words."""
    where: str
    """A kind of layer, `loss`, the keyword of an optimizer, or `network`."""
    quantities: frozenset[str]
    """Those of which one may rightly be named first; of parameters, the last part of the name."""
    causes: frozenset[str]
    """Codes that are a right diagnosis; none where the fault is not on the closed list."""
    part: Callable[..., Any]
    """The faulty layer, loss, optimizer or network, in place of the engine's own."""
    at: Callable[[PlannedLayer], bool] = anywhere
    """Whether the fault shows in a layer of its kind."""
    training: Callable[[Training], bool] = in_any
    """Whether the fault shows in a training."""
    place: Address | None = None
    """Where a referee should name it, if not where it is planted."""

    def layers(self, plan: Plan) -> list[PlannedLayer]:
        """Return the layers in which it shows."""
        return [at for at in plan.layers if at.kind == self.where and self.at(at)]

    def applies(self, plan: Plan, training: Training) -> bool:
        """Tell whether it shows on a spec."""
        if not self.training(training):
            return False
        if self.where in (LOSS, NETWORK):
            return True
        return self.where == training.optimizer.keyword or bool(self.layers(plan))


class Family:
    """The faults of one part of the engine, in the order in which they are written down."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.faults: list[Fault] = []

    def fault(
        self,
        name: str,
        quantities: str,
        causes: str = "",
        *,
        at: Callable[[PlannedLayer], bool] = anywhere,
        training: Callable[[Training], bool] = in_any,
        place: Address | None = None,
    ) -> Callable[[Part], Part]:
        """Write down a faulty part, whose docstring says what is wrong.

        `quantities` are separated by commas, `causes` by spaces.
        """

        def write_down(part: Part) -> Part:
            self.faults.append(
                Fault(
                    f"{self.where}-{name}",
                    part.__doc__ or "",
                    self.where,
                    frozenset(quantities.split(",")),
                    frozenset(causes.split()),
                    part,
                    at,
                    training,
                    place,
                )
            )
            return part

        return write_down
