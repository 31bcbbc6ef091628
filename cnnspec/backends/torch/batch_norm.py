"""torch's own batch normalisation."""

from __future__ import annotations

from torch import nn

from cnnspec.spec.layers import BatchNorm
from cnnspec.spec.sizes import Shape


def batch_norm(layer: BatchNorm, input: Shape) -> nn.Module:
    """Build an nn.BatchNorm2d, or an nn.BatchNorm1d over features."""
    module = nn.BatchNorm2d if len(input) == 3 else nn.BatchNorm1d
    return module(input[0], eps=layer.eps, momentum=layer.momentum, affine=layer.affine)
