"""The kinds of initializations. `AnyInitialization` is the one list of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Tag

from cnnspec.spec.initializations.initialization import Initialization as Initialization
from cnnspec.spec.initializations.normal import Normal as Normal
from cnnspec.spec.initializations.torch_default import TorchDefault as TorchDefault
from cnnspec.spec.section import kind_of, kinds_in

AnyInitialization = Annotated[
    Annotated[TorchDefault, Tag("torch_default")] | Annotated[Normal, Tag("normal")],
    Discriminator(kind_of),
]

DEFAULT_INITIALIZATION = TorchDefault.model_construct()

INITIALIZATIONS: dict[str, type[Initialization]] = kinds_in(AnyInitialization)
