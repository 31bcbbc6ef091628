"""How faults of pooling are computed: other ways through the right windows, or other windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction, computed
from cnnspec.compare.kinds.pool.pooling import FORWARD, ROUTE, SUM, Forward, Pooling, Route
from cnnspec.numerics.budget import Exact

Observed = Observation[LayerSituation]
PoolFault = Fault[LayerSituation]


def output(code: str, sentence: str, forward: Forward) -> PoolFault:
    """Return a fault of the output."""
    return Fault(
        code,
        ("output",),
        sentence,
        lambda observation: _output(Pooling.of(observation.situation), forward),
    )


def routed(code: str, sentence: str, route: Route) -> PoolFault:
    """Return a fault of the gradient, which is shared out by a route, and added up."""
    return Fault(
        code,
        ("grad_input",),
        sentence,
        lambda observation: _routed(Pooling.of(observation.situation), route),
    )


def gradient(code: str, sentence: str, compute: Callable[[Pooling], Exact]) -> PoolFault:
    """Return a fault of the gradient, computed by itself."""

    def predict(observation: Observed) -> Prediction:
        pooling = Pooling.of(observation.situation)
        magnitude = replace(pooling, grad_output=np.abs(pooling.grad_output))
        return computed(compute(pooling), compute(magnitude), pooling.roundings)

    return Fault(code, ("grad_input",), sentence, predict)


@dataclass(frozen=True)
class Changed:
    """The right computation on changed windows."""

    change: Callable[[Pooling], Pooling]

    def __call__(self, observation: Observed) -> Prediction | None:
        """Predict what is observed; None where an output would be the right one."""
        right = Pooling.of(observation.situation)
        changed = self.change(right)
        if observation.quantity == "grad_input":
            return _routed(changed, ROUTE[right.kind])
        if changed.geometry == right.geometry:
            return None
        counts = observation.found.shape[2:]
        if len(counts) == 2 and observation.found.shape != observation.wanted.shape:
            changed = replace(changed, counts=(counts[0], counts[1]))
        return _output(changed, FORWARD[right.kind])


def right_pool(observation: Observed) -> Prediction:
    """Return what is right, with what rounding allows."""
    pooling = Pooling.of(observation.situation)
    if observation.quantity == "output":
        return _output(pooling, FORWARD[pooling.kind])
    return _routed(pooling, ROUTE[pooling.kind])


def _output(pooling: Pooling, forward: Forward) -> Prediction:
    magnitude = SUM(replace(pooling, x=np.abs(pooling.x)))
    return computed(forward(pooling), magnitude, pooling.roundings)


def _routed(pooling: Pooling, route: Route) -> Prediction:
    shares = route(pooling)
    value, magnitude = (
        pooling.spread(shares * grad) for grad in (pooling.grad_output, np.abs(pooling.grad_output))
    )
    return computed(value, magnitude, pooling.roundings)
