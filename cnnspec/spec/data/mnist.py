"""MNIST: handwritten digits."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.data.contents import Contents
from cnnspec.spec.data.source import DataSource


class MNIST(DataSource):
    """70,000 handwritten digits of 1 x 28 x 28, 10 classes; its four files in a folder."""

    keyword: ClassVar[str] = "mnist"
    known: ClassVar[Contents] = Contents((1, 28, 28), 10, 60_000, 10_000)
