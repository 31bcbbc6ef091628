"""The softmax."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers.layer import Family, Layer

_AXIS = "leave it out: it is over the features of each image, or over the channels of each cell"


class Softmax(Layer):
    """exp(x) / sum(exp(x)), as in torch.nn.Softmax(dim=1).

    The sum is over the features of each image, or over the channels of each cell. Before a
    cross-entropy it is left out: that takes logits, and has the softmax in it.
    """

    keyword: ClassVar[str] = "softmax"
    family: ClassVar[Family] = "activation"
    keeps_shape: ClassVar[bool] = True
    gives_probabilities: ClassVar[bool] = True
    words: ClassVar[Words] = Words(
        synonyms="softmax2d softargmax",
        ways_out=dict.fromkeys(("dim", "axis"), lambda _: _AXIS),
        calls={"Softmax": "", "Softmax2d": ""},
    )
