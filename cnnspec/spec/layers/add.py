"""The sum of branches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from cnnspec.errors import ShapeError
from cnnspec.spec.layers.join import Join, first_known, mixed
from cnnspec.spec.sizes import PartialShape, show


class Add(Join):
    """The sum of its inputs, element by element, in their order: ((a + b) + c) + ..."""

    keyword: ClassVar[str] = "add"

    def join_problems(self, inputs: Sequence[PartialShape]) -> Iterator[ShapeError]:
        if found := [*mixed(self, inputs)]:
            yield from found
        elif any(len({*sizes} - {None}) > 1 for sizes in zip(*inputs)):
            shapes = " and ".join(map(show, inputs))
            yield ShapeError(
                "branches-differ",
                f"`add` takes inputs of one shape, but receives {shapes}",
            )

    def join_outline(self, inputs: Sequence[PartialShape | None]) -> PartialShape | None:
        known = [shape for shape in inputs if shape is not None]
        return tuple(map(first_known, zip(*known))) if known else None
