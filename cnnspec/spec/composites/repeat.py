"""Layers that come several times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, PositiveInt

from cnnspec.spec.composites.composite import (
    Activation,
    BlockPlacer,
    Composite,
    Count,
    of_no_layers,
)
from cnnspec.spec.field_words import answers
from cnnspec.spec.kind_words import Words
from cnnspec.spec.limits import MOST_LAYERS
from cnnspec.spec.sizes import PartialShape

if TYPE_CHECKING:
    from cnnspec.spec.composites import AnyEntry


def _at_least_once(found: Any) -> str:
    """Say what to do about layers that never come."""
    if isinstance(found, int) and not isinstance(found, bool) and found < 1:
        return "its layers come at least once: write `1`, or leave the whole `repeat` out"
    return ""


class Repeat(Composite):
    """The same layers several times, one after the other, each time with weights of their own."""

    keyword: ClassVar[str] = "repeat"
    ending: ClassVar[str | None] = "layers"
    words: ClassVar[Words] = Words(
        answers=answers(
            "sequential block stage group model module list modulelist",
            "layers stand in one list: write those inside it one after the other; "
            "`repeat: {{times: 2, layers: [...]}}` has them several times",
        ),
        guesses={"times": "n count repeats", "layers": "body modules"},
        ways_out={"times": _at_least_once, "layers": of_no_layers("layers")},
        examples={"times": "2", "layers": "[...]"},
    )
    lists: ClassVar[Mapping[str, int]] = MappingProxyType({"layers": 1})

    times: Annotated[PositiveInt, Field(le=MOST_LAYERS)]
    """How often they come."""
    layers: Annotated[Sequence[AnyEntry], Field(min_length=1), AfterValidator(tuple)]
    """Layers and blocks, one after the other."""

    def place(self, placer: BlockPlacer, input: Activation) -> Activation:
        activation, times = input, self.times or 1
        for number in range(times):
            before = activation.shape
            activation = placer.run(
                ("layers",), self.layers, activation, number=number, times=times
            )
            if placer.only_tries and activation.shape == before:
                break  # all that follow give this shape, too
        if self.times is None:
            return Activation(activation.source, _sure(input.shape, activation.shape))
        return activation

    @classmethod
    def label(cls, steps: Sequence[str | int], number: int = 0) -> str:
        return str(number)

    def layer_count(self, count: Count) -> int:
        return (self.times or 1) * count(self.layers or ())


def _sure(before: PartialShape | None, after: PartialShape | None) -> PartialShape | None:
    """Return what is known of a shape after layers that may come more than once."""
    if before is None or after is None or len(before) != len(after):
        return None
    return tuple(size if size == given else None for given, size in zip(before, after))
