"""The kinds of layers. `AnyLayer` is the one list of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Tag

from cnnspec.spec.layers.batch_norm import BatchNorm
from cnnspec.spec.layers.conv import Conv
from cnnspec.spec.layers.flatten import Flatten
from cnnspec.spec.layers.layer import Layer
from cnnspec.spec.layers.linear import Linear
from cnnspec.spec.layers.pool import Pool
from cnnspec.spec.layers.relu import ReLU
from cnnspec.spec.section import kind_of, kinds_in

AnyLayer = Annotated[
    Annotated[Conv, Tag("conv")]
    | Annotated[ReLU, Tag("relu")]
    | Annotated[Pool, Tag("pool")]
    | Annotated[Flatten, Tag("flatten")]
    | Annotated[Linear, Tag("linear")]
    | Annotated[BatchNorm, Tag("batch_norm")],
    Discriminator(kind_of),
]

KINDS: dict[str, type[Layer]] = kinds_in(AnyLayer)

__all__ = ["KINDS", "AnyLayer", "BatchNorm", "Conv", "Flatten", "Layer", "Linear", "Pool", "ReLU"]
