"""What a fault of pooling is, and the numbers by which people divide."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cnnspec.compare.budget import Exact
from cnnspec.compare.causes.pooling import Pooling


class Way(NamedTuple):
    """A way to compute an output, or to share a gradient out, that people take by mistake."""

    code: str
    sentence: str
    compute: Callable[[Pooling], Exact]


class Change(NamedTuple):
    """A change of the windows, with the right computation on them."""

    code: str
    sentence: str
    change: Callable[[Pooling], Pooling]


def area(pooling: Pooling) -> float:
    """Return the cells of a kernel."""
    return float(np.prod(pooling.kernel))


def real_cells(pooling: Pooling) -> Exact:
    """Return the real cells in each window."""
    return np.asarray(pooling.real().sum(axis=0), np.float64)


def padded_cells(pooling: Pooling) -> Exact:
    """Return the real and padded cells in each window: what an average divides by."""
    return np.asarray(pooling.padded().sum(axis=0), np.float64)
