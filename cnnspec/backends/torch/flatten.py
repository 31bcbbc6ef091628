"""torch's own way from images to features."""

from __future__ import annotations

from torch import nn

from cnnspec.spec.layers import Flatten
from cnnspec.spec.sizes import Shape


def flatten(layer: Flatten, input: Shape) -> nn.Module:
    """Build an nn.Flatten."""
    return nn.Flatten()
