"""torch's own layer normalisation."""

from __future__ import annotations

from torch import Tensor, nn

from cnnspec.spec.layers import LayerNorm as Options
from cnnspec.spec.sizes import Shape


class LayerNorm2d(nn.LayerNorm):
    """An nn.LayerNorm of the channels of each cell, which have to be last for it."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def layer_norm(layer: Options, input: Shape) -> nn.Module:
    """Build an nn.LayerNorm, or one of channels."""
    by_cell = layer.over == "channels" and len(input) == 3
    module, normalised = (LayerNorm2d, input[:1]) if by_cell else (nn.LayerNorm, input)
    return module(
        normalised,
        eps=layer.eps,
        elementwise_affine=layer.elementwise_affine,
        bias=layer.bias,
    )
