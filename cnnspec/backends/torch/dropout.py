"""Dropout by a given mask, in torch."""

from __future__ import annotations

from torch import Tensor, nn

from cnnspec.backends.torch.masked import Masked
from cnnspec.spec.layers import Dropout as Options
from cnnspec.spec.sizes import Shape


class Dropout(Masked):
    """x / (1 - p) where the mask keeps x, and 0 elsewhere.

    nn.Dropout draws a mask of its own, from torch's generator: no other backend could drop the
    same numbers, and nothing could be compared.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return x * self.mask * (1 / (1 - self.p))

    def extra_repr(self) -> str:
        return f"p={self.p}"


def dropout(layer: Options, input: Shape) -> nn.Module:
    """Build the module; the mask has the shape that drops numbers, or channels."""
    return Dropout(layer.p)
