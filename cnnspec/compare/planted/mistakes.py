"""Mistakes that people make in layers of many kinds, and where they show.

The functions are as `Wrong` says. Arrays are the engine's: the batch is their last axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.backends.parts import Layer
from cnnspec.plan import PlannedLayer
from cnnspec.spec.training import Training
from cnnspec.trace import Array


def has_bias(at: PlannedLayer) -> bool:
    """Tell whether a layer has a bias."""
    return "bias" in at.parameters


def several_channels(at: PlannedLayer) -> bool:
    """Tell whether the input has several channels."""
    return at.input[0] > 1


def with_decay(training: Training) -> bool:
    """Tell whether the optimizer has weight decay."""
    return training.optimizer.weight_decay > 0


def ascends(layer: Layer, given: Array, right: Array) -> Array:
    """The gradient has the wrong sign."""
    return -right


def all_zeros(layer: Layer, given: Array, right: Array) -> Array:
    """There is no gradient: it stays 0."""
    return np.zeros_like(right)


def divided_by_batch(layer: Layer, given: Array, right: Array) -> Array:
    """The gradient is divided by the batch size, as the loss's was before."""
    divided: Array = right / given.shape[-1]
    return divided


def averaged(layer: Layer, given: Array, right: Array) -> Array:
    """The gradient is a mean over batch and positions."""
    mean: Array = right / given[0].size
    return mean


def accumulated(layer: Any, given: Array, right: Array) -> Array:
    """The gradient is added to that of the batch before."""
    layer.sum = getattr(layer, "sum", 0) + right
    total: Array = layer.sum
    return total


def learns(layer: Layer, given: Array, right: Array) -> Array:
    """The weights are changed inside the backward pass, with a learning rate of its own."""
    layer.parameters["weight"] -= 0.01 * right
    return right


def in_float16(layer: Layer, given: Array, right: Array) -> Array:
    """The result is rounded to float16."""
    return right.astype(np.float16).astype(right.dtype)


def without_bias(layer: Layer, given: Array, right: Array) -> Array:
    """The bias is never added."""
    without: Array = right - layer.parameters["bias"].reshape(-1, *[1] * (right.ndim - 1))
    return without
