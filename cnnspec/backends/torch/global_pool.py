"""torch's own pooling over whole images."""

from __future__ import annotations

from torch import nn

from cnnspec.spec.layers import GlobalPool
from cnnspec.spec.sizes import Shape


def global_pool(layer: GlobalPool, input: Shape) -> nn.Module:
    """Build an nn.AdaptiveMaxPool2d or an nn.AdaptiveAvgPool2d."""
    return nn.AdaptiveMaxPool2d(1) if layer.kind == "max" else nn.AdaptiveAvgPool2d(1)
