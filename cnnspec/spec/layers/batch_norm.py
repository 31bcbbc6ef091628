"""Batch normalisation (Ioffe and Szegedy, 2015)."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field, FiniteFloat, PositiveInt

from cnnspec.spec.kind_words import Besides, Words
from cnnspec.spec.layers.layer import Family, Layer
from cnnspec.spec.sizes import Shape
from cnnspec.spec.skeleton import Made, Skeleton
from cnnspec.spec.starts import Constant, Drawn, Start


class BatchNorm(Layer):
    """(x - mean) / sqrt(variance + eps), channel by channel, as in torch.nn.BatchNorm2d and 1d.

    In training, mean and variance are those of the batch: over images and places, and for
    features over images. Predictions take running ones. A batch is normalised by its biased
    variance; what runs is the unbiased one.
    """

    keyword: ClassVar[str] = "batch_norm"
    skeleton: ClassVar[Skeleton] = Skeleton(
        formula="(x - mean) / sqrt(variance + eps) * weight + bias, channel by channel. The "
        "variance is the biased one, and what runs is the unbiased one: running = (1 - momentum) * "
        "running + momentum * of the batch.",
        options=("num_features", "eps", "momentum"),
        x="(n, num_features, height, width), or (n, num_features)",
        arrays={
            "weight": Made("(num_features,)", "np.ones(num_features)"),
            "bias": Made("(num_features,)", "np.zeros(num_features)"),
            "running_mean": Made("(num_features,)", "np.zeros(num_features)"),
            "running_var": Made("(num_features,)", "np.ones(num_features)"),
        },
        running=("running_mean", "running_var"),
        in_training="In training, normalise by the batch, and move the running mean and variance; "
        "else, normalise by those",
    )
    couples_images: ClassVar[bool] = True
    family: ClassVar[Family] = "normalisation"
    keeps_shape: ClassVar[bool] = True
    input_width: ClassVar[str] = "num_features"
    words: ClassVar[Words] = Words(
        synonyms="batch_normalization batchnorm batchnorm1d batchnorm2d batchnormalization bn",
        besides={
            "batchnormalization": Besides(
                "the defaults of Keras are `batch_norm: {momentum: 0.01, eps: 1e-3}`, as "
                "`momentum` is the share of the batch here"
            )
        },
        unwritten={
            "track_running_stats": "leave it out: running statistics are always kept",
            "batch_normalize": "leave it out: a `- batch_norm` is a layer of its own",
        },
        guesses={"num_features": "channels in_channels in_features", "eps": "epsilon"},
        parameters={
            "num_features": "features num_channels channels n_features dim",
            "eps": "epsilon",
        },
        complements={"momentum": "momentum decay"},
        arrays={
            "running_mean": "moving_mean mean_running running_mu",
            "running_var": "running_variance moving_var moving_variance",
        },
        calls=dict.fromkeys(("BatchNorm1d", "BatchNorm2d"), "num_features eps momentum affine"),
    )

    eps: Annotated[FiniteFloat, Field(gt=0)] = 1e-5
    """Added to the variance, inside the root."""
    momentum: Annotated[FiniteFloat, Field(ge=0, le=1)] = 0.1
    """Share of the batch in the running mean and variance."""
    affine: bool = True
    """Multiply each channel by a learnt number and add another."""
    num_features: PositiveInt | None = None
    """Channels, or features. Asserted where written; inferred otherwise."""

    def parameters(self, input: Shape) -> dict[str, Shape]:
        return {"weight": input[:1], "bias": input[:1]} if self.affine else {}

    def buffers(self, input: Shape) -> dict[str, Shape]:
        return {"running_mean": input[:1], "running_var": input[:1]}

    def starts(self, input: Shape) -> dict[str, Start | Drawn]:
        return {
            "weight": Constant(1.0),
            "bias": Constant(0.0),
            "running_mean": Constant(0.0),
            "running_var": Constant(1.0),
        }

    def least_batch(self, input: Shape) -> int:
        return 2 if math.prod(input[1:]) == 1 else 1
