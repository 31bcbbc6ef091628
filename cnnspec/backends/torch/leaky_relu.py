"""torch's own rectifier that leaks."""

from __future__ import annotations

from torch import nn

from cnnspec.spec.layers import LeakyReLU
from cnnspec.spec.sizes import Shape


def leaky_relu(layer: LeakyReLU, input: Shape) -> nn.Module:
    """Build an nn.LeakyReLU."""
    return nn.LeakyReLU(layer.negative_slope)
