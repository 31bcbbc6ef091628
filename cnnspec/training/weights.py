"""Weights on disk: safetensors files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from cnnspec.errors import RunError
from cnnspec.trace import Array


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


def load_weights(path: Path) -> dict[str, Array]:
    """Read weights.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError, TypeError, AttributeError) as error:  # no such dtype in numpy
        raise RunError(f"cannot read the weights {path}: {error}") from None
