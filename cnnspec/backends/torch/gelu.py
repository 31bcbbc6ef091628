"""torch's own Gaussian error linear unit."""

from __future__ import annotations

from torch import nn

from cnnspec.spec.layers import GELU
from cnnspec.spec.sizes import Shape


def gelu(layer: GELU, input: Shape) -> nn.Module:
    """Build an nn.GELU."""
    return nn.GELU(approximate=layer.approximate)
