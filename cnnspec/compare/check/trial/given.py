"""The arrays that a trial is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnnspec.trace import Array


def read(path: Path) -> dict[str, Array]:
    """Return the arrays of a file."""
    with np.load(path, allow_pickle=False) as file:
        return dict(file)
