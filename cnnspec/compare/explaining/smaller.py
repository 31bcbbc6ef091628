"""Specs that are smaller in one respect than another: what to try next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from cnnspec.address import LOSS, OPTIMIZER, Address
from cnnspec.compare.probes.draw import rectangle
from cnnspec.plan import resolve
from cnnspec.spec.composites import AnyEntry, Composite
from cnnspec.spec.composites.fitting import projection, to_features
from cnnspec.spec.layers import AnyLayer
from cnnspec.spec.layers.join import Join
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.section import Section

Entries = tuple[AnyEntry, ...]


def fewer_layers(spec: ModelSpec, part: str | Address) -> Iterator[ModelSpec]:
    """Yield specs with fewer layers, those that save most first; some do not fit together.

    `part` is what fails: a kind of layer, or the address of what is no layer.
    """
    yield from _alone(spec, part)
    yield from (
        with_changes(spec, layers=layers) for layers in _fewer(tuple(spec.layers)) if layers
    )


def smaller_layers(spec: ModelSpec, part: str | Address) -> Iterator[ModelSpec]:
    """Yield specs with one size smaller, or one option simpler; some do not fit together."""
    for axis, size in enumerate(spec.input):
        for less in _less(size):
            yield with_changes(spec, input=(*spec.input[:axis], less, *spec.input[axis + 1 :]))
    yield from (
        with_changes(spec, layers=layers) for layers in _simpler_entries(tuple(spec.layers))
    )
    for less in _less(spec.training.batch_size):
        yield with_changes(spec, training=spec.training.model_copy(update={"batch_size": less}))
    for optimizer in _simpler(spec.training.optimizer):
        yield with_changes(spec, training=spec.training.model_copy(update={"optimizer": optimizer}))


def _fewer(entries: Entries) -> Iterator[Entries]:
    """Yield entries without one of them, or with one block in parts: what stands in it alone."""
    for index, entry in enumerate(entries):
        before, after = entries[:index], entries[index + 1 :]
        yield before + after
        if isinstance(entry, Composite):
            for inner in _lists_of(entry):
                yield (*before, *inner.entries, *after)
            for block in _changed(entry, _fewer):
                yield (*before, cast(AnyEntry, block), *after)


def _simpler_entries(entries: Entries) -> Iterator[Entries]:
    """Yield entries with one option of one of them simpler, in blocks, too."""
    for index, entry in enumerate(entries):
        changed = _changed(entry, _simpler_entries) if isinstance(entry, Composite) else ()
        for simpler in (*_simpler(entry), *changed):
            yield (*entries[:index], cast(AnyEntry, simpler), *entries[index + 1 :])


class _List(NamedTuple):
    """Entries that stand in a block."""

    option: str
    number: int | None
    """Of the path, where the option has several."""
    entries: Entries


def _lists_of(block: Composite) -> Iterator[_List]:
    for option, depth in block.lists.items():
        value = getattr(block, option)
        if depth == 1:
            yield _List(option, None, tuple(value))
        else:
            yield from (_List(option, number, tuple(path)) for number, path in enumerate(value))


def _changed(
    block: Composite, change: Callable[[Entries], Iterator[Entries]]
) -> Iterator[Composite]:
    """Yield a block with a change of one list of entries that stands in it."""
    for option, number, entries in _lists_of(block):
        for changed in change(entries):
            value: Any = changed
            if number is not None:
                paths = tuple(getattr(block, option))
                value = (*paths[:number], changed, *paths[number + 1 :])
            try:
                yield type(block)(**(dict(block) | {option: value}))
            except ValidationError:  # it needs more entries
                continue


def _alone(spec: ModelSpec, part: str | Address) -> Iterator[ModelSpec]:
    """Yield the failing layers alone, at first over small images; or one layer over features."""
    if len(spec.layers) <= 2:
        return
    plan = resolve(spec)
    if part in (LOSS, OPTIMIZER):
        last = projection((2,), (plan.classes,))
        yield with_changes(spec, input=(1, 1, 2), layers=(to_features(), last))
    for at in plan.layers:
        if at.kind != part or isinstance(at.layer, Join):
            continue
        layer = cast(AnyLayer, at.layer)
        small = rectangle(at)
        for images in (small.input if small else at.input, at.input):
            before = (to_features(),) if len(images) == 1 else ()
            after = (to_features(),) if len(images) == 3 and not at.layer.only_reshapes else ()
            shape = images if len(images) == 3 else (images[0], 1, 1)
            yield with_changes(spec, input=shape, layers=(*before, layer, *after))


def _simpler(options: Section) -> Iterator[Section]:
    """Yield a section with one option at its default, smaller, or left out."""
    for name, field in type(options).model_fields.items():
        value = getattr(options, name)
        for simpler in _simpler_values(value, field.get_default()):
            try:
                yield type(options)(**(dict(options) | {name: simpler}))
            except ValidationError:
                continue


def _simpler_values(value: Any, default: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        if value:
            yield False
        return
    if default is not PydanticUndefined and value != default:
        yield default
    if isinstance(value, int):
        yield from _less(value)
    elif isinstance(value, tuple) and all(isinstance(size, int) for size in value):
        for axis, size in enumerate(value):
            yield from ((*value[:axis], less, *value[axis + 1 :]) for less in _less(size))


def _less(size: int) -> Iterator[int]:
    """Yield 1, half, and one less."""
    yield from dict.fromkeys(less for less in (1, size // 2, size - 1) if 0 < less < size)


def with_changes(spec: ModelSpec, **changes: Any) -> ModelSpec:
    """Return a spec with other sections."""
    return spec.model_copy(update=changes)
