"""The faults of convolutions and linear layers, as changes of the problem that they solve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from cnnspec.compare.causes.cause import (
    Hypothesis,
    LayerSituation,
    Observation,
    Prediction,
    computed,
)
from cnnspec.compare.causes.conv_fault import Change, Fault
from cnnspec.compare.causes.conv_weights import BIAS, COUNTED, WEIGHT
from cnnspec.compare.causes.conv_windows import GEOMETRY, GROUPS, KERNEL, OVERLAPS, PADDING
from cnnspec.compare.causes.convolution import EXTRA_ROUNDINGS, Convolution

Observed = Observation[LayerSituation]


def of_linear(observations: list[Observed]) -> Iterator[Hypothesis[LayerSituation]]:
    """Suppose each fault of a linear layer."""
    yield from _of(observations, [*BIAS, *WEIGHT, *COUNTED])


def of_conv(observations: list[Observed]) -> Iterator[Hypothesis[LayerSituation]]:
    """Suppose each fault of a convolution."""
    faults = [*BIAS, *WEIGHT, *COUNTED, *KERNEL, *GEOMETRY, *PADDING, *OVERLAPS, *GROUPS]
    yield from _of(observations, faults)


def _of(observations: list[Observed], faults: list[Fault]) -> Iterator[Hypothesis[LayerSituation]]:
    quantity = observations[0].quantity
    for fault in faults:
        if quantity in fault.quantities:
            yield Hypothesis(fault.code, fault.sentence, _predict(fault.change))
    if quantity == "grad_bias":
        yield from _sums(observations[0])


def _predict(change: Change) -> Callable[[Observed], Prediction | None]:
    def predict(observation: Observed) -> Prediction | None:
        changed = change(Convolution.of(observation.situation))
        if changed is None:
            return None
        return _fitted(changed.predict(observation.quantity), observation)

    return predict


def _fitted(prediction: Prediction, observation: Observed) -> Prediction:
    """Leave out windows beyond the last one of an output that has the right shape."""
    value, budget = prediction
    shape = observation.wanted.shape
    if observation.found.shape != shape or value.ndim != len(shape):
        return prediction
    kept = tuple(slice(size) for size in shape)
    return Prediction(value[kept], budget[kept])


def _sums(first: Observed) -> Iterator[Hypothesis[LayerSituation]]:
    """Suppose sums over other axes for a gradient of the bias, which are only told apart by it."""
    flat = first.situation.grad_output.ndim == 2
    names = ("images", "features") if flat else ("images", "channels", "height", "width")
    for bits in range(2 ** len(names)):
        axes = tuple(axis for axis in range(len(names)) if bits >> axis & 1)
        if set(axes) == set(range(len(names))) - {1}:
            continue  # those are the right ones
        over = ", ".join(names[axis] for axis in axes)
        for keepdims in (False, True):
            yield Hypothesis(
                "bias-sum",
                f"the sum runs over {over}; it belongs over all axes but the {names[1]}"
                if over
                else "the gradient of the output is returned as it came; its sum is wanted",
                partial(_sum, axes=axes, keepdims=keepdims),
            )


def _sum(observation: Observed, axes: tuple[int, ...], keepdims: bool) -> Prediction | None:
    """Sum over the axes; a single number may stand for all channels."""
    gradient = observation.situation.grad_output
    total, magnitude = (
        np.asarray(array.sum(axis=axes, keepdims=keepdims))
        for array in (gradient, np.abs(gradient))
    )
    shape = observation.found.shape
    if total.size == 1 and len(shape) == 1:
        total, magnitude = (np.full(shape, array.item()) for array in (total, magnitude))
    return computed(total, magnitude, gradient.size + EXTRA_ROUNDINGS)
