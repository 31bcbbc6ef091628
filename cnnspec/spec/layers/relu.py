"""The rectifier."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.layers.layer import Layer
from cnnspec.spec.sizes import PartialShape, Shape


class ReLU(Layer):
    """max(x, 0), element by element; the derivative at 0 is 0."""

    keyword: ClassVar[str] = "relu"

    def outline(self, input: PartialShape | None) -> PartialShape | None:
        return input

    def reductions(self, input: Shape, output: Shape, batch: int) -> dict[str, int]:
        return {"output": 0, "grad_input": 0}
