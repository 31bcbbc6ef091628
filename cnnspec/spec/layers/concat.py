"""Branches beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from cnnspec.errors import ShapeError
from cnnspec.spec.layers.join import Join, first_known, mixed
from cnnspec.spec.sizes import PartialShape, show


class Concat(Join):
    """Its inputs in their order, along the channels; of features, along the features."""

    keyword: ClassVar[str] = "concat"

    def join_problems(self, inputs: Sequence[PartialShape]) -> Iterator[ShapeError]:
        if found := [*mixed(self, inputs)]:
            yield from found
        elif any(len({*sizes} - {None}) > 1 for sizes in zip(*(shape[1:] for shape in inputs))):
            shapes = " and ".join(map(show, inputs))
            yield ShapeError(
                "branches-differ",
                f"`concat` joins channels, height and width must agree, but it receives {shapes}",
            )

    def join_outline(self, inputs: Sequence[PartialShape | None]) -> PartialShape | None:
        known = [shape for shape in inputs if shape is not None]
        if not known:
            return None
        widths = [shape[0] if shape else None for shape in inputs]
        width = sum(size for size in widths if size is not None)
        return (None if None in widths else width, *map(first_known, zip(*(s[1:] for s in known))))
