"""torch's own softmax."""

from __future__ import annotations

from torch import nn

from cnnspec.spec.layers import Softmax
from cnnspec.spec.sizes import Shape


def softmax(layer: Softmax, input: Shape) -> nn.Module:
    """Build an nn.Softmax over features, or over channels."""
    return nn.Softmax(dim=1)
