"""Batch normalisation in named steps, and the forms in which people take them.

Arrays are (n, c, places); features have one place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cnnspec.compare.faults.fault import LayerSituation, Observation, Prediction
from cnnspec.compare.faults.formula import Formula
from cnnspec.numerics import Arithmetic, Ball, either, moments
from cnnspec.numerics.formula import Computation, Steps
from cnnspec.spec.layers import BatchNorm

OF_CHANNEL = (0, 2)
"""Statistics are over images and places."""

Form = Callable[..., Ball]

NORMALISED: list[Form] = [
    lambda x, mean, d, root: d / root,
    lambda x, mean, d, root: x / root - mean / root,
]
SCALED: list[Form] = [
    lambda x, mean, root, z, weight, bias: weight * z + bias,
    lambda x, mean, root, z, weight, bias: x * (weight / root) + (bias - mean * (weight / root)),
]
"""By x - mean, or by a factor and a shift for each channel, as GPUs do."""

OF_WEIGHT: list[Form] = [
    lambda g, z, x, mean, root: (g * z).sum(OF_CHANNEL),
    lambda g, z, x, mean, root: (g * x).sum(OF_CHANNEL) / root - mean / root * g.sum(OF_CHANNEL),
]


def _step_by_step(m: int) -> Form:
    """Return the way back through the product, the root, the variance and the mean."""

    def form(u: Ball, mean_u: Ball, z: Ball, mean_uz: Ball, d: Ball, root: Ball) -> Ball:
        of_variance = (u * d).sum(OF_CHANNEL) * -0.5 / (root * root * root)
        of_mean = -(u / root).sum(OF_CHANNEL) + of_variance * (-2 * d).mean(OF_CHANNEL)
        return u / root + of_variance * 2 * d / m + of_mean / m

    return form


def _back(at: Computation) -> Ball:
    """Return the gradient of x, for an upstream gradient u of z."""
    forms: list[Form] = [
        lambda u, mean_u, z, mean_uz, d, root: (u - mean_u - z * mean_uz) / root,
        _step_by_step(at.m),
    ]
    return either(forms, at.upstream, at.mean_g, at.z, at.mean_gz, at.d, at.root)


RUNNING: list[Form] = [
    lambda kept, share, old, new: kept * old + share * new,
    lambda kept, share, old, new: old + share * (new - old),
]


def count(at: Computation, axes: tuple[int, ...]) -> int:
    """Return how many values lie along axes."""
    return math.prod(at.shape[axis] for axis in axes)


STEPS: Steps = {
    "m": lambda at: count(at, OF_CHANNEL),
    "moments": lambda at: moments(at.x, OF_CHANNEL),
    "mean": lambda at: at.moments[0],
    "variance": lambda at: at.moments[1],
    "d": lambda at: at.x - at.mean,
    "used": lambda at: at.variance,
    "root": lambda at: (at.used + at.eps).at_least(at.eps).sqrt(),
    "z": lambda at: either(NORMALISED, at.x, at.mean, at.d, at.root),
    "output": lambda at: either(SCALED, at.x, at.mean, at.root, at.z, at.weight, at.bias),
    "upstream": lambda at: at.weight * at.grad_output,
    "mean_g": lambda at: at.upstream.mean(OF_CHANNEL),
    "mean_gz": lambda at: (at.upstream * at.z).mean(OF_CHANNEL),
    "grad_input": _back,
    "grad_weight": lambda at: either(OF_WEIGHT, at.grad_output, at.z, at.x, at.mean, at.root),
    "grad_bias": lambda at: at.grad_output.sum(OF_CHANNEL),
    "unbiased": lambda at: at.variance * at.m / (at.m - 1),
    "stored_mean": lambda at: at.mean,
    "stored": lambda at: at.unbiased,
    "share": lambda at: at.momentum,
    "kept": lambda at: 1 - at.share,
    "running_mean": lambda at: either(RUNNING, at.kept, at.share, at.old_mean, at.stored_mean),
    "running_var": lambda at: either(RUNNING, at.kept, at.share, at.old_var, at.stored),
    "old_root": lambda at: (at.old_var + at.eps).at_least(at.eps).sqrt(),
    "old_z": lambda at: either(NORMALISED, at.x, at.old_mean, at.x - at.old_mean, at.old_root),
    "predicted": lambda at: either(
        SCALED, at.x, at.old_mean, at.old_root, at.old_z, at.weight, at.bias
    ),
}


def _flat(situation: LayerSituation) -> tuple[int, int, int]:
    n, channels = situation.x.shape[:2]
    return n, channels, situation.x[0, 0].size


def layer_of(situation: LayerSituation) -> BatchNorm:
    """Return the options."""
    assert isinstance(situation.at.layer, BatchNorm)
    return situation.at.layer


def _given(situation: LayerSituation, arithmetic: Arithmetic) -> dict[str, Any]:
    layer, shape = layer_of(situation), _flat(situation)
    channels = np.ones(shape[1])
    of_channel = {
        "weight": situation.parameters.get("weight", channels),
        "bias": situation.parameters.get("bias", 0 * channels),
        "old_mean": situation.buffers["running_mean"],
        "old_var": situation.buffers["running_var"],
    }
    return {
        "x": arithmetic.rounded(situation.x.reshape(shape)),
        "grad_output": arithmetic.rounded(situation.grad_output.reshape(shape)),
        "eps": layer.eps,
        "momentum": arithmetic.rounded(layer.momentum),
        "images": shape[0],
        "shape": shape,
    } | {name: arithmetic.rounded(array[None, :, None]) for name, array in of_channel.items()}


class NormFormula(Formula[LayerSituation]):
    """A formula over channels, of which some quantities have one number for each."""

    def prediction(self, found: Ball, observation: Observation[LayerSituation]) -> Prediction:
        flat = _flat(observation.situation)
        if found.value.size != observation.wanted.size:
            found = found.moved(lambda array: np.broadcast_to(array, flat))
        value, budget = super().prediction(found, observation)
        # The right one's budget holds for every sane way to take mean and variance.
        return Prediction(value, budget + observation.budget)


NORM = NormFormula(_given, STEPS, remembers=False)


NORM = NormFormula(_given, STEPS, remembers=False)
