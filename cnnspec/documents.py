"""JSON documents: what `--json` prints and what run folders keep."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]


def document(schema: str, *, version: int = 1, **content: Any) -> Document:
    """Return a document with its schema and the version of that."""
    return {"schema": f"cnnspec/{schema}", "version": version, **content}


def to_json(content: Document, *, indent: int | None = 2) -> str:
    """Write a document; numbers that are not finite become null, as JSON has none."""
    return json.dumps(_finite(content), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
