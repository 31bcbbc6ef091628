"""Spatial options: a whole number for both axes, or `[height, width]`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError

from cnnspec.spec.amounts import in_words
from cnnspec.spec.limits import MOST

Shape = tuple[int, ...]
PartialShape = tuple[int | None, ...]
"""A shape of which some sizes are not known, since something before it is not valid."""
Pair = tuple[int, int]


def pair(size: int | Pair) -> Pair:
    """Return `size` as (height, width)."""
    return (size, size) if isinstance(size, int) else size


def one_or_both(sizes: Pair) -> int | Pair:
    """Return (height, width) as one number, where both agree."""
    height, width = sizes
    return height if height == width else sizes


def show(shape: Sequence[int | None]) -> str:
    """Write a shape as people read it: `16 x 14 x 14`."""
    return " x ".join(map(_show_size, shape))


def _show_size(size: int | None) -> str:
    if size is None:
        return "?"
    return str(size) if size <= MOST else in_words(size)


def held(shape: PartialShape | None) -> PartialShape | None:
    """Return a shape without the sizes that no machine holds: what follows hangs on nothing.

    Blocks may double a size thousands of times.
    """
    if shape is None:
        return None
    return tuple(size if size is not None and size <= MOST else None for size in shape)


def is_known(shape: PartialShape | None) -> TypeGuard[Shape]:
    """Tell whether every size of a shape is known."""
    return shape is not None and None not in shape


def _in_order(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return value
    raise PydanticCustomError("wrong_type", "wanted a list")


Ordered = BeforeValidator(_in_order)
"""Takes lists and tuples alone: pydantic would take a set for a tuple, in any order."""


def _size(least: int, words: tuple[str, ...] = ()) -> Callable[[Any], Any]:
    wanted = f"a whole number of {least} or more, or [height, width]"
    for word in words:
        wanted += f", or `{word}`"

    def is_whole(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    def read(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            return value
        sizes = value if isinstance(value, list | tuple) else [value]
        if not all(map(is_whole, sizes)):
            problem = "wrong_value" if words and isinstance(value, str) else "wrong_type"
        elif sizes is value and len(sizes) != 2:
            problem = "wrong_length"
        elif min(sizes) < least:
            problem = "out_of_range"
        elif sizes is value:
            height, width = value
            return one_or_both((height, width))
        else:
            return value
        raise PydanticCustomError(problem, "wanted {wanted}", {"wanted": wanted, "least": least})

    return read


Size = Annotated[int | Pair, PlainValidator(_size(1), json_schema_input_type=int | Pair)]
"""A kernel, stride or dilation. Kept as one number where both axes agree."""

PoolPadding = Annotated[int | Pair, PlainValidator(_size(0), json_schema_input_type=int | Pair)]
"""Cells added on each side."""

ConvPadding = Annotated[
    int | Pair | Literal["same"],
    PlainValidator(_size(0, ("same",)), json_schema_input_type=int | Pair | Literal["same"]),
]
"""Cells added on each side, or `same`: as many as keep the size."""
