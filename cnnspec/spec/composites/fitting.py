"""What would make branches fit: other options of their layers, each tried before it is offered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from cnnspec.spec.composites.composite import Composite
from cnnspec.spec.flow import show_value
from cnnspec.spec.layers import KINDS, Layer, window
from cnnspec.spec.sizes import Shape, one_or_both

Path = tuple[str | int, ...]
Strides = tuple[int, int]
"""Of height and width."""

Trial = Callable[[Sequence[Any]], Shape | None]
"""Returns what entries would give; None where they do not fit."""


@dataclass(frozen=True)
class Change:
    """Other options of layers in a branch."""

    said: str
    """As it is offered: `padding: 1` in body[0]."""
    gives: Shape
    """What the branch then gives."""
    entries: Sequence[Any]
    """What then stands in the branch."""


@dataclass(frozen=True)
class Branch:
    """Layers of which some may be changed, until they give what others do."""

    entries: Sequence[Any]
    where: str
    """Where they are written, as in `body`."""
    trial: Trial
    strides: frozenset[Strides] = frozenset()
    """Those that may be offered: the other branches have them."""

    def paddings(self) -> Iterator[Change]:
        """Yield changes of paddings: of one layer, or of all that have windows."""
        alone = [
            (steps, {"padding": padding})
            for steps, layer in _layers(self.entries)
            for padding in window.keeping(layer.windows())
        ]
        for one in alone:
            yield from self._tried([one])
        if len(alone) > 1:
            yield from self._tried(alone)

    def other_strides(self) -> Iterator[Change]:
        """Yield changes of the stride of one layer."""
        for steps, layer in [*_layers(self.entries)][::-1]:
            for options in self._refits(layer):
                yield from self._tried([(steps, options)])

    def widths(self, width: int) -> Iterator[Change]:
        """Yield changes of what the outputs of one layer number, alone first."""
        for steps, layer in [*_layers(self.entries)][::-1]:
            if layer.width:
                wide = {layer.width: width}
                paddings = ({"padding": each} for each in window.keeping(layer.windows()))
                for options in ({}, *paddings, *self._refits(layer)):
                    yield from self._tried([(steps, {**wide, **options})])

    def flattened(self) -> Iterator[Change]:
        """Yield features in the place of images."""
        layer = to_features()
        changed = (*self.entries, layer)
        shape = self.trial(changed)
        if shape is not None:
            yield Change(f"`- {layer.keyword}` at the end of {self.where}", shape, changed)

    def _refits(self, layer: Layer) -> Iterator[dict[str, Any]]:
        axes = layer.windows()
        for strides in sorted(self.strides) if axes else ():
            stride = one_or_both(strides)
            yield {"stride": stride}
            yield from ({"stride": stride, "padding": each} for each in window.keeping(axes))

    def _tried(self, edits: Sequence[tuple[Path, Mapping[str, Any]]]) -> Iterator[Change]:
        changed = self.entries
        for steps, options in edits:
            layer = _at(self.entries, steps)
            other = _with(layer, options)
            if other is None or other == layer:
                return
            changed = replaced(changed, steps, other)
        shape = self.trial(changed)
        if shape is not None:
            yield Change(_said(edits, self.where), shape, changed)


def strides_of(entries: Sequence[Any], input: Shape, output: Shape) -> frozenset[Strides]:
    """Return the strides that layers have, and the one that all of them come to.

    What has no stride of more than 1 comes to 1: fewer cells are those of a missing padding.
    """
    found = {each for _, layer in _layers(entries) for each in _strides(layer)} or {(1, 1)}
    if max(map(max, found)) > 1 and len(input) == len(output) == 3:
        whole = [window.stride_between(*sizes) for sizes in zip(input[1:], output[1:])]
        if whole[0] and whole[1]:
            found.add((whole[0], whole[1]))
    return frozenset(found)


def projection(
    input: Shape, output: Shape, strides: frozenset[Strides] | None = None
) -> Layer | None:
    """Return a layer that gives one shape of another, and little else: a shortcut.

    With `strides`, it has one of these, if it has any.
    """
    found = [each for kind in KINDS.values() if (each := kind.projection(input, output))]
    fit = [each for each in found if strides is None or strides >= _strides(each)]
    return next(iter(fit), None)


def to_features() -> Layer:
    """Return the layer that makes features of images, and nothing else of them."""
    return next(kind() for kind in KINDS.values() if kind.only_reshapes)


def _layers(entries: Sequence[Any], steps: Path = ()) -> Iterator[tuple[Path, Layer]]:
    """Yield all layers with their steps, those in blocks too, as they are written."""
    for index, each in enumerate(entries):
        if isinstance(each, Layer):
            yield (*steps, index), each
        elif isinstance(each, Composite):
            for option, depth in each.lists.items():
                inside = (*steps, index, each.keyword, option)
                lists = enumerate(getattr(each, option) or ()) if depth == 2 else ()
                if depth == 1:
                    yield from _layers(getattr(each, option) or (), inside)
                for number, path in lists:
                    yield from _layers(path or (), (*inside, number))


def _strides(layer: Layer) -> set[Strides]:
    axes = layer.windows()
    return {(axes[0].stride, axes[1].stride)} if axes else set()


def _at(value: Any, steps: Path) -> Any:
    for step in steps:
        if isinstance(step, int):
            value = value[step]
        elif step != getattr(value, "keyword", None):
            value = getattr(value, step)
    return value


def replaced(value: Any, steps: Path, entry: Any) -> Any:
    """Return a copy of entries, or of a block, in which another entry stands at `steps`."""
    if not steps:
        return entry
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        return (*value[:step], replaced(value[step], rest, entry), *value[step + 1 :])
    if step == value.keyword:
        return replaced(value, rest, entry)
    return value.model_copy(update={step: replaced(getattr(value, step), rest, entry)})


def _with(layer: Layer, options: Mapping[str, Any]) -> Layer | None:
    kept = {option: getattr(layer, option) for option in type(layer).model_fields}
    try:
        return type(layer).model_validate({**kept, **options})
    except ValidationError:
        return None


def _said(edits: Sequence[tuple[Path, Mapping[str, Any]]], where: str) -> str:
    places: dict[str, list[str]] = {}
    for steps, options in edits:
        text = ", ".join(f"{option}: {show_value(value)}" for option, value in options.items())
        places.setdefault(text, []).append(where + "".join(map(_step, steps)))
    return " and ".join(f"`{text}` in {_and(at)}" for text, at in places.items())


def _step(step: str | int) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{step}"


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
