"""How faults of pooling are computed: other ways through the right windows, or other windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction, computed
from cnnspec.compare.kinds.pool.pooling import FORWARD, ROUTE, SUM, Forward, Pooling, Route
from cnnspec.numerics.budget import Exact

Observed = Observation[LayerSituation]
PoolFault = Fault[LayerSituation]


Change = Callable[[Pooling], Pooling]
Compute = Callable[[Pooling], Prediction]


def output(code: str, sentence: str, forward: Forward) -> PoolFault:
    """Return a fault of the output."""
    return Fault(code, ("output",), sentence, Way(lambda pooling: _output(pooling, forward)))


def routed(code: str, sentence: str, route: Route) -> PoolFault:
    """Return a fault of the gradient, which is shared out by a route, and added up."""
    return Fault(code, ("grad_input",), sentence, Way(lambda pooling: _routed(pooling, route)))


def gradient(code: str, sentence: str, compute: Callable[[Pooling], Exact]) -> PoolFault:
    """Return a fault of the gradient, computed by itself."""

    def predict(pooling: Pooling) -> Prediction:
        magnitude = replace(pooling, grad_output=np.abs(pooling.grad_output))
        return computed(compute(pooling), compute(magnitude), pooling.roundings)

    return Fault(code, ("grad_input",), sentence, Way(predict))


@dataclass(frozen=True)
class Way:
    """Another way through the windows, the right ones or changed ones."""

    compute: Compute | None = None
    """None: the right one."""
    change: Change | None = None

    def __call__(self, observation: Observed) -> Prediction | None:
        """Predict what is observed; None where an output is the right one, or has no windows."""
        right = Pooling.of(observation.situation)
        changed = self.change(right) if self.change else right
        if self.change and observation.quantity == "output":
            same = changed.geometry == right.geometry and changed.x is right.x
            if self.compute is None and same:
                return None
            counts = observation.found.shape[2:]
            if len(counts) == 2 and observation.found.shape != observation.wanted.shape:
                changed = replace(changed, counts=(counts[0], counts[1]))
        if not all(changed.counts):
            return None
        return self.compute(changed) if self.compute else _right(observation.quantity, changed)

    def beside(self, other: Any) -> Way | None:
        """Go through the windows that the other one changes, or change them once more."""
        if not isinstance(other, Way) or (self.compute and other.compute):
            return None
        changes = [way.change for way in (self, other) if way.change]
        return Way(self.compute or other.compute, partial(_in_turn, changes))


def _in_turn(changes: Sequence[Change], pooling: Pooling) -> Pooling:
    for change in changes:
        pooling = change(pooling)
    return pooling


def _right(quantity: str, pooling: Pooling) -> Prediction:
    if quantity == "output":
        return _output(pooling, FORWARD[pooling.kind])
    return _routed(pooling, ROUTE[pooling.kind])


def right_pool(observation: Observed) -> Prediction:
    """Return what is right, with what rounding allows."""
    return _right(observation.quantity, Pooling.of(observation.situation))


def _output(pooling: Pooling, forward: Forward) -> Prediction:
    magnitude = SUM(replace(pooling, x=np.abs(pooling.x)))
    return computed(forward(pooling), magnitude, pooling.roundings)


def _routed(pooling: Pooling, route: Route) -> Prediction:
    shares = route(pooling)
    value, magnitude = (
        pooling.spread(shares * grad) for grad in (pooling.grad_output, np.abs(pooling.grad_output))
    )
    return computed(value, magnitude, pooling.roundings)
