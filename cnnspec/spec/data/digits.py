"""Digits: the data that the package carries."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.data.contents import Contents
from cnnspec.spec.data.source import DataSource


class Digits(DataSource):
    """1,797 real handwritten digits of 1 x 8 x 8, 10 classes; built in."""

    keyword: ClassVar[str] = "digits"
    known: ClassVar[Contents] = Contents((1, 8, 8), 10, 1_437, 360)
