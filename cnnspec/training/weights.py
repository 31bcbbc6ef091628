"""Weights on disk: safetensors files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from cnnspec.backends.border import check_state
from cnnspec.errors import RunError
from cnnspec.files import open_regular
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Precision
from cnnspec.trace import Array

DTYPES = {"F32": "float32", "F64": "float64"}
"""What weights may be, by the words of safetensors."""

HEADER = 32 << 20
"""Bytes of the longest header that is read: 10,000 layers need a third of that."""


@dataclass(frozen=True)
class NotFinite:
    """Weights of a run that are no numbers any more: its training diverged."""

    run: str
    parameter: str
    not_finite: int
    """Elements that are NaN or infinite."""
    elements: int
    """All there are."""

    def __str__(self) -> str:
        return (
            f"the weights of {self.run} are not finite: {self.parameter} "
            f"({self.not_finite:,} of {self.elements:,} numbers); its training diverged"
        )


def save_weights(path: Path, state: Mapping[str, Array]) -> None:
    """Write weights, so that the file is at any time either the old or the new one.

    safetensors writes the memory of an array without regard to its strides
    (safetensors issue 825), so every array is made C-contiguous first.

    Raises:
        RunError: the file cannot be written.
    """
    arrays = {name: np.asarray(array, order="C") for name, array in state.items()}
    draft = path.with_suffix(".tmp")
    try:
        draft.write_bytes(save(arrays))
        draft.replace(path)
    except (OSError, SafetensorError) as error:
        raise RunError(f"cannot write {path}: {error}") from None


def load_weights(path: Path, wanted: Mapping[str, Shape] | None = None) -> dict[str, Array]:
    """Read weights: float32 or float64 numbers, as they are on disk.

    With `wanted`, the shapes of a network, others are refused before an array is read.

    Raises:
        RunError: the file is missing, damaged or no regular file, or holds other numbers.
        StateError: names or shapes are not those that are wanted.
    """
    try:
        _check_header(path)
        with safe_open(path, framework="numpy") as file:
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no dict
            for name, part in parts.items():
                _check_dtype(name, part.get_dtype())
            if wanted is not None:
                check_state(_outlines(parts), wanted, "weights")
            return {name: file.get_tensor(name) for name in parts}
    except OSError as error:
        raise _unreadable(path, error.strerror or error) from None
    except (SafetensorError, ValueError, OverflowError, MemoryError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, reason: object) -> RunError:
    return RunError(f"cannot read the weights {path}: {reason}")


def _check_header(path: Path) -> None:
    """Refuse what is no regular file, and a header that would take long to read."""
    with open_regular(path, most=sys.maxsize) as file:
        length = int.from_bytes(file.read(8), "little")
    if length > HEADER:
        raise ValueError(f"its header has {length:,} bytes; at most {HEADER:,} are read")


def _check_dtype(name: str, dtype: str) -> None:
    if dtype not in DTYPES:
        raise ValueError(
            f"`{name}` holds {dtype} numbers; wanted {' or '.join(DTYPES.values())}: convert them "
            "and write the file anew"
        )


def _outlines(parts: Mapping[str, object]) -> dict[str, Array]:
    """Return arrays of the shapes that a file has, which take no memory."""
    shapes = {name: part.get_shape() for name, part in parts.items()}  # type: ignore[attr-defined]
    return {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}


def not_finite(run: str, state: Mapping[str, Array], precision: Precision) -> Iterator[NotFinite]:
    """Yield the parameters that are not finite in a precision, which may overflow."""
    for name, array in state.items():
        count = int(np.sum(~np.isfinite(_in(precision, array))))
        if count:
            yield NotFinite(run, name, count, array.size)


def rounding(run: str, state: Mapping[str, Array], precision: Precision) -> str:
    """Say that a precision rounds weights; nothing where it holds all of them."""
    rounded = [name for name, array in state.items() if np.any(_in(precision, array) != array)]
    if not rounded:
        return ""
    more = f" and {len(rounded) - 1} more" if rounded[1:] else ""
    return (
        f"the weights of {run} are float64 numbers, which {precision}, the precision of its "
        f"training, rounds: {rounded[0]}{more}"
    )


def _in(precision: Precision, array: Array) -> Array:
    with np.errstate(over="ignore"):  # told as not finite
        return array.astype(precision)
