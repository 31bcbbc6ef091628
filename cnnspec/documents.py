"""JSON documents: what `--json` prints and what run folders keep."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]

MOST_DIGITS = 100
"""Of a whole number that is read."""


def document(schema: str, *, version: int = 1, **content: Any) -> Document:
    """Return a document with its schema and the version of that."""
    return {"schema": f"cnnspec/{schema}", "version": version, **content}


def to_json(content: Document, *, indent: int | None = 2) -> str:
    """Write a document in ASCII; numbers that are not finite become null, as JSON has none.

    No control character is in it but line breaks.
    """
    text = json.dumps(_finite(content), indent=indent, allow_nan=False)
    return text.replace("\x7f", "\\u007f")  # json escapes all others


def from_json(text: bytes) -> Any:
    """Read a document that somebody may have changed.

    Raises:
        ValueError: it is not JSON in UTF-8, is nested too deep, has a key twice, or a number
            that is too large.
    """
    try:
        return json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_int=_whole,
            parse_float=_decimal,
            parse_constant=_refused,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 text: byte {error.start} is no part of it") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> Document:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise ValueError(f"it has the key `{twice[:60]}` twice")
    return found


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"it has a number of {len(digits):,} digits")
    return int(digits)


def _decimal(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it has a number that is too large: {text[:60]}")
    return number


def _refused(word: str) -> None:
    raise ValueError(f"it has {word}, which is no number of JSON")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
