"""The rectifier that leaks (Maas, Hannun and Ng, 2013)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, FiniteFloat

from cnnspec.spec.kind_words import Besides, Words
from cnnspec.spec.layers.layer import Family, Layer
from cnnspec.spec.skeleton import Skeleton


def _of_slope(found: Any) -> str:
    """Say what to do about a slope below 0."""
    if isinstance(found, int | float) and -1e38 <= found < 0:
        return f"what is below 0 would change its sign: write `{-found:.6g}`, if it is to keep it"
    return ""


class LeakyReLU(Layer):
    """x where x > 0, negative_slope * x elsewhere, as in torch.nn.LeakyReLU.

    The derivative at 0 is the slope.
    """

    keyword: ClassVar[str] = "leaky_relu"
    skeleton: ClassVar[Skeleton] = Skeleton(options=("negative_slope",))
    family: ClassVar[Family] = "activation"
    keeps_shape: ClassVar[bool] = True
    words: ClassVar[Words] = Words(
        synonyms="leakyrelu lrelu leaky",
        besides={
            "leakyrelu": Besides(
                "the slope of Keras is 0.3 where none is written, and that of torch 0.01",
                unless="negative_slope",
            ),
            "leaky": Besides(
                "the slope of darknet is 0.1: write `leaky_relu: {negative_slope: 0.1}`",
                unless="negative_slope",
            ),
        },
        options={"negative_slope": "alpha"},
        guesses={"negative_slope": "slope leak"},
        parameters={"negative_slope": "slope leak"},
        ways_out={"negative_slope": _of_slope},
        calls={"LeakyReLU": "negative_slope inplace"},
    )

    negative_slope: Annotated[FiniteFloat, Field(ge=0, le=1e38)] = 0.01
    """What numbers below 0 are multiplied by."""

    def clips_below_zero(self) -> bool:
        return self.negative_slope == 0
