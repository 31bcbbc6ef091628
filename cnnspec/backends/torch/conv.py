"""torch's own convolution."""

from __future__ import annotations

from torch import nn

from cnnspec.spec.layers import Conv
from cnnspec.spec.sizes import Shape


def conv(layer: Conv, input: Shape) -> nn.Module:
    """Build an nn.Conv2d."""
    return nn.Conv2d(
        input[0],
        layer.out_channels,
        layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups,
        bias=layer.bias,
    )
