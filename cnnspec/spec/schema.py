"""The JSON Schema of specs, for editors: made from the models and their docstrings.

It is draft-07, which yaml-language-server reads; `markdownDescription`, `errorMessage`,
`defaultSnippets` and `doNotSuggest` are its own words, which other readers pass over. A
schema cannot see everything: not whether layers fit together or options exclude each
other, nor how a number is written (3.0 is whole to it), nor `.nan`, which is neither
above nor below any bound.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import Discriminator, TypeAdapter
from pydantic.fields import FieldInfo

from cnnspec.spec.data import Normalize
from cnnspec.spec.flow import plain_value
from cnnspec.spec.layers.layer import LayerName
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.schema_words import (
    Schema,
    flow,
    in_words,
    option_docstrings,
    paragraphs,
    sentence,
)
from cnnspec.spec.section import Kind, Section, kinds_in
from cnnspec.spec.sizes import ConvPadding, PoolPadding, Size

_MOST = sys.float_info.max


def schema_text() -> str:
    """Return the schema as indented JSON."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> Schema:
    """Return the JSON Schema of a spec."""
    writer = _Writer()
    top = writer.options_of(ModelSpec, "spec")
    dialect = {"$schema": "http://json-schema.org/draft-07/schema#"}
    return dialect | top | {"definitions": dict(sorted(writer.definitions.items()))}


def _annotation(field: FieldInfo) -> Any:
    """Return the type of an option as it stands in the class."""
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def _sizes(least: int, *words: str) -> Schema:
    size = {"type": "integer", "minimum": least}
    both = {"type": "array", "items": size, "minItems": 2, "maxItems": 2}
    wanted = f"Wanted a whole number of {least} or more, [height, width], or {' or '.join(words)}"
    named = [{"enum": [*words], "errorMessage": wanted}] if words else []
    return {"anyOf": [*named, size, {"title": "[height, width]"} | both]}


def _per_channel(**bounds: float) -> Schema:
    return {"type": "array", "items": {"type": "number", **bounds}, "minItems": 1}


_MEAN, _STD = (_annotation(Normalize.model_fields[option]) for option in ("mean", "std"))

_BY_HAND: list[tuple[Any, Schema]] = [
    (Size, _sizes(1)),
    (PoolPadding, _sizes(0)),
    (ConvPadding, _sizes(0, "same")),
    (LayerName, {"type": "string", "pattern": "^(?!input$)[A-Za-z_][A-Za-z0-9_]{0,99}$"}),
    (_MEAN, _per_channel()),
    (_STD, _per_channel(exclusiveMinimum=0)),
]
"""Types whose values are checked by functions of ours, into which pydantic cannot see."""

_EXAMPLES = {"data": "mnist"}
_ONE_LINE = {"input": [1, 28, 28]}
"""What is inserted for a list without a default."""


class _Writer:
    """Writes sections and kinds; each but the top stands once, in `definitions`."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}
        self._names: dict[tuple[type, ...], str] = {}

    def options_of(self, section: type[Section], title: str) -> Schema:
        """Write a section, or the options of a kind."""
        said = option_docstrings(section)
        required = _required(section)
        written: Schema = {
            "title": title,
            "description": paragraphs(section.__doc__),
            "type": _types(section),
            "properties": {
                option: self._option(option, field, said.get(option, ""))
                for option, field in section.model_fields.items()
            },
            "additionalProperties": False,
        }
        return written | ({"required": required} if required else {})

    def _option(self, option: str, field: FieldInfo, said: str) -> Schema:
        written = self._type(_annotation(field), option)
        values = sentence(in_words(written))
        about: Schema = {"description": said}
        if not field.is_required() and (default := plain_value(field.default)) not in (None, {}):
            about["default"] = default
            values = f"{values} Default: `{flow(default)}`.".lstrip()
        about["markdownDescription"] = "\n\n".join(filter(None, [said, values]))
        if option in _EXAMPLES:
            about["examples"] = [_EXAMPLES[option]]
        if written.get("type") == "array" and not {"allOf", "items"} & set(written["items"]):
            written = _in_one_line(written, about.get("default") or _ONE_LINE.get(option))
        return about | written

    def _type(self, annotation: Any, option: str) -> Schema:
        """Write what an option takes, or each entry of one that is a list."""
        origin, parts = get_origin(annotation), get_args(annotation)
        if origin in (Union, UnionType) and NoneType in parts:
            (part,) = (part for part in parts if part is not NoneType)
            return _or_null(self._type(part, option))
        if origin is Annotated and any(isinstance(part, Discriminator) for part in parts):
            kinds = kinds_in(annotation)
            written = self._define(option, kinds.values(), lambda: self._kinds(kinds, option))
            return {"type": ["string", "object"]} | written | _snippets(kinds)
        if origin is Annotated and get_origin(parts[0]) is Sequence:
            (entry,) = get_args(parts[0])
            entries = self._type(entry, option.removesuffix("s"))
            entries.pop("defaultSnippets", None)  # at `- `, keys are offered
            return _leaf(Annotated[(list[Any], *parts[1:])]) | {"items": entries}
        if isinstance(annotation, type) and issubclass(annotation, Section):
            return self._section(annotation, option)
        return _leaf(annotation)

    def _kinds(self, kinds: dict[str, type[Kind]], title: str) -> Schema:
        """Write a thing with a kind: a mapping with one key, or a word."""
        alone = {
            word: paragraphs(kind.__doc__) for word, kind in kinds.items() if not _required(kind)
        }
        wanted = f"Wanted one key over its options: {', '.join(kinds)}"
        if alone:
            wanted += f"; or a word alone: {', '.join(alone)}"
        mapping: Schema = {
            "title": title,
            "type": "object",
            "properties": {word: self._options(word, kind) for word, kind in kinds.items()},
            "additionalProperties": False,
            "errorMessage": wanted,
        }
        words = {
            "title": title,
            "enum": list(alone),
            "markdownEnumDescriptions": list(alone.values()),
            "errorMessage": wanted,
        }
        return {
            "title": title,
            "minProperties": 1,
            "maxProperties": 1,  # in `mapping`, it would keep the server from offering keys
            "oneOf": [mapping, *([words] if alone else [])],
        }

    def _options(self, word: str, kind: type[Kind]) -> Schema:
        """Write the options of a kind, which may be left out where none is required."""
        about: Schema = {"description": paragraphs(kind.__doc__)}
        if set(kind.model_fields) <= {"name"}:
            about["doNotSuggest"] = True  # the word alone is
        return about | self._section(kind, word)

    def _section(self, section: type[Section], title: str) -> Schema:
        write = lambda: self.options_of(section, title)  # noqa: E731
        written = self._define(section.__name__, [section], write)
        if required := _required(section):
            body = {
                option: _gap(section.model_fields[option].annotation, at)
                for at, option in enumerate(required, 1)
            }
            return written | {"defaultSnippets": [{"label": ", ".join(required), "body": body}]}
        return {"type": _types(section)} | written

    def _define(self, name: str, classes: Any, write: Callable[[], Schema]) -> Schema:
        """Refer to a definition, and write it where it is not yet.

        Nothing beside a `$ref` counts in draft-07, but beside `allOf` it does.
        """
        classes = tuple(classes)
        if classes not in self._names:
            assert name not in self.definitions, f"two definitions are called {name}"
            self._names[classes] = name
            self.definitions[name] = {}  # before it is written: it may refer to itself
            self.definitions[name] = write()
        return {"allOf": [{"$ref": f"#/definitions/{self._names[classes]}"}]}


def _required(section: type[Section]) -> list[str]:
    return [option for option, field in section.model_fields.items() if field.is_required()]


def _gap(annotation: Any, at: int) -> Any:
    """Return what a snippet has in the place of a value: of a list, its first entry."""
    annotation = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if get_origin(annotation) is Sequence:
        return [_gap(get_args(annotation)[0], at)]
    return f"${at}"


def _snippets(kinds: dict[str, type[Kind]]) -> Schema:
    """Offer the kinds that no word alone stands for, in one line."""
    snippets = []
    for word, kind in kinds.items():
        if required := _required(kind):
            options = ", ".join(f"{option}: ${at}" for at, option in enumerate(required, 1))
            snippets.append({"label": word, "body": f"{{{word}: {{{options}}}}}"})
    return {"defaultSnippets": snippets} if snippets else {}


def _types(section: type[Section]) -> str | list[str]:
    """Return the types of a section; of a kind, the options may be nothing: `mnist:`."""
    may_be_null = issubclass(section, Kind) and not _required(section)
    return ["object", "null"] if may_be_null else "object"


def _or_null(written: Schema) -> Schema:
    null = {"type": "null"}
    if "enum" in written:
        written = written | {"enum": [*written["enum"], None]}
    if "anyOf" in written:
        return {"anyOf": [*written["anyOf"], null]}
    if "type" in written:
        types = written["type"]
        written = written | {"type": [*([types] if isinstance(types, str) else types), "null"]}
    if "allOf" in written:
        rest = {word: said for word, said in written.items() if word != "allOf"}
        return rest | {"oneOf": [{"allOf": written["allOf"]}, null]}
    return written


def _leaf(annotation: Any) -> Schema:
    """Write a type of plain values: as pydantic does, but in draft-07, with every bound."""
    for known, by_hand in _BY_HAND:
        if annotation == known:
            return _draft_07(copy.deepcopy(by_hand))
    return _draft_07(TypeAdapter(annotation).json_schema())


def _draft_07(written: Schema) -> Schema:
    if "prefixItems" in written:
        first, *others = written.pop("prefixItems")
        assert all(other == first for other in others), "entries of one list differ"
        written["items"] = first
    if "items" in written:
        written["items"] = _draft_07(written["items"])
    if written.get("type") == "integer" and "exclusiveMinimum" in written:
        written["minimum"] = written.pop("exclusiveMinimum") + 1
    if written.get("type") == "number":  # all are finite
        if "exclusiveMinimum" not in written:
            written.setdefault("minimum", -_MOST)
        if "exclusiveMaximum" not in written:
            written.setdefault("maximum", _MOST)
    return written


def _in_one_line(written: Schema, values: list[Any] | None) -> Schema:
    """Have `[1, 28, 28]` inserted; beside `items`, the server would write one entry a line."""
    body = ", ".join(f"${{{at}:{value}}}" for at, value in enumerate(values or [], 1)) or "$1"
    snippet = {"label": json.dumps(values or []), "body": f"[{body}]"}
    return {"allOf": [written], "defaultSnippets": [snippet]}
