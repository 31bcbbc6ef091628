"""The weights of a network, for bounds on what its layers make of arrays that are off already."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cnnspec.backends import numpy as engine
from cnnspec.compare.verdict.quantities import named
from cnnspec.numerics.budget import Exact, sum_budget
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.spec.training import Training
from cnnspec.trace import Array

Errors = dict[str, Exact]


class Weights:
    """The weights of a network, and sums of magnitudes with them, in float64.

    The sums are the NumPy engine's: no side can widen its own bounds.
    """

    def __init__(self, plan: Plan, training: Training, precision: str) -> None:
        """`precision` is that of the roundings that are bounded."""
        self._plan, self.training, self.precision = plan, training, precision
        in_float64 = training.model_copy(update={"precision": "float64"})
        self._network = engine.build(plan, in_float64, device="cpu")
        self.state: dict[str, Exact] = {}
        self.masks: Mapping[str, NDArray[np.bool]] = {}

    def load(
        self, state: Mapping[str, Array], masks: Mapping[str, NDArray[np.bool]] | None = None
    ) -> None:
        """Take over the weights of a network, and what layers drew in the pass that is bounded."""
        self.state = {name: array.astype(np.float64) for name, array in state.items()}
        self.masks = masks or {}

    def in_float64(self) -> Weights:
        """Return the same weights, for bounds of float64."""
        other = Weights(self._plan, self.training, "float64")
        other.load(self.state, self.masks)
        return other

    def of_layer(self, at: PlannedLayer) -> Errors:
        """Return a layer's parameters and buffers by their own names."""
        return {name: self.state[f"{at.name}.{name}"] for name in at.state}

    def sums(self, at: PlannedLayer, x: Exact, grad: Exact, *, biased: bool = False) -> Errors:
        """Return the sums of a layer of magnitudes; without its bias it is linear in x."""
        state = {
            name: np.zeros_like(array) if name == "bias" and not biased else np.abs(array)
            for name, array in self.of_layer(at).items()
        }
        noise = self.masks.get(at.name)
        found = named(self._network.replay(at.name, [x], grad, state=state, noise=noise), at)
        return {quantity: array.astype(np.float64) for quantity, array in found.items()}

    def evaluated(self, images: Array) -> dict[str, Exact]:
        """Return the output of each layer in evaluation."""
        self._network.load_state(self.state)
        found = self._network.evaluated(images)
        return {name: array.astype(np.float64) for name, array in found.items()}

    def own(self, k: int, size: Exact) -> Exact:
        """Bound the roundings of a layer's own sums: k for each term, which come to a size."""
        return sum_budget(k, size, size, self.precision)
