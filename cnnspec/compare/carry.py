"""What each kind of layer makes of arrays that are off already, and what it adds.

x is off by at most e, and the upstream gradient g by at most d. Of a sum of products of W and x,
the error of x makes |W| e, and the layer's own roundings at most its budget for |x| + e
(`cnnspec.compare.budget`). Layers that select pass errors on; where rounding may turn a decision
(a relu with |x| <= 2 e, as x itself may be off; windows whose two greatest cells meet), a
gradient may go either way, and is off by all of |g| + d.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from cnnspec.backends import numpy as engine
from cnnspec.compare.budget import Exact, sum_budget
from cnnspec.compare.carry_norm import BatchNormCarry
from cnnspec.compare.side import named
from cnnspec.compare.windows import sum_over_windows, two_greatest_meet, windows
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.spec.layers import Pool
from cnnspec.spec.training import Training
from cnnspec.trace import Array

Errors = dict[str, Exact]


class Weights:
    """The weights of a network, and sums of magnitudes with them, in float64.

    The sums are the NumPy engine's: no side can widen its own bounds.
    """

    def __init__(self, plan: Plan, training: Training, precision: str) -> None:
        """`precision` is that of the roundings that are bounded."""
        self._plan, self._training, self.precision = plan, training, precision
        in_float64 = training.model_copy(update={"precision": "float64"})
        self._network = engine.build(plan, in_float64, device="cpu")
        self.state: dict[str, Exact] = {}

    def load(self, state: Mapping[str, Array]) -> None:
        """Take over the weights of a network."""
        self.state = {name: array.astype(np.float64) for name, array in state.items()}

    def in_float64(self) -> Weights:
        """Return the same weights, for bounds of float64."""
        other = Weights(self._plan, self._training, "float64")
        other.load(self.state)
        return other

    def of_layer(self, at: PlannedLayer) -> Errors:
        """Return a layer's parameters and buffers by their own names."""
        return {name: self.state[f"{at.name}.{name}"] for name in at.state}

    def sums(self, at: PlannedLayer, x: Exact, grad: Exact, *, biased: bool = False) -> Errors:
        """Return the sums of a layer of magnitudes; without its bias it is linear in x."""
        self._network.load_state(
            {
                name: np.zeros_like(array)
                if name == f"{at.name}.bias" and not biased
                else np.abs(array)
                for name, array in self.state.items()
            }
        )
        found = named(self._network.replay(at.name, x, grad), at)
        return {quantity: array.astype(np.float64) for quantity, array in found.items()}

    def evaluated_inputs(self, images: Array) -> list[Exact]:
        """Return what each layer receives in evaluation."""
        self._network.load_state(self.state)
        return [x.astype(np.float64) for x in self._network.evaluated_inputs(images)]

    def own(self, at: PlannedLayer, quantity: str, size: Exact, images: int) -> Exact:
        """Bound the roundings of a layer's own sums, whose terms come to a size."""
        k = at.layer.reductions(at.input, at.output, images)
        return sum_budget(k[quantity], size, size, self.precision)


class Carry(Protocol):
    """One kind of layer. Arrays are (n, ...), parameters' errors by their names in the layer."""

    def forward(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        """Bound the error of the output in training."""

    def predict(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        """Bound the error of the output in evaluation."""

    def backward(
        self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact, g: Exact, d: Exact
    ) -> tuple[Exact, Errors]:
        """Bound the errors of the input's gradient and of the parameters'."""

    def buffers(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Errors:
        """Bound the errors of the buffers after a pass."""


class SumsCarry:
    """Sums of products, with a bias or without: conv, linear, average pool."""

    def forward(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        nothing = np.zeros((len(x), *at.output))
        size = weights.sums(at, np.abs(x) + e, nothing, biased=True)["output"]
        carried = weights.sums(at, e, nothing)["output"]
        return carried + weights.own(at, "output", size, len(x))

    predict = forward

    def backward(
        self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact, g: Exact, d: Exact
    ) -> tuple[Exact, Errors]:
        size, n = np.abs(g) + d, len(x)
        whole = weights.sums(at, np.abs(x) + e, size)
        of_x, of_g = weights.sums(at, e, size), weights.sums(at, np.abs(x), d)
        errors = {}
        for name in at.parameters:
            key = f"grad_{name}"
            carried = of_g[key] if name == "bias" else of_g[key] + of_x[key]
            errors[name] = carried + weights.own(at, name, whole[key], n)
        own = weights.own(at, "grad_input", whole["grad_input"], n)
        return of_g["grad_input"] + own, errors

    def buffers(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Errors:
        return {}


class ReLUCarry(SumsCarry):
    """max(x, 0): no slope is steeper than 1, and there is none far below 0."""

    def forward(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        return np.where(x > -2 * e, e, 0.0)

    def predict(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        return self.forward(at, weights, x, e)

    def backward(
        self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact, g: Exact, d: Exact
    ) -> tuple[Exact, Errors]:
        either = (np.abs(x) <= 2 * e) & (e > 0)
        return np.where(either, np.abs(g) + d, np.where(x > 0, d, 0.0)), {}


class FlattenCarry(SumsCarry):
    """The same numbers in a row."""

    def forward(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        return e.reshape(len(x), *at.output)

    predict = forward

    def backward(
        self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact, g: Exact, d: Exact
    ) -> tuple[Exact, Errors]:
        return d.reshape(x.shape), {}


class MaxPoolCarry(SumsCarry):
    """The greatest of each window."""

    def forward(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        greatest: Exact = windows(at, e, 0.0).max(axis=-1)
        return greatest

    predict = forward

    def backward(
        self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact, g: Exact, d: Exact
    ) -> tuple[Exact, Errors]:
        either = two_greatest_meet(at, x, 2 * e)
        size = np.abs(g) + d
        routed = weights.sums(at, x, np.where(either, 0.0, d))["grad_input"]
        carried = routed + sum_over_windows(at, np.where(either, size, 0.0))
        own = weights.own(at, "grad_input", sum_over_windows(at, size), len(x))
        return carried + own, {}


class PoolCarry(SumsCarry):
    """A pool of either kind."""

    def forward(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        return _of_pool(at).forward(at, weights, x, e)

    predict = forward

    def backward(
        self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact, g: Exact, d: Exact
    ) -> tuple[Exact, Errors]:
        return _of_pool(at).backward(at, weights, x, e, g, d)


def _of_pool(at: PlannedLayer) -> SumsCarry:
    assert isinstance(at.layer, Pool)
    return MaxPoolCarry() if at.layer.kind == "max" else SumsCarry()


CARRIES: Mapping[str, Carry] = {
    "conv": SumsCarry(),
    "linear": SumsCarry(),
    "relu": ReLUCarry(),
    "pool": PoolCarry(),
    "flatten": FlattenCarry(),
    "batch_norm": BatchNormCarry(),
}
"""By the kind of the layer."""
