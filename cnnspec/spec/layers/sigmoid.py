"""The logistic function."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers.layer import Family, Layer


class Sigmoid(Layer):
    """1 / (1 + exp(-x)), element by element, as in torch.nn.Sigmoid."""

    keyword: ClassVar[str] = "sigmoid"
    family: ClassVar[Family] = "activation"
    keeps_shape: ClassVar[bool] = True
    words: ClassVar[Words] = Words(synonyms="logistic expit", calls={"Sigmoid": ""})
