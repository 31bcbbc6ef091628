"""The Gaussian error linear unit (Hendrycks and Gimpel, 2016)."""

from __future__ import annotations

from typing import ClassVar, Literal

from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers.layer import Family, Layer


class GELU(Layer):
    """x * Phi(x), Phi being the normal distribution function, as in torch.nn.GELU."""

    keyword: ClassVar[str] = "gelu"
    family: ClassVar[Family] = "activation"
    keeps_shape: ClassVar[bool] = True
    words: ClassVar[Words] = Words(
        variants={("approximate", "tanh"): "gelu_tanh gelu_new gelu_fast gelu_pytorch_tanh"},
        values={
            "approximate": {
                **{"false": "none", "erf": "none", "exact": "none", "no": "none"},
                **{"true": "tanh", "yes": "tanh"},
            }
        },
        calls={"GELU": "approximate"},
    )

    approximate: Literal["none", "tanh"] = "none"
    """`none`: Phi(x) = (1 + erf(x / sqrt 2)) / 2; `tanh`: about that, by
    (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2."""
