"""What the referee knows of convolutions and linear layers: affine maps of their input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction, computed
from cnnspec.compare.kinds.affine.convolution import EXTRA_ROUNDINGS, Convolution
from cnnspec.compare.kinds.layer import LayerKind
from cnnspec.numerics.budget import Exact, unit_roundoff
from cnnspec.plan import PlannedLayer

Observed = Observation[LayerSituation]


HELP = {
    "bias-twice": "add the bias once",
    "bias-subtracted": "add the bias",
    "bias-flag-ignored": "add a bias only where the layer is to have one",
    "bias-sum": "sum over the batch and all places, and keep the channels",
    "weight-transposed": "check the order of the weight's axes",
    "weight-reshaped": "change the order of axes with `transpose`; `reshape` does not",
    "bias-per-input-channel": "add the bias once, after the sum",
    "bias-per-tap": "add the bias once, after the sum",
    "bias-per-term": "add the bias once, after the sum",
    "bias-of-one-channel": "add to each output channel the bias of its own index",
    "bias-order": "add to each output channel the bias of its own index",
    "weight-order": "check slices of the weight such as [::-1]",
    "outputs-added": "multiply by the gradient of each output channel alone",
    "channels-left-out": "check where the loops over channels end, and add up what they give",
    "mean-of-batch": "multiply image by image, then sum over the batch",
}


class AffineKind(LayerKind):
    """A weight times the input, and a bias."""

    help = HELP
    weight_axes: ClassVar[tuple[str, ...]]

    def axes(self, at: PlannedLayer, quantity: str) -> tuple[str, ...]:
        return self.weight_axes if quantity == "grad_weight" else super().axes(at, quantity)

    def suspected(self, observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
        yield from super().suspected(observations)
        if observations[0].quantity == "grad_bias":
            yield from _sums(observations[0])
        if observations[0].quantity == "grad_weight":
            yield Fault(
                "outputs-added",
                (),
                "the gradients of all output channels are added; the weights of each take its own "
                "alone",
                _of_all_outputs,
            )
        if observations[0].quantity == "output":
            yield from _bias_of_its_own(observations)

    def right(self, observation: Observed) -> Prediction:
        return Convolution.of(observation.situation).predict(observation.quantity)

    def gives(
        self,
        situation: LayerSituation,
        quantity: str,
        off: Mapping[str, Exact] = MappingProxyType({}),
    ) -> Prediction | None:
        return None if off else Convolution.of(situation).predict(quantity)


def _bias_of_its_own(observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose one number for each channel, the same on every probe, where there is no bias."""
    without = [o for o in observations if "bias" not in o.situation.parameters]
    if not without or any(o.found.shape != o.wanted.shape for o in without):
        return

    def predict(observation: Observed) -> Prediction:
        wanted, at = observation.wanted, observation.situation.at
        if "bias" in observation.situation.parameters:
            return Prediction(wanted, observation.budget)
        most = max((o for o in without if o.situation.at == at), key=lambda o: o.found.size)
        axes = tuple(axis for axis in range(wanted.ndim) if axis != 1)
        bias = (most.found - most.wanted).mean(axis=axes, keepdims=True)
        size = np.abs(most.found).max() + np.abs(most.wanted).max() + np.abs(wanted)
        rounding = most.found.size * unit_roundoff("float64") * size
        off = most.budget.max(axis=axes, keepdims=True) + rounding
        return Prediction(wanted + bias, observation.budget + off)

    sentence = "a bias is added, though the layer is to have none: one number for each channel"
    yield Fault("bias-flag-ignored", (), sentence, predict)


def _of_all_outputs(observation: Observed) -> Prediction:
    """Give each output channel the sum of all gradients."""
    given = observation.situation
    value, magnitude = (
        Convolution.of(_added_up(each)).predict("grad_weight").value
        for each in (given, given.magnitudes())
    )
    return computed(value, magnitude, given.grad_output.size + EXTRA_ROUNDINGS)


def _added_up(given: LayerSituation) -> LayerSituation:
    gradient = given.grad_output
    total = np.broadcast_to(gradient.sum(axis=1, keepdims=True), gradient.shape)
    return replace(given, grad_output=total)


def _sums(first: Observed) -> Iterator[Fault[LayerSituation]]:
    """Suppose sums over other axes for a gradient of the bias, which are only told apart by it."""
    yield Fault(
        "truncated",
        (),
        "each number is cut to a whole one before it is added: a sum may be an array of integers",
        _sum_of_whole,
    )
    flat = first.situation.grad_output.ndim == 2
    names = ("images", "features") if flat else ("images", "channels", "height", "width")
    for bits in range(2 ** len(names)):
        axes = tuple(axis for axis in range(len(names)) if bits >> axis & 1)
        if set(axes) == set(range(len(names))) - {1}:
            continue  # those are the right ones
        over = ", ".join(names[axis] for axis in axes)
        for keepdims in (False, True):
            yield Fault(
                "bias-sum",
                (),
                f"the sum runs over {over}; it belongs over all axes but the {names[1]}"
                if over
                else "the gradient of the output is returned as it came; its sum is wanted",
                partial(_sum, axes=axes, keepdims=keepdims),
            )


def _sum_of_whole(observation: Observed) -> Prediction:
    """Sum what is before the points, exactly."""
    whole = np.trunc(observation.situation.grad_output)
    total = whole.sum(axis=tuple(axis for axis in range(whole.ndim) if axis != 1))
    return Prediction(total, np.zeros(total.shape))


def _sum(observation: Observed, axes: tuple[int, ...], keepdims: bool) -> Prediction | None:
    """Sum over the axes; a single number may stand for all channels."""
    gradient = observation.situation.grad_output
    total, magnitude = (
        np.asarray(array.sum(axis=axes, keepdims=keepdims))
        for array in (gradient, np.abs(gradient))
    )
    shape = observation.found.shape
    if total.size == observation.found.size:
        total, magnitude = total.reshape(shape), magnitude.reshape(shape)
    elif total.size == 1 and len(shape) == 1:
        total, magnitude = (np.full(shape, array.item()) for array in (total, magnitude))
    return computed(total, magnitude, gradient.size + EXTRA_ROUNDINGS)
