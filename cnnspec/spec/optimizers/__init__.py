"""The kinds of optimizers. `AnyOptimizer` is the one list of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Tag

from cnnspec.spec.optimizers.adam import Adam as Adam
from cnnspec.spec.optimizers.optimizer import Optimizer as Optimizer
from cnnspec.spec.optimizers.sgd import SGD as SGD
from cnnspec.spec.section import kind_of, kinds_in

AnyOptimizer = Annotated[
    Annotated[SGD, Tag("sgd")] | Annotated[Adam, Tag("adam")], Discriminator(kind_of)
]

DEFAULT_OPTIMIZER = SGD.model_construct()

OPTIMIZERS: dict[str, type[Optimizer]] = kinds_in(AnyOptimizer)
