"""The faults of pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from cnnspec.compare.budget import Exact
from cnnspec.compare.causes.cause import (
    Hypothesis,
    LayerSituation,
    Observation,
    Prediction,
    computed,
)
from cnnspec.compare.causes.pool_gradients import ROUTE, ROUTES, overwritten
from cnnspec.compare.causes.pool_outputs import FORWARD, OUTPUTS, Forward
from cnnspec.compare.causes.pool_windows import CHANGES, OF_GRADIENT
from cnnspec.compare.causes.pooling import Pooling, Route

Observed = Observation[LayerSituation]


def of_pool(observations: list[Observed]) -> Iterator[Hypothesis[LayerSituation]]:
    """Suppose each fault of a pooling layer."""
    kind = Pooling.of(observations[0].situation).kind
    if observations[0].quantity == "output":
        for way in OUTPUTS[kind]:
            yield Hypothesis(way.code, way.sentence, _output(way.compute))
        for change in CHANGES:
            yield Hypothesis(change.code, change.sentence, _output(FORWARD[kind], change.change))
        return
    for way in ROUTES[kind]:
        yield Hypothesis(way.code, way.sentence, _gradient(way.compute))
    for way in overwritten(kind):
        yield Hypothesis(way.code, way.sentence, _computed_gradient(way.compute))
    for change in [*CHANGES, *OF_GRADIENT]:
        yield Hypothesis(change.code, change.sentence, _gradient(ROUTE[kind], change.change))


def right_pool(observation: Observed) -> Prediction:
    """Return what is right, with what rounding allows."""
    kind = Pooling.of(observation.situation).kind
    if observation.quantity == "output":
        pooling = Pooling.of(observation.situation)
        magnitude = FORWARD["sum"](replace(pooling, x=np.abs(pooling.x)))
        return computed(FORWARD[kind](pooling), magnitude, pooling.roundings)
    return _gradient(ROUTE[kind])(observation)


def _output(
    forward: Forward, change: Callable[[Pooling], Pooling] | None = None
) -> Callable[[Observed], Prediction | None]:
    def predict(observation: Observed) -> Prediction | None:
        right = pooling = Pooling.of(observation.situation)
        counts = observation.found.shape[2:]
        if change is not None:
            pooling = change(right)
            if pooling.geometry == right.geometry:
                return None
            if len(counts) == 2 and observation.found.shape != observation.wanted.shape:
                pooling = replace(pooling, counts=(counts[0], counts[1]))
        magnitude = FORWARD["sum"](replace(pooling, x=np.abs(pooling.x)))
        return computed(forward(pooling), magnitude, pooling.roundings)

    return predict


def _gradient(
    route: Route, change: Callable[[Pooling], Pooling] | None = None
) -> Callable[[Observed], Prediction]:
    """Share the gradient out by a route, and add up what each cell gets."""

    def predict(observation: Observed) -> Prediction:
        right = Pooling.of(observation.situation)
        pooling = change(right) if change is not None else right
        shares = route(pooling)
        value, magnitude = (
            pooling.spread(shares * gradient)
            for gradient in (pooling.grad_output, np.abs(pooling.grad_output))
        )
        return computed(value, magnitude, pooling.roundings)

    return predict


def _computed_gradient(compute: Callable[[Pooling], Exact]) -> Callable[[Observed], Prediction]:
    def predict(observation: Observed) -> Prediction:
        pooling = Pooling.of(observation.situation)
        magnitude = replace(pooling, grad_output=np.abs(pooling.grad_output))
        return computed(compute(pooling), compute(magnitude), pooling.roundings)

    return predict
