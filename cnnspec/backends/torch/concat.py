"""Branches beside each other, in torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cnnspec.spec.layers import Concat as Options
from cnnspec.spec.sizes import Shape


class Concat(nn.Module):
    """Its inputs in their order, along the channels or the features."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat(inputs, dim=1)


def concat(layer: Options, input: Shape) -> nn.Module:
    """Build the module: torch has none."""
    return Concat()
