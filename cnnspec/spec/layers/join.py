"""Where branches meet. A spec does not write it: blocks of branches end in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from cnnspec.errors import ShapeError
from cnnspec.spec.layers.layer import Layer
from cnnspec.spec.sizes import PartialShape, Shape


class Join(Layer):
    """Base of every kind of join: several inputs, no options, nothing learnt."""

    def joined_shape(self, inputs: Sequence[Shape]) -> Shape:
        """Return the shape of the output for inputs of these shapes.

        Raises:
            ShapeError: they cannot be joined.
        """
        for problem in self.join_problems(inputs):
            raise problem
        return cast(Shape, self.join_outline(inputs))

    def join_problems(self, inputs: Sequence[PartialShape]) -> Iterator[ShapeError]:
        """Yield every reason why such inputs cannot be joined.

        Sizes that are not known are None, and never a reason.
        """
        raise NotImplementedError

    def join_outline(self, inputs: Sequence[PartialShape | None]) -> PartialShape | None:
        """Return what is known of the output's shape; None: not even whether it is images."""
        raise NotImplementedError

    def problems(self, input: PartialShape) -> Iterator[ShapeError]:
        yield from self.join_problems([input])

    def outline(self, input: PartialShape | None) -> PartialShape | None:
        return self.join_outline([input])


def first_known(sizes: Sequence[int | None]) -> int | None:
    """Return the first size that is known: of sizes that agree, the one they have."""
    return next((size for size in sizes if size is not None), None)


def mixed(join: Join, inputs: Sequence[PartialShape]) -> Iterator[ShapeError]:
    """Refuse images beside features."""
    if len({len(shape) for shape in inputs}) > 1:
        yield ShapeError(
            "branches-differ",
            f"`{join.keyword}` takes images alone or features alone, but receives both",
        )
