"""A residual block (He et al., 2015)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field

from cnnspec.errors import ShapeError
from cnnspec.spec.composites.composite import (
    Activation,
    BlockPlacer,
    Composite,
    Count,
    assumed,
    of_no_layers,
    show_branch,
)
from cnnspec.spec.composites.fitting import Branch, Change, projection, strides_of, to_features
from cnnspec.spec.field_words import answers
from cnnspec.spec.flow import show_value
from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers import Add, Layer
from cnnspec.spec.layers.join import MIXED
from cnnspec.spec.sizes import PartialShape, Shape

if TYPE_CHECKING:
    from cnnspec.spec.composites import AnyEntry


class Residual(Composite):
    """body(x) + shortcut(x); without a shortcut, body(x) + x."""

    keyword: ClassVar[str] = "residual"
    words: ClassVar[Words] = Words(
        synonyms="residual_block resblock",
        answers=answers(
            "basicblock bottleneck shortcut skip skip_connection",
            "a branch whose input is added to it is a block: `residual: {{body: [...]}}`",
        ),
        guesses={"shortcut": "skip skip_connection downsample projection"},
        ways_out={"body": of_no_layers("body")},
        examples={"body": "[...]"},
    )
    lists: ClassVar[Mapping[str, int]] = MappingProxyType({"body": 1, "shortcut": 1})

    body: Annotated[Sequence[AnyEntry], Field(min_length=1), AfterValidator(tuple)]
    """Layers and blocks, one after the other."""
    shortcut: Annotated[Sequence[AnyEntry], AfterValidator(tuple)] = ()
    """Layers and blocks beside the body; by default none: the input itself is added."""

    def place(self, placer: BlockPlacer, input: Activation) -> Activation:
        body = placer.run(("body",), self.body, input)
        shortcut = placer.run(("shortcut",), self.shortcut, input)

        def misfit(shapes: Sequence[PartialShape]) -> ShapeError:
            gives = "shortcut gives" if self.shortcut else "the input is"
            given = assumed(input.shape, shapes)
            both = [placer.outcome(each, given) for each in (self.body, self.shortcut) if given]
            known = [shape for shape in (given, *both) if shape]
            ways = self._ways_out(placer, *known) if len(known) == 3 else iter(())
            wanted = f"have both give {Add.wanted}: {Add.rule}"
            if len(shapes[0]) != len(shapes[1]):
                wanted = f"have both give images, or both give features: {MIXED}"
            return ShapeError(
                "branches-differ",
                f"body gives {show_branch(shapes[0])}, but {gives} {show_branch(shapes[1])}",
                help=next(ways, wanted),
            )

        return placer.join(Add(), (body, shortcut), misfit)

    def layer_count(self, count: Count) -> int:
        return count(self.body or ()) + count(self.shortcut or ()) + 1

    def _ways_out(
        self, placer: BlockPlacer, input: Shape, body: Shape, shortcut: Shape
    ) -> Iterator[str]:
        """Yield what would make the branches fit, the likeliest first."""

        def trial(entries: Sequence[AnyEntry]) -> Shape | None:
            return placer.outcome(entries, input)

        of_body = strides_of(self.body, input, body)
        of_shortcut = strides_of(self.shortcut, input, shortcut)
        inner = Branch(self.body, "body", trial, of_shortcut)
        beside = Branch(self.shortcut, "shortcut", trial, of_body)
        if len(body) != len(shortcut):
            yield from self._features(inner, beside, body, shortcut)
            return
        added = projection(input, body, of_body)
        if not self.shortcut:
            yield from self._projections(inner, input, added)
        ways: list[tuple[Iterator[Change], Shape]] = [
            (beside.paddings(), body),
            (inner.paddings(), shortcut),
            (beside.other_strides(), body),
            (inner.other_strides(), shortcut),
            (beside.widths(body[0]), body),
        ]
        yield from _that_fit(ways)
        if self.shortcut and added:
            yield f"write {_shortcut(added)}"
        yield from _that_fit([(inner.widths(shortcut[0]), shortcut)])

    def _features(
        self, inner: Branch, beside: Branch, body: Shape, shortcut: Shape
    ) -> Iterator[str]:
        """Yield what would have both branches give features, where one does."""
        branch, wanted = (inner, shortcut) if len(shortcut) == 1 else (beside, body)
        for change in branch.flattened():
            if change.gives == wanted and branch.entries:
                yield f"put {change.said}"
            elif change.gives == wanted:
                yield f"add {_shortcut(to_features())}"
            elif not branch.entries and (added := projection(change.gives, wanted)):
                yield f"add {_shortcut(to_features(), added)}"

    def _projections(self, body: Branch, input: Shape, added: Layer | None) -> Iterator[str]:
        """Yield what would make the body fit to the input, or a shortcut to the body."""
        padded = [*body.paddings()]
        yield from (f"write {change.said}" for change in padded if change.gives == input)
        if added:
            yield f"add {_shortcut(added)}"
        for change in padded:
            strides = strides_of(self.body, input, change.gives)
            if layer := projection(input, change.gives, strides):
                yield f"write {change.said}, and add {_shortcut(layer)}"


def _that_fit(ways: Iterable[tuple[Iterator[Change], Shape]]) -> Iterator[str]:
    for changes, wanted in ways:
        yield from (f"write {change.said}" for change in changes if change.gives == wanted)


def _shortcut(*layers: Layer) -> str:
    return f"`shortcut: [{', '.join(map(show_value, layers))}]`"
