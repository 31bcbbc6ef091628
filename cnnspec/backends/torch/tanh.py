"""torch's own hyperbolic tangent."""

from __future__ import annotations

from torch import nn

from cnnspec.spec.layers import Tanh
from cnnspec.spec.sizes import Shape


def tanh(layer: Tanh, input: Shape) -> nn.Module:
    """Build an nn.Tanh."""
    return nn.Tanh()
