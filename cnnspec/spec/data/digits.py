"""Digits: the data that the package carries."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.data.source import DataSource
from cnnspec.spec.sizes import Shape


class Digits(DataSource):
    """1,797 real handwritten digits of 1 x 8 x 8, 10 classes; built in."""

    keyword: ClassVar[str] = "digits"
    shape: ClassVar[Shape | None] = (1, 8, 8)
    classes: ClassVar[int | None] = 10
    train_images: ClassVar[int | None] = 1_437
    test_images: ClassVar[int | None] = 360
