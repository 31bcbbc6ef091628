"""torch's own pooling."""

from __future__ import annotations

from torch import nn

from cnnspec.spec.layers import Pool
from cnnspec.spec.sizes import Shape


def pool(layer: Pool, input: Shape) -> nn.Module:
    """Build an nn.MaxPool2d or an nn.AvgPool2d."""
    module = nn.MaxPool2d if layer.kind == "max" else nn.AvgPool2d
    return module(
        layer.kernel_size,
        stride=layer.strides(),
        padding=layer.padding,
        ceil_mode=layer.ceil_mode,
    )
