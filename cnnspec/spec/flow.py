"""Values of a spec in one line, as the dialect has them, without defaults."""

from __future__ import annotations

import json
import re
from typing import Any

from cnnspec.spec.section import Kind, Section


def show_value(value: Any) -> str:
    """Write a value of a spec in a line: `adam: {learning_rate: 0.1}`."""
    if value is None:
        return "not set"
    plain = plain_value(value)
    if isinstance(value, Kind) and isinstance(plain, dict):
        return _pair(plain)
    return _flow(plain)


def plain_value(value: Any) -> Any:
    """Return a value of a spec as the dialect would have it."""
    if isinstance(value, Section):
        options = {
            option: plain_value(getattr(value, option))
            for option, field in type(value).model_fields.items()
            if getattr(value, option) != field.get_default(call_default_factory=True)
        }
        if isinstance(value, Kind):
            return {value.keyword: options} if options else value.keyword
        return options
    if isinstance(value, tuple):
        return [plain_value(item) for item in value]
    return value


def _flow(plain: Any) -> str:
    if isinstance(plain, dict):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in plain.items()) + "}"
    if isinstance(plain, list):
        return "[" + ", ".join(_pair(item) for item in plain) + "]"
    if isinstance(plain, str) and re.fullmatch(r"[A-Za-z0-9_./-]+", plain):
        return plain
    return json.dumps(plain)


def _pair(plain: Any) -> str:
    """Write a mapping of one key without braces, as it may stand in a list; others as they are."""
    if isinstance(plain, dict) and len(plain) == 1:
        return _flow(plain)[1:-1]
    return _flow(plain)
