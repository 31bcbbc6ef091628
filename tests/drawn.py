"""Layers with so many weights that another distribution would show, and how far off one is."""

from __future__ import annotations

import math

import numpy as np

from cnnspec.spec.initializations import Normal
from cnnspec.spec.layers import AnyLayer, Conv, Flatten, Linear
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

WIDE: dict[str, tuple[Shape, AnyLayer]] = {
    "conv": ((8, 6, 6), Conv(out_channels=64, kernel_size=3)),
    "conv-pair": ((8, 6, 6), Conv(out_channels=96, kernel_size=(1, 5), stride=2)),
    "conv-groups": ((8, 6, 6), Conv(out_channels=256, kernel_size=3, groups=4)),
    "conv-depthwise": ((8, 6, 6), Conv(out_channels=512, kernel_size=3, groups=8)),
    "conv-no-bias": ((4, 6, 6), Conv(out_channels=128, kernel_size=3, bias=False)),
    "linear": ((300, 1, 1), Linear(out_features=200)),
    "linear-one-input": ((1, 1, 1), Linear(out_features=2000)),
}


def wide(name: str, **options: Normal) -> ModelSpec:
    shape, layer = WIDE[name]
    layers = [Flatten(), layer] if isinstance(layer, Linear) else [layer, Flatten()]
    return ModelSpec(input=shape, layers=layers, **options)


def deviation(drawn: Array, distribution: list[float]) -> float:
    """Return the Kolmogorov-Smirnov distance; `distribution` is P(X <= x) of the sorted x."""
    ranks = np.arange(drawn.size + 1) / drawn.size
    expected = np.array(distribution)
    return float(max(np.max(ranks[1:] - expected), np.max(expected - ranks[:-1])))


def chance(count: int) -> float:
    """Return a distance that `count` honest draws exceed once in a million (Massart, 1990)."""
    return math.sqrt(math.log(2 / 1e-6) / (2 * count))
