"""FashionMNIST: clothes, in files like MNIST's."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.data.contents import Contents
from cnnspec.spec.data.source import DataSource
from cnnspec.spec.kind_words import Words


class FashionMNIST(DataSource):
    """70,000 pictures of clothes of 1 x 28 x 28, 10 classes; its four files in a folder."""

    keyword: ClassVar[str] = "fashion_mnist"
    words: ClassVar[Words] = Words(synonyms="fashionmnist fmnist")
    known: ClassVar[Contents] = Contents((1, 28, 28), 10, 60_000, 10_000)
