"""What is valid in a spec that is not: so that one problem does not hide the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from cnnspec.spec.composites import ENTRIES, Composite
from cnnspec.spec.data import DATA_KINDS, DataSource, Normalize
from cnnspec.spec.field import answer_to
from cnnspec.spec.layers import KINDS, Layer
from cnnspec.spec.limits import Limits
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.section import Kind, kind_of
from cnnspec.spec.sections import Sections
from cnnspec.spec.shapes import Entry, Unknown
from cnnspec.spec.training import Training
from cnnspec.spec.words import meant

_WINDOW = {"kernel_size", "stride", "padding", "dilation", "ceil_mode"}
_ANY_LAYER = next(
    word
    for word, kind in KINDS.items()
    if not any(field.is_required() for field in kind.model_fields.values())
)
_K = TypeVar("_K", bound=Kind)


def valid_sections(value: Mapping[str, Any]) -> Sections:
    """Return the sections of a spec; in those that are not valid, wrong options are None."""
    raw = value.get("layers")
    items = raw if isinstance(raw, list) else []
    return Sections(
        _input(value.get("input")),
        [_entry_draft(item) for item in items],
        _kind_draft(value["data"], _validated_data, DATA_KINDS) if "data" in value else None,
        _training(value.get("training", {})),
        _limits(value.get("limits", {})),
    )


def _alone(option: str, value: Any) -> Any:
    """Validate one section of a spec."""
    least: dict[str, Any] = {"input": [1, 1, 1], "layers": [_ANY_LAYER]}
    return getattr(ModelSpec.model_validate(least | {option: value}), option)


def _input(value: Any) -> Any:
    try:
        return _alone("input", value)
    except ValidationError:
        return None


def _validated_entry(item: Any) -> Layer | Composite:
    (entry,) = _alone("layers", [item])
    assert isinstance(entry, Layer | Composite)
    return entry


def _validated_data(item: Any) -> DataSource | None:
    data: DataSource | None = _alone("data", item)
    return data


def _limits(value: Any) -> Limits | None:
    try:
        return Limits.model_validate(value)
    except ValidationError:
        return None


def _training(value: Any) -> Training | None:
    try:
        return Training.model_validate(value)
    except ValidationError as error:
        if not isinstance(value, Mapping):
            return None
        wrong = _doubtful(Training, (details["loc"] for details in error.errors()))
        good = {key: value[key] for key in Training.model_fields if key in value.keys() - wrong}
        return Training.model_validate(good).model_copy(update=dict.fromkeys(wrong))


def _entry_draft(item: Any) -> Entry:
    """Return what is known of a layer or a block, and of what stands in it."""
    draft = _kind_draft(item, _validated_entry, ENTRIES)
    if draft is None:
        return Unknown(kind_of(item))
    options = item.get(draft.keyword) if isinstance(item, Mapping) else None
    if isinstance(draft, Composite) and isinstance(options, Mapping):
        inside = {
            option: _entries_drafts(options[option], depth)
            for option, depth in draft.lists.items()
            if option in options
        }
        return draft.model_copy(update=inside)
    return draft


def _entries_drafts(value: Any, depth: int) -> Any:
    """Return lists of entries as drafts; None in the place of what is no list."""
    if not isinstance(value, list):
        return None
    if depth > 1:
        return tuple(_entries_drafts(each, depth - 1) for each in value)
    return tuple(map(_entry_draft, value))


def _kind_draft(
    item: Any, validate: Callable[[Any], _K | None], kinds: Mapping[str, type[_K]]
) -> _K | None:
    try:
        return validate(item)
    except ValidationError as error:
        kind = kinds.get(kind_of(item) or "")
        if kind is None:
            return None
        options = item.get(kind.keyword) if isinstance(item, Mapping) else None
        if not isinstance(options, Mapping):
            options = {}
        places = [details["loc"] for details in error.errors()]
        inside = [place[place.index(kind.keyword) + 1 :] for place in places]
        wrong = _doubtful(kind, inside)
        known: dict[str, Any] = dict.fromkeys(wrong)
        known |= {key: options[key] for key in kind.model_fields if key in options.keys() - wrong}
        if wrong & _WINDOW:
            known["kernel_size"] = None  # half of its options do not make a window
        if isinstance(known.get("normalize"), Mapping):
            known["normalize"] = Normalize.model_validate(known["normalize"])
        return cast(_K, kind.model_construct(**known))


def _doubtful(section: type[BaseModel], places: Iterable[tuple[int | str, ...]]) -> set[str]:
    """Return the options whose value is not known: wrong, missing, or perhaps misspelt."""
    fields = set(section.model_fields)
    wrong: set[str] = set()
    for place in places:
        option = str(place[0]) if place else ""
        if option in fields:
            wrong.add(option)
        elif (word := meant(option, fields)) is not None:
            wrong.add(word)
        elif issubclass(section, Kind) and not answer_to(option, "option"):
            wrong |= fields - {"name"}
    return wrong
