"""Dropout (Srivastava et al., 2014), and of whole channels (Tompson et al., 2015)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from cnnspec.errors import ShapeError
from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers.layer import Layer, is_image
from cnnspec.spec.mask import Mask
from cnnspec.spec.numbers import Fraction
from cnnspec.spec.sizes import PartialShape, Shape
from cnnspec.spec.skeleton import Skeleton


def _of_percent(found: Any) -> str:
    """Say what to do about a probability that is not from 0 to below 1."""
    if found == 1 and not isinstance(found, bool):
        return "1 drops everything: write less, or `0` to keep everything"
    if isinstance(found, str) and re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})? ?%", found):
        return f"write `{float(found[:-1]) / 100:.6g}`"
    if isinstance(found, int | float) and 1 < found <= 99:
        return f"write `{found / 100:.6g}`, if {found:.6g} % are meant"
    return ""


def _of_kept(found: Any) -> str:
    """Say what to write in place of a probability to be kept."""
    if isinstance(found, int | float) and 0.001 <= found <= 1 and not isinstance(found, bool):
        return f"write `p: {1 - found:.6g}`: the probability to be dropped"
    return ""


class Dropout(Layer):
    """In training, x / (1 - p), where x is kept; what is dropped is 0. In evaluation, x itself.

    What is dropped is drawn anew for each image of each step. It is the same on every backend, and
    not what torch.nn.Dropout would draw.
    """

    keyword: ClassVar[str] = "dropout"
    skeleton: ClassVar[Skeleton] = Skeleton(
        formula="x / (1 - p) where x is kept, and 0 where it is dropped, with the probability p.",
        options=("p",),
        in_training="In training, drop numbers, others in each call; else, return x",
    )
    keeps_shape: ClassVar[bool] = True
    words: ClassVar[Words] = Words(
        synonyms="drop_out",
        variants={
            ("per", "channel"): "dropout2d spatialdropout2d spatial_dropout spatial_dropout2d "
            "channel_dropout"
        },
        unwritten={
            "dropout_rate": "write a `- dropout: {p: ...}` of its own behind the layer",
            "keep_prob": "`p` is the probability to be dropped: 1 - keep_prob",
            "training": "leave it out: a network drops in training alone",
        },
        complements={
            "p": "keep_prob keep_probability keep_rate keep_p p_keep retain_prob keep keep_ratio "
            "prob_keep retention retention_rate retain"
        },
        options={"p": "rate drop_prob dropout_ratio probability"},
        guesses={"p": "ratio drop dropout_prob dropout_p drop_rate"},
        parameters={
            "p": "drop_rate dropout_rate drop_ratio dropout_prob dropout_p ratio prob drop dropout "
            "drop_probability dropout_probability pdrop p_drop prob_drop"
        },
        values={
            "per": {
                **{"elements": "element", "unit": "element", "neuron": "element"},
                **{"channels": "channel", "feature_map": "channel", "spatial": "channel"},
            }
        },
        ways_out={"p": _of_percent, "keep_prob": _of_kept},
        calls=dict.fromkeys(("Dropout", "Dropout2d"), "p inplace") | {"SpatialDropout2D": "p"},
    )

    p: Fraction = 0.5
    """The probability that a number is dropped, from 0 to below 1."""
    per: Literal["element", "channel"] = "element"
    """Whether each number is dropped by itself, or whole channels of an image are."""

    def own_problems(self, input: PartialShape) -> Iterator[ShapeError]:
        if self.per == "channel" and not is_image(input):
            yield ShapeError(
                "not-an-image",
                "`dropout` drops whole channels of images, but receives features",
                option="per",
                help="leave `per` out, or move `dropout` before `flatten`",
            )

    def mask(self, input: Shape) -> Mask:
        shape = input if self.per == "element" else (input[0], 1, 1)
        return Mask(shape, self.p)

    def reductions(self, input: Shape, output: Shape, batch: int) -> dict[str, int]:
        # 1 - p, one over it, that in the working precision, and the product.
        k = 4 if self.p else 0
        return {"output": k, "grad_input": k}
