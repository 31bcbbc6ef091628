"""The rectifier."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers.layer import Family, Layer


class ReLU(Layer):
    """max(x, 0), element by element; the derivative at 0 is 0."""

    keyword: ClassVar[str] = "relu"
    family: ClassVar[Family] = "activation"
    keeps_shape: ClassVar[bool] = True
    words: ClassVar[Words] = Words(synonyms="rectifier", calls={"ReLU": "inplace"})

    def clips_below_zero(self) -> bool:
        return True
