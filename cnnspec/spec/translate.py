"""What pydantic finds wrong with a spec -> Diagnostics in the words of the dialect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from cnnspec.spec.composites import Composite
from cnnspec.spec.data import Normalize
from cnnspec.spec.diagnostics import Diagnostic, Location, Path, brief
from cnnspec.spec.dialects import keyed
from cnnspec.spec.field import synonyms_of
from cnnspec.spec.field_words import listed
from cnnspec.spec.flow import show_value
from cnnspec.spec.lists import instead_of_layers
from cnnspec.spec.lookalikes import narrowed
from cnnspec.spec.model import KINDS_AT, ModelSpec, kinds_at
from cnnspec.spec.overrides import name_at
from cnnspec.spec.section import Kind
from cnnspec.spec.source import UNREAD, Source
from cnnspec.spec.words import (
    describe,
    did_you_mean,
    meant,
    nearest_legal,
    noun_of,
    own_way_out,
    unknown_kind,
)

OWN_TYPES = {"wrong_type", "wrong_length", "out_of_range", "wrong_value"}
"""Errors that our own validators raise, which say what was wanted."""

WANTED = {
    "int_type": ("wrong-type", "a whole number"),
    "float_type": ("wrong-type", "a number"),
    "bool_type": ("wrong-type", "`true` or `false`"),
    "string_type": ("wrong-type", "text"),
    "string_unicode": ("wrong-value", "text without half of a surrogate pair"),
    "tuple_type": ("wrong-type", "a list"),
    "list_type": ("wrong-type", "a list"),
    "dict_type": ("wrong-type", "a mapping"),
    "is_instance_of": ("wrong-type", "a list"),
    "sequence_str": ("wrong-type", "a list"),
    "finite_number": ("out-of-range", "a finite number"),
    "greater_than": ("out-of-range", "a number above {gt:g}"),
    "greater_than_equal": ("out-of-range", "{ge:g} or more"),
    "less_than": ("out-of-range", "a number below {lt:g}"),
    "less_than_equal": ("out-of-range", "{le:,.16g} or less"),
    "literal_error": ("wrong-value", "{expected}"),
    "too_short": ("wrong-length", "at least {min_length}"),
    "too_long": ("wrong-length", "at most {max_length}"),
    "string_pattern_mismatch": (
        "wrong-value",
        "at most 100 letters, digits, `.`, `_` and `-`, starting with a letter or a digit",
    ),
}
"""By the type of an error of pydantic's: our code, and what was wanted."""


def translate(errors: Iterable[ErrorDetails], source: Source) -> list[Diagnostic]:
    """Say each problem in the words of the dialect."""
    reader = _Translator(source)
    said = [reader.say(error) for error in errors]
    return _without_echoes(said, source.value)


def not_a_mapping(source: Source) -> Diagnostic:
    """Say that a text holds something else than a spec."""
    message = f"a spec is a mapping with `input` and `layers`; found {describe(source.value)}"
    return Diagnostic("not-a-mapping", message, (), source.locate(()))


def is_said(error: ErrorDetails, source: Source) -> bool:
    """Tell whether a value could not be read, or is there to be an alias: it has been said."""
    found = error["input"]
    if error["type"] == "extra_forbidden":
        return error["loc"][0] in source.anchored and len(error["loc"]) == 1
    return found is UNREAD or (isinstance(found, list) and UNREAD in found)


def _without_echoes(problems: list[Diagnostic], value: Any) -> list[Diagnostic]:
    """Drop `conv1 lacks kernel_size` where `kernal_size` beside it was taken for a misspelling."""
    unknown = [problem.path for problem in problems if problem.code == "unknown-option"]
    nested = {(key,) for path in unknown if len(path) == 1 for key in _inside(value, path[0])}
    misspelt = nested | {
        (*path[:-1], meant(str(path[-1]), options_at(path[:-1]))) for path in unknown
    }
    merged = {path[:-1] for path in unknown if path[-1] == "<<"}
    return [
        problem
        for problem in problems
        if problem.code != "missing-option"
        or (problem.path not in misspelt | nested and problem.path[:-1] not in merged)
    ]


def holds_a_spec(value: Any) -> bool:
    """Tell whether a value looks like a spec that stands deeper than it should."""
    return isinstance(value, Mapping) and ("layers" in value or "input" in value)


def _inside(value: Any, key: Any) -> Iterator[str]:
    """Yield the sections of a spec that stands below a key."""
    inner: Any = value.get(key) if isinstance(value, Mapping) else None
    if holds_a_spec(inner):
        yield from inner


@dataclass(frozen=True)
class _Translator:
    source: Source

    def say(self, error: ErrorDetails) -> Diagnostic:
        path: Path = error["loc"]
        kind, found = error["type"], error["input"]
        context = error.get("ctx", {})
        at = self.source.locate(path)
        if kind == "extra_forbidden":
            return self._unknown_option(path, found)
        if kind == "missing" and isinstance(path[-1], int):
            return self._wrong("wrong-length", path[:-1], _numbers_wanted(path[:-1]), found)
        if kind == "too_long" and context["field_type"] == "Tuple":
            return self._wrong("wrong-length", path, _numbers_wanted(path), found)
        if kind == "missing":
            message = f"{self._owner(path[:-1])} lacks `{path[-1]}`"
            section = _section_at(path[:-1])
            way_out = f"add `{path[-1]}: {_example(section, str(path[-1]))}`"
            return Diagnostic("missing-option", message, path, at, way_out)
        if kind == "union_tag_invalid":
            tag = context["tag"]
            if isinstance(found, Mapping) and (elsewhere := keyed(found, kinds_at(path))):
                message = f"{_a(path)} is one key, its kind; found {tag}"
                return Diagnostic("no-kind", message, path, at, elsewhere)
            return unknown_kind(path, tag, self.source.keys.get((*path, tag), at))
        if kind == "union_tag_not_found":
            return _no_kind(path, found, at)
        if kind == "model_type":
            return self._no_mapping(path, found, at)
        if kind in ("conflict", "too_deep"):
            message = f"{self._owner(path)}: {error['msg']}"
            at, code = self.source.locate(path, key=True), kind.replace("_", "-")
            return Diagnostic(code, message, path, at, context.get("help", ""))
        if kind in OWN_TYPES:
            return self._wrong(kind.replace("_", "-"), path, error["msg"], found)
        code, wanted = WANTED.get(kind, ("wrong-value", error["msg"].lower()))
        if "expected" in context:
            context = {"expected": context["expected"].replace("'", "`")}
        return self._wrong(code, path, f"wanted {wanted.format(**context)}", found)

    def _unknown_option(self, path: Path, found: Any) -> Diagnostic:
        last, known = str(path[-1]), options_at(path[:-1])
        synonyms = synonyms_of(last)
        home = "" if set(synonyms) & set(known) else _home_of((last, *synonyms), path[:-1])
        inside = self._whole_spec(path)
        return Diagnostic(
            "unknown-option",
            f"{self._owner(path[:-1])} has no option `{brief(last)}`",
            path,
            narrowed(self.source.locate(path, key=True), last),
            inside or home or own_way_out(path, found) or did_you_mean(last, known),
        )

    def _whole_spec(self, path: Path) -> str:
        """Say what to do with a spec that stands below a key of its own."""
        if len(path) != 1 or not holds_a_spec(self.source.value.get(path[0])):
            return ""
        return f"what stands below `{path[0]}:` belongs on top: take that line out, and its indent"

    def _no_mapping(self, path: Path, found: Any, at: Location) -> Diagnostic:
        last = str(path[-1])
        section = _section_at(path)
        required = [name for name, field in section.model_fields.items() if field.is_required()]
        way_out = f"write `{last}: {{...}}`, with the options {', '.join(section.model_fields)}"
        if option := _option_of(section, found):
            named = {option: found} | {name: _example(section, name) for name in required}
            given = ", ".join(f"{name}: {value}" for name, value in named.items())
            way_out = f"write `{last}: {{{given}}}`"
        elif given := _options_in_a_list(section, found):
            way_out = f"write `{last}: {{{given}}}`: options stand in no list"
        elif isinstance(found, list) and issubclass(section, Composite):
            given = ", ".join(f"{name}: {_example(section, name)}" for name in required)
            way_out = f"put it under `{next(iter(section.lists))}:`, as in `{last}: {{{given}}}`"
        elif len(required) == 1 and _takes(section, required[0], found):
            way_out = f"write `{last}: {{{required[0]}: {found}}}`"
        elif not required and (option := _only_for(section, found)):
            way_out = f"write `{last}: {{{option}: {found}}}`"
        elif not required and issubclass(section, Kind):
            way_out = f"write `{last}` alone, or `{last}: {{...}}` with options"
        message = f"`{last}` takes a mapping of options; found {describe(found)}"
        return Diagnostic("wrong-type", message, path, at, way_out)

    def _wrong(self, code: str, path: Path, wanted: str, found: Any) -> Diagnostic:
        message = f"{self._option(path)}: {wanted}; found {describe(found)}"
        at = self.source.locate(path)
        written = at.text[at.column - 1 : at.end_column - 1]
        way_out = nearest_legal(path, wanted, found, written)
        if not way_out and kinds_at((*path, 0)):
            way_out = instead_of_layers(path, found)
        return Diagnostic(code, message, path, at, way_out)

    def _option(self, path: Path) -> str:
        """Name an option and whose it is."""
        names = [index for index, step in enumerate(path) if isinstance(step, str)]
        start = names[-1] if names else 0
        option = str(path[start]) + "".join(f"[{index}]" for index in path[start + 1 :])
        owner = self._owner(path[:start])
        return f"`{option}`" if start == 0 else f"`{option}` of {owner}"

    def _owner(self, path: Path) -> str:
        """Name the section at a path: a layer by its name."""
        if not path:
            return "the spec"
        if path[0] == "layers" and kinds_at(path[:-1]):
            return f"`{name_at(self.source.value['layers'], path)}`"
        return f"`{path[-1]}`"


def _takes(section: type[BaseModel], option: str, found: Any) -> bool:
    """Tell whether a value that stands in the place of the options would be right as one."""
    if isinstance(found, str) and not re.fullmatch("[A-Za-z0-9_./][A-Za-z0-9_./-]*", found):
        return False
    try:
        section.model_validate({option: found})
    except ValidationError:
        return False
    return True


def _numbers_wanted(path: Path) -> str:
    option = _section_at(path[:-1]).model_fields[str(path[-1])]
    return f"wanted {len(get_args(option.annotation))} numbers"


def _home_of(words: Sequence[str], path: Path) -> str:
    """Say where an option belongs that is written in another section."""
    for word in words:
        said = "it" if word == words[0] else f"`{word}`"
        for section in ("training", "limits"):
            of_the_spec = word in ModelSpec.model_fields  # `layers` is no limit where layers stand
            if path != (section,) and word in options_at((section,)) and not of_the_spec:
                return f"{said} belongs under `{section}:`"
        for place, kinds in KINDS_AT.items():
            owners = [
                f"`{kind}`"
                for kind in kinds
                if path[: len(place) + 1] != (*place, kind) and word in options_at((*place, kind))
            ]
            if owners:
                return f"{said} is an option of {listed(owners)}, under `{'.'.join(place)}`"
    return ""


def _option_of(section: type[BaseModel], found: Any) -> str:
    """Return the option that has a word among its values; nothing where none has."""
    for option, field in section.model_fields.items():
        if get_origin(field.annotation) is Literal and found in get_args(field.annotation):
            return option
    return ""


def _options_in_a_list(section: type[BaseModel], found: Any) -> str:
    """Write options that stand behind dashes as they would stand in a mapping."""
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        return ""
    given = {option: value for each in found for option, value in each.items()}
    if not given.keys() <= section.model_fields.keys():
        return ""

    def shown(option: str, value: Any) -> str:
        if isinstance(value, str | int | float):
            return brief(show_value(value))
        return _example(section, option) if isinstance(value, list) else "..."

    return ", ".join(f"{option}: {shown(option, value)}" for option, value in given.items())


def _only_for(section: type[BaseModel], found: Any) -> str:
    """Return the one option that takes a number; nothing where none does, or several do."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        return ""
    options = [option for option in section.model_fields if _takes(section, option, found)]
    return options[0] if len(options) == 1 else ""


def _example(section: type[BaseModel], option: str) -> str:
    """Return what a missing option might say."""
    if section is Normalize:
        return "[0.5]"
    examples = section.words.examples if issubclass(section, Kind) else {"input": "[1, 28, 28]"}
    return examples.get(option, "...")


def _no_kind(path: Path, found: Any, at: Location) -> Diagnostic:
    is_layer, kinds = path[0] == "layers", kinds_at(path)
    noun = _a(path)
    if not isinstance(found, Mapping) or len(found) < 2:
        message = f"{noun} is a word or a mapping with one key; found {describe(found)}"
        way_out = ""
        if is_layer and isinstance(found, list):
            inside = "layers stand in one list, one after the other: take these out of theirs"
            way_out = inside if found else "leave it out"
        return Diagnostic("no-kind", message, path, at, way_out)
    message = f"{noun} is one key, its kind; found {brief(', '.join(map(str, found)), 200)}"
    named = [key for key in found if key in kinds]
    if elsewhere := keyed(found, kinds):
        way_out = elsewhere
    elif len(named) == 1:
        way_out = f"indent the options under `{named[0]}:`"
    elif named:
        way_out = "give each a dash of its own" if is_layer else "keep one of them"
    else:
        way_out = f"write the kind as a key, over its options: {', '.join(kinds)}"
    return Diagnostic("no-kind", message, path, at, way_out)


def _a(path: Path) -> str:
    return f"{'a' if path[0] == 'layers' else 'the'} {noun_of(path)}"


def options_at(path: Path) -> list[str]:
    """List the options that the section at a path has."""
    return list(_section_at(path).model_fields)


def _section_at(path: Path) -> type[BaseModel]:
    """Find the class of the section at a path."""
    here: Any = ModelSpec
    for step in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(str(step))
            here = field.annotation if field else None
        elif not isinstance(step, int):
            here = _tagged(here, step)
    for section in (here, *_parts(here)):
        if isinstance(section, type) and issubclass(section, BaseModel):
            return section
    return BaseModel


def _tagged(annotation: Any, tag: str) -> Any:
    """Find the class that a union has under a tag."""
    for part in _parts(annotation):
        if any(isinstance(extra, Tag) and extra.tag == tag for extra in get_args(part)[1:]):
            return get_args(part)[0]
    return None


def _parts(annotation: Any) -> list[Any]:
    """List the parts of a nested annotation, outermost first."""
    parts = []
    for part in get_args(annotation):
        parts += [part, *_parts(part)]
    return parts
