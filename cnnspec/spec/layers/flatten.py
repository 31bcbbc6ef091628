"""From images to features."""

from __future__ import annotations

import math
from typing import ClassVar

from cnnspec.spec.layers.layer import Layer
from cnnspec.spec.sizes import Shape


class Flatten(Layer):
    """(c, h, w) -> (c * h * w,), channels outermost and width innermost."""

    keyword: ClassVar[str] = "flatten"

    def output_shape(self, input: Shape) -> Shape:
        return (math.prod(input),)

    def reductions(self, input: Shape, output: Shape, batch: int) -> dict[str, int]:
        return {"output": 0, "grad_input": 0}
