"""The hyperbolic tangent."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers.layer import Family, Layer


class Tanh(Layer):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)), element by element, as in torch.nn.Tanh."""

    keyword: ClassVar[str] = "tanh"
    family: ClassVar[Family] = "activation"
    keeps_shape: ClassVar[bool] = True
    words: ClassVar[Words] = Words(synonyms="hyperbolic_tangent", calls={"Tanh": ""})
