"""ModelSpec -> the dialect."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from cnnspec.spec.model import ModelSpec
from cnnspec.spec.section import Kind, Section
from cnnspec.spec.source import core_scalar


def dump_spec(spec: ModelSpec, *, defaults: bool = False) -> str:
    """Write a spec in the dialect, so that `parse_spec(dump_spec(spec)) == spec`.

    With `defaults`, options that have their default value are written, too.
    """
    lines: list[str] = []
    for option, value in _options(spec, defaults):
        if option == "layers":
            lines += ["layers:", *(f"  - {_kind(layer, defaults)}" for layer in spec.layers)]
        elif isinstance(value, Section) and not isinstance(value, Kind):
            inner = _options(value, defaults)
            lines += [f"{option}:", *(f"  {key}: {_flow(part, defaults)}" for key, part in inner)]
        else:
            lines.append(f"{option}: {_flow(value, defaults)}")
    return "\n".join(lines) + "\n"


def _options(section: Section, defaults: bool) -> Iterator[tuple[str, Any]]:
    for option, field in type(section).model_fields.items():
        value = getattr(section, option)
        if value is not None and (defaults or field.is_required() or value != field.default):
            yield option, value


def _kind(value: Kind, defaults: bool) -> str:
    options = _section(value, defaults)
    return value.keyword if options == "{}" else f"{value.keyword}: {options}"


def _section(section: Section, defaults: bool) -> str:
    options = (f"{key}: {_flow(value, defaults)}" for key, value in _options(section, defaults))
    return "{" + ", ".join(options) + "}"


def _flow(value: Any, defaults: bool) -> str:
    if isinstance(value, Kind):
        kind = _kind(value, defaults)
        return kind if kind == value.keyword else "{" + kind + "}"
    if isinstance(value, Section):
        return _section(value, defaults)
    if isinstance(value, tuple):
        return "[" + ", ".join(_flow(item, defaults) for item in value) + "]"
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)


def _text(value: str) -> str:
    """Write text so that it is read back as the same text."""
    if re.fullmatch(r"[A-Za-z0-9_./][A-Za-z0-9_./-]*", value) and core_scalar(value) == value:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return re.sub(
        r"[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]",
        lambda m: f"\\u{ord(m[0]):04x}",
        quoted,
    )
