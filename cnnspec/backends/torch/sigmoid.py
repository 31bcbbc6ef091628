"""torch's own logistic function."""

from __future__ import annotations

from torch import nn

from cnnspec.spec.layers import Sigmoid
from cnnspec.spec.sizes import Shape


def sigmoid(layer: Sigmoid, input: Shape) -> nn.Module:
    """Build an nn.Sigmoid."""
    return nn.Sigmoid()
