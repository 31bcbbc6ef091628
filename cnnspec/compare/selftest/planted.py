"""Planting: the NumPy engine with one faulty part, all else its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnspec import address
from cnnspec.backends import Builder, require_cpu
from cnnspec.backends.numpy import LAYERS, OPTIMIZERS, NumPyNetwork
from cnnspec.backends.numpy.cross_entropy import cross_entropy
from cnnspec.backends.parts import Layer
from cnnspec.compare.selftest.faults import LOSS, NETWORK, Fault
from cnnspec.plan import Plan
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Training


def planted_at(fault: Fault, plan: Plan) -> address.Address:
    """Return where a fault is planted: of layers, in the last one where it shows."""
    if fault.where in OPTIMIZERS:
        return address.OPTIMIZER
    if fault.where == LOSS:
        return address.LOSS
    if fault.where == NETWORK:
        return address.STEP
    return address.Layer(fault.layers(plan)[-1].name)


def faulty_builder(fault: Fault, plan: Plan) -> Builder:
    """Return `cnnspec.backends.numpy.build` with a fault in one layer, or in another part.

    The layer is found by its name, so that a part of the plan can be built, too.
    """
    place = planted_at(fault, plan)

    def build(plan: Plan, training: Training, *, device: str) -> NumPyNetwork:
        require_cpu("numpy", device)
        network: Callable[..., NumPyNetwork] = (
            fault.part if fault.where == NETWORK else NumPyNetwork
        )
        return network(
            plan,
            training,
            backend="numpy",
            layers=LAYERS | _layers(fault, plan, place),
            loss=fault.part if fault.where == LOSS else cross_entropy,
            optimizers=OPTIMIZERS
            | ({fault.where: fault.part} if fault.where in OPTIMIZERS else {}),
        )

    return build


def _layers(fault: Fault, plan: Plan, place: address.Address) -> dict[str, Any]:
    """Return what makes the layers of a kind: a faulty one in one place, else the engine's."""
    spoilt = [
        at.layer for at in plan.layers if address.Layer(at.name) == place and at.kind == fault.where
    ]
    if not spoilt:
        return {}

    def make(layer: SpecLayer, input: Shape, output: Shape, dtype: np.dtype) -> Layer:
        part = fault.part if layer is spoilt[0] else LAYERS[fault.where]
        made: Layer = part(layer, input, output, dtype)
        return made

    return {fault.where: make}
