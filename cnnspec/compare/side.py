"""One backend in a comparison: its networks, and the parts of them by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from cnnspec.backends import build
from cnnspec.backends.network import Network
from cnnspec.initial import initial_weights
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.spec.training import TorchDefault, Training
from cnnspec.trace import Array, LayerTrace

PRECISIONS = ("float64", "float32")


class Side:
    """One backend's networks: in both precisions, and in float64 with |weights|.

    All have the same weights, float32 numbers with biases that are not 0 (a spec may
    start from biases of 0, which would hide a bias that is never added).
    """

    def __init__(self, plan: Plan, training: Training, backend: str, device: str) -> None:
        weights = initial_weights(replace(plan, initialization=TorchDefault()), training.seed)

        def network(precision: str, state: Mapping[str, Array]) -> Network:
            changed = training.model_copy(update={"precision": precision})
            built = build(plan, changed, backend, device=device)
            built.load_state(state)
            return built

        magnitudes = {name: np.abs(array) for name, array in weights.items()}
        self.backend = backend
        self.networks = {precision: network(precision, weights) for precision in PRECISIONS}
        self.exact = self.networks["float64"]
        self.magnitude = network("float64", magnitudes)


def named(trace: LayerTrace, at: PlannedLayer) -> dict[str, Array]:
    """Return a layer's arrays by the names of their quantities; a missing one is empty."""
    missing = np.empty(0)
    gradients = {f"grad_{name}": trace.grad_parameters.get(name, missing) for name in at.parameters}
    return {"output": trace.output, "grad_input": trace.grad_input} | gradients
