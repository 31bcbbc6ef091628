"""What would make branches fit: other options of their layers, each tried before it is offered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from cnnspec.spec.flow import show_value
from cnnspec.spec.layers import KINDS, Layer, window
from cnnspec.spec.sizes import Shape

Trial = Callable[[Sequence[Any]], Shape | None]
"""Returns what entries would give; None where they do not fit."""


@dataclass(frozen=True)
class Change:
    """Other options of layers in a branch."""

    said: str
    """As it is offered: `padding: 1` in body[0]."""
    gives: Shape
    """What the branch then gives."""


def paddings(entries: Sequence[Any], where: str, trial: Trial) -> Iterator[Change]:
    """Yield changes of paddings: of one layer, or of all that have windows."""
    alone = [
        (index, options)
        for index, layer in _layers(entries)
        for options in _refits(layer)
        if options.keys() == {"padding"}
    ]
    for one in alone:
        yield from _tried([one], entries, where, trial)
    if len(alone) > 1:
        yield from _tried(alone, entries, where, trial)


def refits(
    entries: Sequence[Any], where: str, trial: Trial, width: int | None = None
) -> Iterator[Change]:
    """Yield changes of one layer, paddings first; with `width`, of what its outputs number."""
    yield from paddings(entries, where, trial)
    for index, layer in [*_layers(entries)][::-1]:
        widths: list[dict[str, Any]] = [{}]
        if width is not None and layer.width:
            widths.append({layer.width: width})
        for wide in widths:
            for options in ({}, *_refits(layer)):
                yield from _tried([(index, {**wide, **options})], entries, where, trial)


def projection(input: Shape, output: Shape) -> Layer | None:
    """Return a layer that gives one shape of another, and little else: a shortcut."""
    found = (kind.projection(input, output) for kind in KINDS.values())
    return next(filter(None, found), None)


def to_features() -> Layer:
    """Return the layer that makes features of images, and nothing else of them."""
    return next(kind() for kind in KINDS.values() if kind.only_reshapes)


def _refits(layer: Layer) -> Iterator[Mapping[str, Any]]:
    """Yield options with which the windows of a layer would fit otherwise."""
    return window.refits(layer.windows())


def _layers(entries: Sequence[Any]) -> Iterator[tuple[int, Layer]]:
    return ((index, each) for index, each in enumerate(entries) if isinstance(each, Layer))


def _tried(
    edits: Sequence[tuple[int, Mapping[str, Any]]],
    entries: Sequence[Any],
    where: str,
    trial: Trial,
) -> Iterator[Change]:
    changed = list(entries)
    for index, options in edits:
        other = _with(entries[index], options)
        if other is None or other == entries[index]:
            return
        changed[index] = other
    shape = trial(changed)
    if shape is not None:
        yield Change(_said(edits, where), shape)


def _with(layer: Layer, options: Mapping[str, Any]) -> Layer | None:
    kept = {option: getattr(layer, option) for option in type(layer).model_fields}
    try:
        return type(layer).model_validate({**kept, **options})
    except ValidationError:
        return None


def _said(edits: Sequence[tuple[int, Mapping[str, Any]]], where: str) -> str:
    places: dict[str, list[str]] = {}
    for index, options in edits:
        text = ", ".join(f"{option}: {show_value(value)}" for option, value in options.items())
        places.setdefault(text, []).append(f"{where}[{index}]")
    return " and ".join(f"`{text}` in {_and(at)}" for text, at in places.items())


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
