"""The sum of branches, in torch."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor, nn

from cnnspec.spec.layers import Add as Options
from cnnspec.spec.sizes import Shape


class Add(nn.Module):
    """The sum of its inputs, in their order."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return reduce(torch.add, inputs)


def add(layer: Options, input: Shape) -> nn.Module:
    """Build the module: torch has none."""
    return Add()
