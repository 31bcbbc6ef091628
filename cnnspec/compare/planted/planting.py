"""Planting: the NumPy engine with one faulty part, all else its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cnnspec.backends import Builder
from cnnspec.backends.device import require_cpu
from cnnspec.backends.numpy import LAYERS, LOSSES, OPTIMIZERS, NumPyNetwork
from cnnspec.compare.planted.fault import PlantedFault
from cnnspec.plan import Plan
from cnnspec.spec.training import Training


def faulty_builder(fault: PlantedFault, plan: Plan) -> Builder:
    """Return `cnnspec.backends.numpy.build` with a fault in one layer, or in another part.

    The layer is found by its name, so that a part of the plan can be built, too.
    """
    place = fault.family.place(fault, plan)

    def build(plan: Plan, training: Training, *, device: str) -> NumPyNetwork:
        require_cpu("numpy", device)
        plan = _with_layers_of_their_own(plan)
        own: dict[str, Any] = {
            "layers": LAYERS,
            "loss": LOSSES[training.loss.keyword],
            "optimizers": OPTIMIZERS,
        }
        parts = own | fault.family.parts(fault, plan, place)
        network = parts.pop("network", NumPyNetwork)
        made: NumPyNetwork = network(plan, training, backend="numpy", **parts)
        return made

    return build


def _with_layers_of_their_own(plan: Plan) -> Plan:
    """Return a plan in which no two layers have the same options: repeated ones share theirs."""
    layers = [replace(at, layer=at.layer.model_copy()) for at in plan.layers]
    return replace(plan, layers=tuple(layers))
