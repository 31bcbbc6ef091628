"""The parts of the NumPy engine that faults are planted into, one family of faults each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cnnspec import address
from cnnspec.backends.numpy import LAYERS, OPTIMIZERS
from cnnspec.backends.parts import Layer
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.fault import Family, PlantedFault, anywhere
from cnnspec.compare.planted.wrong import Wrong, spoilt
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.spec.layers import AnyLayer
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.optimizers import AnyOptimizer
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Training


class LayerFamily(Family):
    """Faults of one kind of layer, each in the last layer of a plan in which it shows."""

    def __init__(
        self,
        kind: str,
        drawn: Callable[[Draw, Shape], AnyLayer | None] | None = None,
        *,
        often: int = 1,
        specs: Sequence[str] = (),
    ) -> None:
        """`drawn` draws a layer for an input, `often` times as often as others.

        It need not fit: random specs leave out what does not. A join is not drawn: a spec does not
        write it.
        """
        super().__init__(kind, specs=specs)
        self.kind, self.drawn, self.often = kind, drawn, often

    def wrong(
        self,
        name: str,
        quantity: str,
        causes: str = "",
        *,
        at: Callable[[PlannedLayer], bool] = anywhere,
        quantities: str | None = None,
        layer: type[Layer] | None = None,
    ) -> Callable[[Wrong], Wrong]:
        """Write down what is given in place of one quantity that is right.

        The quantity is `output`, `grad_input` or `grad_` with a parameter's name; `quantities` are
        those of which one may be named first, where they are others. `layer` stands in for the
        engine's own.
        """
        of = layer or LAYERS[self.kind]

        def write_down(wrong: Wrong) -> Wrong:
            self.fault(name, quantities or quantity, causes, at=at)(spoilt(of, quantity, wrong))
            return wrong

        return write_down

    def layers(self, fault: PlantedFault, plan: Plan) -> list[PlannedLayer]:
        """Return the layers in which a fault shows."""
        return [at for at in plan.layers if at.kind == self.kind and fault.at(at)]

    def applies(self, fault: PlantedFault, plan: Plan, training: Training) -> bool:
        return bool(self.layers(fault, plan))

    def place(self, fault: PlantedFault, plan: Plan) -> address.Address:
        return address.Layer(self.layers(fault, plan)[-1].name)

    def parts(self, fault: PlantedFault, plan: Plan, place: address.Address) -> dict[str, Any]:
        spoilt = [at.layer for at in plan.layers if address.Layer(at.name) == place]

        def make(layer: SpecLayer, input: Shape, output: Shape, dtype: np.dtype) -> Layer:
            part = fault.part if any(layer is one for one in spoilt) else LAYERS[self.kind]
            made: Layer = part(layer, input, output, dtype)
            return made

        return {"layers": LAYERS | {self.kind: make}}


class LossFamily(Family):
    """Faults of one kind of loss."""

    def __init__(self, name: str, kind: str, *, specs: Sequence[str] = ()) -> None:
        super().__init__(name, specs=specs)
        self.kind = kind

    def applies(self, fault: PlantedFault, plan: Plan, training: Training) -> bool:
        return training.loss.keyword == self.kind

    def place(self, fault: PlantedFault, plan: Plan) -> address.Address:
        return address.LOSS

    def parts(self, fault: PlantedFault, plan: Plan, place: address.Address) -> dict[str, Any]:
        return {"loss": fault.part}


class OptimizerFamily(Family):
    """Faults of one kind of optimizer."""

    def __init__(
        self, kind: str, drawn: Callable[[Draw], AnyOptimizer], *, specs: Sequence[str] = ()
    ) -> None:
        super().__init__(kind, specs=specs)
        self.kind, self.drawn = kind, drawn

    def applies(self, fault: PlantedFault, plan: Plan, training: Training) -> bool:
        return training.optimizer.keyword == self.kind

    def place(self, fault: PlantedFault, plan: Plan) -> address.Address:
        return address.OPTIMIZER

    def parts(self, fault: PlantedFault, plan: Plan, place: address.Address) -> dict[str, Any]:
        return {"optimizers": OPTIMIZERS | {self.kind: fault.part}}


class NetworkFamily(Family):
    """Faults of what ties the parts together."""

    def place(self, fault: PlantedFault, plan: Plan) -> address.Address:
        return address.STEP

    def parts(self, fault: PlantedFault, plan: Plan, place: address.Address) -> dict[str, Any]:
        return {"network": fault.part}


class WaysFamily(NetworkFamily):
    """Faults of the ways between layers."""

    def __init__(self, name: str, first: Callable[[Plan], str | None]) -> None:
        """`first` names the first layer in which they show; None: they do not."""
        super().__init__(name)
        self._first = first

    def applies(self, fault: PlantedFault, plan: Plan, training: Training) -> bool:
        return self._first(plan) is not None

    def place(self, fault: PlantedFault, plan: Plan) -> address.Address:
        name = self._first(plan)
        assert name is not None
        return address.Layer(name)
