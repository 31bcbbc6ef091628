"""What a network is trained on: the `data` section."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Tag

from cnnspec.spec.data.digits import Digits
from cnnspec.spec.data.fashion_mnist import FashionMNIST
from cnnspec.spec.data.mnist import MNIST
from cnnspec.spec.data.npz import NPZ
from cnnspec.spec.data.source import DataSource, Normalize
from cnnspec.spec.section import kind_of, kinds_in

__all__ = [
    "DATA_KINDS",
    "MNIST",
    "NPZ",
    "AnyData",
    "DataSource",
    "Digits",
    "FashionMNIST",
    "Normalize",
]

AnyData = Annotated[
    Annotated[Digits, Tag("digits")]
    | Annotated[MNIST, Tag("mnist")]
    | Annotated[FashionMNIST, Tag("fashion_mnist")]
    | Annotated[NPZ, Tag("npz")],
    Discriminator(kind_of),
]

DATA_KINDS: dict[str, type[DataSource]] = kinds_in(AnyData)
