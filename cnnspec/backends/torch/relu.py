"""torch's own rectifier."""

from __future__ import annotations

from torch import nn

from cnnspec.spec.layers import ReLU
from cnnspec.spec.sizes import Shape


def relu(layer: ReLU, input: Shape) -> nn.Module:
    """Build an nn.ReLU."""
    return nn.ReLU()
