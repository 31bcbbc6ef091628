"""A residual block (He et al., 2015)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from cnnspec.errors import ShapeError
from cnnspec.spec.composites.composite import (
    Activation,
    BlockPlacer,
    Composite,
    Count,
    Way,
    assumed,
    is_nothing,
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
        guesses={
            "body": "layers main branch",
            "shortcut": "skip skip_connection downsample projection",
        },
        ways_out={
            "body": of_no_layers("body"),
            "shortcut": lambda found: (
                "leave it out, or write `[]`: the input itself is added"
                if is_nothing(found)
                else ""
            ),
        },
        examples={"body": "[...]", "shortcut": "[...]"},
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
                help=placer.offer(ways, wanted),
            )

        return placer.join(Add(), (body, shortcut), misfit)

    def layer_count(self, count: Count) -> int:
        return count(self.body or ()) + count(self.shortcut or ()) + 1

    def _ways_out(
        self, placer: BlockPlacer, input: Shape, body: Shape, shortcut: Shape
    ) -> Iterator[Way]:
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
        yield from self._that_fit("shortcut", beside.paddings(), body)
        yield from self._that_fit("body", inner.paddings(), shortcut)
        yield from self._that_fit("shortcut", beside.other_strides(), body)
        yield from self._that_fit("body", inner.other_strides(), shortcut)
        yield from self._that_fit("shortcut", beside.widths(body[0]), body)
        if self.shortcut and added:
            yield self._with_shortcut("write", added)
        yield from self._that_fit("body", inner.widths(shortcut[0]), shortcut)
        if self.shortcut and body == input:
            yield self._with("leave `shortcut` out: body gives the shape of the input", shortcut=())

    def _features(
        self, inner: Branch, beside: Branch, body: Shape, shortcut: Shape
    ) -> Iterator[Way]:
        """Yield what would have both branches give features, where one does."""
        if len(shortcut) == 1:
            yield from self._that_fit("body", inner.flattened(), shortcut, "put")
        elif self.shortcut:
            yield from self._that_fit("shortcut", beside.flattened(), body, "put")
        else:
            for change in beside.flattened():
                rest = () if change.gives == body else (projection(change.gives, body),)
                layers = [layer for layer in (to_features(), *rest) if layer]
                if len(layers) == 1 + len(rest):
                    yield self._with_shortcut("add", *layers)

    def _projections(self, body: Branch, input: Shape, added: Layer | None) -> Iterator[Way]:
        """Yield what would make the body fit to the input, or a shortcut to the body."""
        padded = [*body.paddings()]
        yield from self._that_fit("body", padded, input)
        if added:
            yield self._with_shortcut("add", added)
        for change in padded:
            strides = strides_of(self.body, input, change.gives)
            if layer := projection(input, change.gives, strides):
                way = self._with_shortcut(f"write {change.said}, and add", layer)
                yield Way(way.said, way.block.model_copy(update={"body": change.entries}))

    def _that_fit(
        self, option: str, changes: Iterable[Change], wanted: Shape, verb: str = "write"
    ) -> Iterator[Way]:
        for change in changes:
            if change.gives == wanted:
                yield self._with(f"{verb} {change.said}", **{option: change.entries})

    def _with_shortcut(self, verb: str, *layers: Layer) -> Way:
        shown = ", ".join(map(show_value, layers))
        return self._with(f"{verb} `shortcut: [{shown}]`", shortcut=layers)

    def _with(self, said: str, **options: Sequence[Any]) -> Way:
        return Way(said, self.model_copy(update=options))
