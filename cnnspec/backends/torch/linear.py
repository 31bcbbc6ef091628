"""torch's own fully connected layer."""

from __future__ import annotations

from torch import nn

from cnnspec.spec.layers import Linear
from cnnspec.spec.sizes import Shape


def linear(layer: Linear, input: Shape) -> nn.Module:
    """Build an nn.Linear."""
    return nn.Linear(input[0], layer.out_features, bias=layer.bias)
