"""ModelSpec -> the dialect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cnnspec.spec.model import ModelSpec
from cnnspec.spec.nodes import Collection, Entry, Node, Scalar, text_scalar, write
from cnnspec.spec.section import Kind, Section


def dump_spec(spec: ModelSpec, *, defaults: bool = False) -> str:
    """Write a spec in the dialect, so that `parse_spec(dump_spec(spec)) == spec`.

    With `defaults`, options that have their default value are written, too.
    """
    return write(spec_node(spec, defaults=defaults), [])


def spec_node(spec: ModelSpec, *, defaults: bool = False) -> Collection:
    """Return a spec as a tree of nodes, which comments can be put on."""
    return _section(spec, defaults)


def _section(section: Section, defaults: bool) -> Collection:
    entries = [Entry(key, _node(value, defaults)) for key, value in _options(section, defaults)]
    return Collection(is_list=False, entries=entries)


def _options(section: Section, defaults: bool) -> Iterator[tuple[str, Any]]:
    for option, field in type(section).model_fields.items():
        value = getattr(section, option)
        if value is not None and (defaults or field.is_required() or value != field.default):
            yield option, value


def _node(value: Any, defaults: bool) -> Node:
    if isinstance(value, Kind):
        return Collection(is_list=False, entries=[Entry(value.keyword, _section(value, defaults))])
    if isinstance(value, Section):
        return _section(value, defaults)
    if isinstance(value, tuple):
        return Collection(is_list=True, entries=[Entry(None, _node(v, defaults)) for v in value])
    return Scalar(text_scalar(value) if isinstance(value, str) else json.dumps(value))
