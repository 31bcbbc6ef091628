"""Blocks of layers. `AnyEntry` is what stands in a list of layers: a layer, or a block."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Tag

from cnnspec.spec.composites.composite import Composite as Composite
from cnnspec.spec.composites.composite import count_layers as count_layers
from cnnspec.spec.composites.parallel import Parallel as Parallel
from cnnspec.spec.composites.repeat import Repeat as Repeat
from cnnspec.spec.composites.residual import Residual as Residual
from cnnspec.spec.layers import KINDS, AnyKind, Layer
from cnnspec.spec.section import kind_of, kinds_in

AnyEntry = Annotated[
    AnyKind
    | Annotated[Residual, Tag("residual")]
    | Annotated[Parallel, Tag("parallel")]
    | Annotated[Repeat, Tag("repeat")],
    Discriminator(kind_of),
]

ENTRIES: dict[str, type[Layer | Composite]] = kinds_in(AnyEntry)

COMPOSITES: dict[str, type[Composite]] = {
    word: kind for word, kind in kinds_in(AnyEntry).items() if word not in KINDS
}

for _kind in COMPOSITES.values():
    _kind.model_rebuild()  # an entry may be a block, which is known only here
