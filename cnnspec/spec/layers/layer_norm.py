"""Layer normalisation (Ba, Kiros and Hinton, 2016)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, FiniteFloat, PositiveInt

from cnnspec.spec.kind_words import Besides, Words
from cnnspec.spec.layers.layer import Family, Layer
from cnnspec.spec.sizes import Shape
from cnnspec.spec.skeleton import Made, Skeleton
from cnnspec.spec.starts import Constant, Drawn, Start


class LayerNorm(Layer):
    """(x - mean) / sqrt(variance + eps) of each image by itself, as in torch.nn.LayerNorm.

    Mean and variance are those of the channels of each cell, as in ConvNeXt, or of the whole
    image; for features there is no difference. The variance is the biased one.
    """

    keyword: ClassVar[str] = "layer_norm"
    skeleton: ClassVar[Skeleton] = Skeleton(
        formula="(x - mean) / sqrt(variance + eps) * weight + bias. Mean and variance are those of "
        "the channels of each cell; the variance is the biased one.",
        options=("num_channels", "eps"),
        x="(n, num_channels, height, width), or (n, num_channels)",
        arrays={
            "weight": Made("(num_channels,)", "np.ones(num_channels)"),
            "bias": Made("(num_channels,)", "np.zeros(num_channels)"),
        },
    )
    family: ClassVar[Family] = "normalisation"
    keeps_shape: ClassVar[bool] = True
    input_width: ClassVar[str] = "num_channels"
    words: ClassVar[Words] = Words(
        synonyms="layernorm layernorm2d layer_normalization ln",
        besides={
            "layernormalization": Besides(
                "the eps of Keras is 1e-3, and of torch 1e-5", unless="eps"
            )
        },
        unwritten={
            "normalized_shape": "leave it out: it is inferred; where it is that of an image, write "
            "`over: image`",
            "axis": "write `over: channels` or `over: image`",
        },
        options={"eps": "epsilon"},
        guesses={
            "over": "dim dims",
            "elementwise_affine": "affine scale",
            "bias": "center",
            "num_channels": "num_features channels in_channels in_features",
        },
        parameters={"num_channels": "num_features features channels n_features dim"},
        values={"over": {"channel": "channels", "features": "channels", "images": "image"}},
    )

    over: Literal["channels", "image"] = "channels"
    """`channels`: mean and variance are those of the channels of each cell; `image`: of all
    channels and cells."""
    eps: Annotated[FiniteFloat, Field(gt=0)] = 1e-5
    """Added to the variance, inside the root."""
    elementwise_affine: bool = True
    """Multiply by a learnt number: one for each channel, or for each channel and cell."""
    bias: bool = True
    """Add a learnt number as well."""
    num_channels: PositiveInt | None = None
    """Channels, or features. Asserted where written; inferred otherwise."""

    def parameters(self, input: Shape) -> dict[str, Shape]:
        own = input if self.over == "image" else input[:1]
        names = ("weight", "bias") if self.bias else ("weight",)
        return dict.fromkeys(names, own) if self.elementwise_affine else {}

    def starts(self, input: Shape) -> dict[str, Start | Drawn]:
        return {"weight": Constant(1.0), "bias": Constant(0.0)}
