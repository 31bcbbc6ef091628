"""shrink(): the smallest spec on which two parties still differ in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from cnnspec.address import LOSS, OPTIMIZER, Address, Layer
from cnnspec.compare.party import Party
from cnnspec.compare.probes import rectangle
from cnnspec.compare.referee import compare_parties
from cnnspec.compare.verdict import Verdict
from cnnspec.errors import BackendError, SpecError
from cnnspec.plan import Plan, resolve, resolve_to_train
from cnnspec.spec.composites import AnyEntry, Composite
from cnnspec.spec.layers import AnyLayer, Flatten, Linear
from cnnspec.spec.layers.join import Join
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.section import Section

Entries = tuple[AnyEntry, ...]

RUNS = 200
"""Comparisons, at most."""


@dataclass(frozen=True)
class Failure:
    """What must stay as it is while a spec shrinks."""

    part: str | Address
    """A kind of layer, or the address of what is no layer."""
    quantity: str | None
    """None: it could not be compared."""
    precision: str
    wrong_side: str | None
    cause: str | None


@dataclass(frozen=True)
class Shrunk:
    """A failure, and the smallest spec that was found to show it."""

    spec: ModelSpec
    verdict: Verdict
    failure: Failure
    runs: int
    """Comparisons that it took."""


def shrink(
    spec: ModelSpec,
    parties: tuple[Party, Party],
    *,
    runs: int = RUNS,
    on_run: Callable[[int], None] | None = None,
) -> Shrunk | None:
    """Make layers, channels, images, options and the batch smaller while the same failure holds.

    The spec's data is left out: the failure must show on the probes. None where it does not,
    or where there is none.
    """
    smallest = _without_data(spec)
    verdict = _compared(smallest, parties)
    failure = failure_of(verdict, resolve(smallest)) if verdict else None
    if verdict is None or failure is None:
        return None
    count, tried = 1, {smallest}
    found = True
    while found:
        found = False
        for candidate in smaller(smallest, failure):
            if candidate in tried or count == runs:
                continue
            tried.add(candidate)
            smaller_verdict = _compared(candidate, parties)
            if smaller_verdict is None:
                continue
            count += 1
            if on_run:
                on_run(count)
            if failure_of(smaller_verdict, resolve(candidate)) == failure:
                smallest, verdict, found = candidate, smaller_verdict, True
                break
    return Shrunk(smallest, verdict, failure, count)


def failure_of(verdict: Verdict, plan: Plan) -> Failure | None:
    """Return what is wrong first, without the names and numbers that a smaller spec changes."""

    def part(at: Address) -> str | Address:
        return plan.layer(at.path).kind if isinstance(at, Layer) else at

    for finding in verdict.findings:
        quantity = finding.quantity
        if finding.address == OPTIMIZER:  # `conv1.weight.exp_avg`: whichever parameter it is
            quantity = quantity.split(".", 2)[2] if quantity.count(".") > 1 else "weights"
        cause = finding.cause.code if finding.cause else None
        return Failure(
            part(finding.address), quantity, finding.precision, finding.wrong_side, cause
        )
    for item in verdict.coverage.not_compared:
        if not item.allowed:
            side = next((name for name in verdict.backends if item.why.startswith(name)), None)
            return Failure(part(item.address), None, "float64", side, None)
    return None


def smaller(spec: ModelSpec, failure: Failure) -> Iterator[ModelSpec]:
    """Yield specs that are smaller in one respect, those that save most first.

    Some do not fit together, or are not valid.
    """
    yield from _alone(spec, failure)
    yield from (_with(spec, layers=layers) for layers in _fewer(tuple(spec.layers)) if layers)
    for axis, size in enumerate(spec.input):
        for less in _less(size):
            yield _with(spec, input=(*spec.input[:axis], less, *spec.input[axis + 1 :]))
    yield from (_with(spec, layers=layers) for layers in _simpler_entries(tuple(spec.layers)))
    for less in _less(spec.training.batch_size):
        yield _with(spec, training=spec.training.model_copy(update={"batch_size": less}))
    for optimizer in _simpler(spec.training.optimizer):
        yield _with(spec, training=spec.training.model_copy(update={"optimizer": optimizer}))


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


def _alone(spec: ModelSpec, failure: Failure) -> Iterator[ModelSpec]:
    """Yield the failing layers alone, at first over small images; or one linear layer."""
    if len(spec.layers) <= 2:
        return
    plan = resolve(spec)
    if failure.part in (LOSS, OPTIMIZER):
        last = Linear(out_features=plan.classes)
        yield _with(spec, input=(1, 1, 2), layers=(Flatten(), last))
    for at in plan.layers:
        if at.kind != failure.part or isinstance(at.layer, Join):
            continue
        layer = cast(AnyLayer, at.layer)
        small = rectangle(at)
        for images in (small.input if small else at.input, at.input):
            before = (Flatten(),) if len(images) == 1 else ()
            after = (Flatten(),) if len(images) == 3 and at.kind != "flatten" else ()
            shape = images if len(images) == 3 else (images[0], 1, 1)
            yield _with(spec, input=shape, layers=(*before, layer, *after))


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


def _without_data(spec: ModelSpec) -> ModelSpec:
    training = spec.training.model_copy(update={"epochs": 1})
    layers = _all_free(spec.layers)
    return _with(spec, data=None, training=training, layers=layers)


def _without_widths(entry: AnyEntry) -> AnyEntry:
    """Return a layer that takes any width: asserted ones would be wrong in a smaller spec."""
    if isinstance(entry, Composite):
        for option, depth in entry.lists.items():
            inner = getattr(entry, option)
            free = _all_free(inner) if depth == 1 else tuple(map(_all_free, inner))
            entry = entry.model_copy(update={option: free})
        return entry
    asserted = [entry.input_width] if entry.input_width else []
    return entry.model_copy(update=dict.fromkeys(asserted))


def _all_free(entries: Sequence[AnyEntry]) -> Entries:
    return tuple(map(_without_widths, entries))


def _with(spec: ModelSpec, **changes: Any) -> ModelSpec:
    return spec.model_copy(update=changes)


def _compared(spec: ModelSpec, parties: tuple[Party, Party]) -> Verdict | None:
    try:
        return compare_parties(resolve_to_train(spec), spec.training, *parties)
    except (SpecError, BackendError):  # the layers do not fit together, or not the backend
        return None
