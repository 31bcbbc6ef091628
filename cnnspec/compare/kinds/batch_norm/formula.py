"""Batch normalisation in named steps, and the forms in which people take them.

Arrays are (n, c, places); features have one place.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.compare.faults.fault import LayerSituation
from cnnspec.compare.kinds import normalised
from cnnspec.compare.kinds.normalised import NORMALISED, SCALED, Flat, Form, NormFormula
from cnnspec.numerics import Arithmetic, either
from cnnspec.numerics.formula import Steps
from cnnspec.spec.layers import BatchNorm

OF_CHANNEL = (0, 2)
"""Statistics are over images and places."""

OF_WEIGHT: list[Form] = [
    lambda g, z, x, mean, root: (g * z).sum(OF_CHANNEL),
    lambda g, z, x, mean, root: (g * x).sum(OF_CHANNEL) / root - mean / root * g.sum(OF_CHANNEL),
]

RUNNING: list[Form] = [
    lambda kept, share, old, new: kept * old + share * new,
    lambda kept, share, old, new: old + share * (new - old),
]

STEPS: Steps = {
    **normalised.STEPS,
    "grad_weight": lambda at: either(OF_WEIGHT, at.grad_output, at.z, at.x, at.mean, at.root),
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


def _flat(situation: LayerSituation) -> Flat:
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
        "axes": OF_CHANNEL,
        "shared": OF_CHANNEL,
    } | {name: arithmetic.rounded(array[None, :, None]) for name, array in of_channel.items()}


NORM = NormFormula(_flat, _given, STEPS)
