"""The sum of branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from cnnspec.spec.layers.join import Join, agreed
from cnnspec.spec.sizes import PartialShape


class Add(Join):
    """The sum of its inputs, element by element, in their order: ((a + b) + c) + ..."""

    keyword: ClassVar[str] = "add"
    rule: ClassVar[str] = "a sum takes equal shapes"
    wanted: ClassVar[str] = "one shape"
    sign: ClassVar[str] = "+"

    def alike(self, input: PartialShape) -> PartialShape:
        return input

    def join_outline(self, inputs: Sequence[PartialShape | None]) -> PartialShape | None:
        return agreed([shape for shape in inputs if shape is not None])
