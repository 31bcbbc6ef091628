"""Where branches meet. A spec does not write it: blocks of branches end in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, cast

from cnnspec.errors import ShapeError
from cnnspec.spec.layers.layer import Family, Layer
from cnnspec.spec.sizes import PartialShape, Shape, show

MIXED = "images and features do not join"


class Join(Layer):
    """Base of every kind of join: several inputs, no options, nothing learnt."""

    rule: ClassVar[str]
    """Which inputs can be joined, for a message."""
    wanted: ClassVar[str]
    """What all inputs have to have, for a message."""
    sign: ClassVar[str]
    """What stands for it in pictures."""
    family: ClassVar[Family] = "joining branches"

    def alike(self, input: PartialShape) -> PartialShape:
        """Return the sizes of an input that all others have to have, too."""
        raise NotImplementedError

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
        rule = ""
        if len({len(shape) for shape in inputs}) > 1:
            rule = MIXED
        elif any(len({*sizes} - {None}) > 1 for sizes in zip(*map(self.alike, inputs))):
            rule = self.rule
        if rule:
            shapes = " and ".join(map(show, inputs))
            message = f"`{self.keyword}` cannot join {shapes}: {rule}"
            yield ShapeError("branches-differ", message)

    def join_outline(self, inputs: Sequence[PartialShape | None]) -> PartialShape | None:
        """Return what is known of the output's shape; None: not even whether it is images."""
        raise NotImplementedError

    def problems(self, input: PartialShape) -> Iterator[ShapeError]:
        yield from self.join_problems([input])

    def outline(self, input: PartialShape | None) -> PartialShape | None:
        return self.join_outline([input])


def agreed(shapes: Sequence[PartialShape]) -> PartialShape | None:
    """Return the sizes that shapes agree on, as far as they are known; None: not even how many."""
    if len({len(shape) for shape in shapes}) != 1:
        return None
    known = [{*sizes} - {None} for sizes in zip(*shapes)]
    return tuple(sizes.pop() if len(sizes) == 1 else None for sizes in known)
