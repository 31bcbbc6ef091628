"""MNIST: handwritten digits."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.data.source import DataSource
from cnnspec.spec.sizes import Shape


class MNIST(DataSource):
    """70,000 handwritten digits of 1 x 28 x 28, 10 classes; through torchvision."""

    keyword: ClassVar[str] = "mnist"
    shape: ClassVar[Shape | None] = (1, 28, 28)
    classes: ClassVar[int | None] = 10
    train_images: ClassVar[int | None] = 60_000
    test_images: ClassVar[int | None] = 10_000
