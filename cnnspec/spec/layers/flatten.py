"""From images to features."""

from __future__ import annotations

import math
from typing import ClassVar

from cnnspec.spec.field_words import answers
from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers.layer import Family, Layer
from cnnspec.spec.sizes import PartialShape, Shape
from cnnspec.spec.skeleton import Skeleton


class Flatten(Layer):
    """(c, h, w) -> (c * h * w,), channels outermost and width innermost."""

    keyword: ClassVar[str] = "flatten"
    skeleton: ClassVar[Skeleton] = Skeleton(
        x="(n, channels, height, width)", output="(n, channels * height * width)"
    )
    only_reshapes: ClassVar[bool] = True
    family: ClassVar[Family] = "reshaping"
    words: ClassVar[Words] = Words(
        answers=answers(
            "reshape view squeeze",
            "there is `flatten`, which makes the features of each image one row; cnnspec "
            "makes no other shapes",
        ),
        calls={"Flatten": ""},
    )

    def outline(self, input: PartialShape | None) -> PartialShape | None:
        sizes = [size for size in input or () if size is not None]
        return (math.prod(sizes) if input and len(sizes) == len(input) else None,)

    def reductions(self, input: Shape, output: Shape, batch: int) -> dict[str, int]:
        return {"output": 0, "grad_input": 0}
