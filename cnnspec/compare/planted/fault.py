"""PlantedFault: a mistake that people make, and what a referee should say of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cnnspec.address import Address
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.spec.load import parse_spec
from cnnspec.spec.training import Training

Part = TypeVar("Part", bound=Callable[..., Any])


def anywhere(at: PlannedLayer) -> bool:
    """Tell that a fault of a layer shows in all of its settings."""
    return True


def in_any(training: Training) -> bool:
    """Tell that a fault shows in every training."""
    return True


@dataclass(frozen=True)
class PlantedFault:
    """A mistake that people make, planted into a copy of one of our own parts."""

    name: str
    words: str
    """What is wrong, in words."""
    family: Family
    """The part of the engine that it is planted into."""
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
    elsewhere: Address | None = None
    """Where a referee should name it, if not where it is planted."""

    def applies(self, plan: Plan, training: Training) -> bool:
        """Tell whether it shows on a spec."""
        return self.family.applies(self, plan, training) and self.training(training)

    def place(self, plan: Plan) -> Address:
        """Return where a referee should name it."""
        return self.elsewhere or self.family.place(self, plan)


class Family(ABC):
    """The faults of one part of the engine, in the order in which they are written down."""

    def __init__(self, name: str, *, specs: Sequence[str] = ()) -> None:
        """`specs`: what its own faults are planted on besides the specs for all, in the dialect."""
        self.name = name
        self.faults: list[PlantedFault] = []
        self.specs = [parse_spec(text) for text in specs]

    def fault(
        self,
        name: str,
        quantities: str,
        causes: str = "",
        *,
        at: Callable[[PlannedLayer], bool] = anywhere,
        training: Callable[[Training], bool] = in_any,
        elsewhere: Address | None = None,
    ) -> Callable[[Part], Part]:
        """Write down a faulty part, whose docstring says what is wrong.

        `quantities` are separated by commas, `causes` by spaces.
        """

        def write_down(part: Part) -> Part:
            self.faults.append(
                PlantedFault(
                    f"{self.name}-{name}",
                    part.__doc__ or "",
                    self,
                    frozenset(quantities.split(",")),
                    frozenset(causes.split()),
                    part,
                    at,
                    training,
                    elsewhere,
                )
            )
            return part

        return write_down

    def applies(self, fault: PlantedFault, plan: Plan, training: Training) -> bool:
        """Tell whether a plan and a training have the part, where the fault shows."""
        return True

    @abstractmethod
    def place(self, fault: PlantedFault, plan: Plan) -> Address:
        """Return where a fault is planted."""

    @abstractmethod
    def parts(self, fault: PlantedFault, plan: Plan, place: Address) -> dict[str, Any]:
        """Return what a network of a plan is built of in place of the engine's own."""
