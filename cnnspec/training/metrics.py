"""metrics.jsonl of a run folder: one line an epoch."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from cnnspec.documents import from_json, to_json
from cnnspec.errors import RunError
from cnnspec.files import open_regular
from cnnspec.training.history import EpochMetrics, History

LONGEST = 10_000
"""Bytes of the longest line that is read; one has about 200."""

NAMES = [field.name for field in fields(EpochMetrics)]


def append_metrics(path: Path, metrics: EpochMetrics) -> None:
    """Add an epoch.

    Raises:
        RunError: the file cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(to_json(asdict(metrics), indent=None) + "\n")
    except OSError as error:
        raise RunError(f"cannot write {path}: {error}") from None


def read_metrics(path: Path) -> History:
    """Read the epochs: all of them, in order, from 1.

    Raises:
        RunError: the file is missing, damaged or no regular file.
    """
    history: list[EpochMetrics] = []
    try:
        with open_regular(path, most=sys.maxsize) as file:
            while line := file.readline(LONGEST + 1):
                history.append(_epoch(line, len(history) + 1))
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise RunError(f"cannot read {path}: line {len(history) + 1}: {error}") from None
    return tuple(history)


def _epoch(line: bytes, number: int) -> EpochMetrics:
    if len(line) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST:,} bytes")
    written = from_json(line)
    if not isinstance(written, dict):
        raise ValueError("it is no epoch: wanted {...}")
    if missing := [name for name in NAMES if name not in written]:
        raise ValueError(f"it lacks `{missing[0]}`")
    if unknown := [name for name in written if name not in NAMES]:
        raise ValueError(f"it has `{unknown[0][:60]}`, which is nothing of an epoch")
    epoch = written.pop("epoch")
    if type(epoch) is not int or epoch != number:
        raise ValueError(f"it is of epoch {number}, but its `epoch` is {_brief(epoch)}")
    return EpochMetrics(epoch, **{name: _number(name, value) for name, value in written.items()})


def _number(name: str, value: object) -> float:
    """Read a number back; a null was one that is not finite."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"`{name}` is {_brief(value)}; wanted a number")
    if name.endswith("accuracy") and not 0 <= value <= 1:
        raise ValueError(f"`{name}` is {_brief(value)}; wanted a fraction of 1")
    return float(value)


def _brief(value: Any) -> str:
    text = to_json(value, indent=None)
    return text if len(text) <= 60 else f"{text[:60]}..."
