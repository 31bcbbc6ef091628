"""The kinds of layers: `AnyKind` is the one list of them; beside it, what joins branches."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Tag

from cnnspec.spec.layers.add import Add as Add
from cnnspec.spec.layers.batch_norm import BatchNorm as BatchNorm
from cnnspec.spec.layers.concat import Concat as Concat
from cnnspec.spec.layers.conv import Conv as Conv
from cnnspec.spec.layers.dropout import Dropout as Dropout
from cnnspec.spec.layers.flatten import Flatten as Flatten
from cnnspec.spec.layers.gelu import GELU as GELU
from cnnspec.spec.layers.global_pool import GlobalPool as GlobalPool
from cnnspec.spec.layers.join import Join as Join
from cnnspec.spec.layers.layer import Layer as Layer
from cnnspec.spec.layers.layer_norm import LayerNorm as LayerNorm
from cnnspec.spec.layers.leaky_relu import LeakyReLU as LeakyReLU
from cnnspec.spec.layers.linear import Linear as Linear
from cnnspec.spec.layers.pool import Pool as Pool
from cnnspec.spec.layers.relu import ReLU as ReLU
from cnnspec.spec.layers.sigmoid import Sigmoid as Sigmoid
from cnnspec.spec.layers.softmax import Softmax as Softmax
from cnnspec.spec.layers.tanh import Tanh as Tanh
from cnnspec.spec.section import kind_of, kinds_in

AnyKind = (
    Annotated[Conv, Tag("conv")]
    | Annotated[ReLU, Tag("relu")]
    | Annotated[LeakyReLU, Tag("leaky_relu")]
    | Annotated[GELU, Tag("gelu")]
    | Annotated[Sigmoid, Tag("sigmoid")]
    | Annotated[Tanh, Tag("tanh")]
    | Annotated[Softmax, Tag("softmax")]
    | Annotated[Pool, Tag("pool")]
    | Annotated[GlobalPool, Tag("global_pool")]
    | Annotated[Flatten, Tag("flatten")]
    | Annotated[Linear, Tag("linear")]
    | Annotated[BatchNorm, Tag("batch_norm")]
    | Annotated[LayerNorm, Tag("layer_norm")]
    | Annotated[Dropout, Tag("dropout")]
)

AnyLayer = Annotated[AnyKind, Discriminator(kind_of)]

KINDS: dict[str, type[Layer]] = kinds_in(AnyLayer)

JOINS: dict[str, type[Join]] = {kind.keyword: kind for kind in (Add, Concat)}
"""What joins branches. A spec does not write these: they stand in plans."""
