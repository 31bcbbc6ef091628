"""The kinds of initializations. `AnyInitialization` is the one list of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Tag

from cnnspec.spec.initializations.initialization import Initialization
from cnnspec.spec.initializations.normal import Normal
from cnnspec.spec.initializations.torch_default import TorchDefault
from cnnspec.spec.section import kind_of, kinds_in

AnyInitialization = Annotated[
    Annotated[TorchDefault, Tag("torch_default")] | Annotated[Normal, Tag("normal")],
    Discriminator(kind_of),
]

DEFAULT_INITIALIZATION = TorchDefault.model_construct()

INITIALIZATIONS: dict[str, type[Initialization]] = kinds_in(AnyInitialization)

__all__ = [
    "DEFAULT_INITIALIZATION",
    "INITIALIZATIONS",
    "AnyInitialization",
    "Initialization",
    "Normal",
    "TorchDefault",
]
