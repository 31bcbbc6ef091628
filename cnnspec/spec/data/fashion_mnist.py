"""Fashion-MNIST: clothes, in files like MNIST's."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.data.source import DataSource
from cnnspec.spec.sizes import Shape


class FashionMNIST(DataSource):
    """70,000 pictures of clothes of 1 x 28 x 28, 10 classes; through torchvision."""

    keyword: ClassVar[str] = "fashion_mnist"
    shape: ClassVar[Shape | None] = (1, 28, 28)
    classes: ClassVar[int | None] = 10
    train_images: ClassVar[int | None] = 60_000
    test_images: ClassVar[int | None] = 10_000
