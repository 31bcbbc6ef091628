"""What every block states about itself: syntax that comes to layers, and to joins of branches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

from pydantic import ModelWrapValidatorHandler, model_validator
from pydantic_core import PydanticCustomError

from cnnspec.errors import ShapeError
from cnnspec.spec.layers.join import Join
from cnnspec.spec.layers.layer import LayerName
from cnnspec.spec.section import Kind
from cnnspec.spec.sizes import PartialShape, Shape, is_known, show

MOST_NESTED = 8
"""How deep blocks may stand within each other: any such spec can be written out and read back."""

Count = Callable[[Sequence[Any]], int]
"""Counts the layers that entries come to."""


@dataclass(frozen=True)
class Activation:
    """What a layer, or a branch of layers, gives."""

    source: str
    """Name of the layer that gives it."""
    shape: PartialShape | None
    trail: tuple[str, ...] = ()
    """The last layers on the way, each with the shape that it gives."""


@dataclass(frozen=True)
class Way:
    """What would make the branches of a block fit."""

    said: str
    """As it is offered: write `padding: 1` in body[0]."""
    block: Composite
    """The block after it."""


class BlockPlacer(Protocol):
    """Places the layers of a block, and its joins."""

    only_tries: bool
    """Whether nothing but the shape at the end is wanted."""

    def run(
        self,
        steps: tuple[str | int, ...],
        entries: Sequence[Any] | None,
        input: Activation,
        *,
        number: int = 0,
        times: int = 1,
    ) -> Activation:
        """Place entries one after the other, and return what the last one gives.

        They stand in the spec at `steps` below the block. None: they are not valid. `number`
        is that of a repetition, from 0.
        """
        ...

    def join(
        self,
        join: Join,
        branches: Sequence[Activation],
        misfit: Callable[[Sequence[PartialShape]], ShapeError],
    ) -> Activation:
        """Place a join of branches; where their shapes do not fit, report `misfit` of them."""
        ...

    def offer(self, ways: Iterator[Way], otherwise: str) -> str:
        """Return what the first way says that fits in every repetition of the block, too."""
        ...

    def outcome(self, entries: Sequence[Any], input: Shape) -> Shape | None:
        """Return what entries would give of an input; None where they do not fit, or are many."""
        ...


class Composite(Kind):
    """Base of every kind of block.

    Options of a block that is not valid are None, and so are lists in the place of entries.
    """

    lists: ClassVar[Mapping[str, int]]
    """Options that hold layers and blocks, and how many lists deep these stand in them."""

    ending: ClassVar[str | None] = None
    """The option whose last entry gives the output; None where branches meet."""

    name: LayerName | None = None
    """The block's name in the plan, the reports and the weights; by default kind + number."""

    def place(self, placer: BlockPlacer, input: Activation) -> Activation:
        """Lay the block out, and return what it gives."""
        raise NotImplementedError

    def layer_count(self, count: Count) -> int:
        """Return how many layers it comes to, joins included."""
        raise NotImplementedError

    @classmethod
    def label(cls, steps: Sequence[str | int], number: int = 0) -> str:
        """Return what stands in names between the block's and those of entries at `steps`."""
        return ".".join(map(str, steps))

    def inner(self) -> Iterator[Any]:
        """Yield the layers and blocks that stand in it, as they are written."""
        for option, depth in self.lists.items():
            yield from _entries(getattr(self, option), depth)

    @model_validator(mode="wrap")
    @classmethod
    def _is_not_too_deep(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(value, cls):  # it was valid when it was made
            return value
        block = handler(value)
        if _depth(block, {}) > MOST_NESTED:
            message = f"blocks stand more than {MOST_NESTED} deep within each other here"
            way_out = "write some of them one after the other"
            raise PydanticCustomError("too_deep", "{said}", {"said": message, "help": way_out})
        return block


def is_nothing(found: Any) -> bool:
    """Tell whether a value in the place of a list means that there are no layers."""
    word = found.lower() if isinstance(found, str) else ""
    return found is None or isinstance(found, bool) or word in ("identity", "none", "null", "input")


def of_no_layers(option: str) -> Callable[[Any], str]:
    """Return what to do about a list without layers in a block."""

    def told(found: Any) -> str:
        way_out = f"write layers into it, as in `{option}: [relu]`, or leave the whole block out"
        return way_out if found == [] or is_nothing(found) else ""

    return told


def show_branch(shape: PartialShape) -> str:
    """Write what a branch gives; where no size of it is known, what it is."""
    if any(shape):
        return show(shape)
    return "features" if len(shape) == 1 else "images"


def assumed(input: PartialShape | None, branches: Sequence[PartialShape]) -> Shape | None:
    """Return the input with channels of a branch where its own are not known, and all else is.

    Something before it is not valid. What mends height and width is the same for all channels.
    """
    if input is None or None in input[1:]:
        return None
    channels = [input[0], *(shape[0] for shape in branches if len(shape) == len(input))]
    likely = next(filter(None, channels), None)
    full = (likely, *input[1:])
    return full if is_known(full) else None


def count_layers(entries: Sequence[Any]) -> int:
    """Count the layers that entries come to, joins included, by arithmetic alone."""
    known: dict[int, int] = {}

    def of_block(block: Composite) -> int:
        if id(block) not in known:
            known[id(block)] = block.layer_count(count)
        return known[id(block)]

    def count(entries: Sequence[Any]) -> int:
        return sum(of_block(each) if isinstance(each, Composite) else 1 for each in entries)

    return count(entries)


def _depth(block: Composite, known: dict[int, int]) -> int:
    """Return how deep blocks stand in a block, itself included."""
    if id(block) not in known:
        blocks = (each for each in block.inner() if isinstance(each, Composite))
        known[id(block)] = 1 + max((_depth(each, known) for each in blocks), default=0)
    return known[id(block)]


def _entries(value: Any, depth: int) -> Iterator[Any]:
    for each in value or ():
        if depth == 1:
            yield each
        else:
            yield from _entries(each, depth - 1)
