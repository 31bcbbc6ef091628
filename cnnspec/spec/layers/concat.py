"""Branches beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from cnnspec.spec.layers.join import Join, agreed
from cnnspec.spec.sizes import PartialShape


class Concat(Join):
    """Its inputs in their order, along the channels; of features, along the features."""

    keyword: ClassVar[str] = "concat"
    rule: ClassVar[str] = "channels are joined where height and width agree"
    wanted: ClassVar[str] = "one height and width"
    sign: ClassVar[str] = "||"

    def alike(self, input: PartialShape) -> PartialShape:
        return input[1:]

    def join_outline(self, inputs: Sequence[PartialShape | None]) -> PartialShape | None:
        size = agreed([shape[1:] for shape in inputs if shape is not None])
        if size is None:
            return None
        widths = [shape[0] if shape else None for shape in inputs]
        return (sum(width or 0 for width in widths) if None not in widths else None, *size)
