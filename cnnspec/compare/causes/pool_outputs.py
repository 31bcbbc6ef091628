"""The faults of a pooling layer's output."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cnnspec.compare.budget import Exact
from cnnspec.compare.causes.pool_faults import Way, area, padded_cells, real_cells
from cnnspec.compare.causes.pooling import (
    Pooling,
)

Forward = Callable[[Pooling], Exact]


def _greatest(outside: float) -> Forward:
    return lambda pooling: np.asarray(pooling.windows(outside).max(axis=0))


def _mean_over(cells: Callable[[Pooling], Exact | float]) -> Forward:
    return lambda pooling: pooling.windows(0).sum(axis=0) / cells(pooling)


FORWARD: dict[str, Forward] = {
    "max": _greatest(-np.inf),
    "avg": _mean_over(padded_cells),
    "sum": _mean_over(lambda _: 1.0),
}

OUTPUTS = {
    "max": [
        Way("padding-wins", "the greatest of cells and padded zeros: padding won", _greatest(0)),
        Way(
            "starts-from-zero",
            "the greatest of each window and 0: the search starts from 0",
            lambda pooling: np.maximum(pooling.windows(0).max(axis=0), 0),
        ),
        Way(
            "min-for-max",
            "the least of each window, not the greatest",
            lambda pooling: np.asarray(pooling.windows(np.inf).min(axis=0)),
        ),
        Way(
            "average-for-max",
            "the average of each window, not the greatest",
            _mean_over(padded_cells),
        ),
        Way(
            "average-for-max",
            "the average of each window's real cells, not the greatest",
            _mean_over(real_cells),
        ),
        Way(
            "largest-magnitude",
            "the greatest magnitude of each window",
            lambda pooling: np.abs(pooling.windows(0)).max(axis=0),
        ),
        Way("sum-for-max", "the sum of each window, not the greatest", FORWARD["sum"]),
        *(
            Way("one-cell", f"the {which} cell of each window, not the greatest", compute)
            for which, compute in (
                ("first", lambda pooling: np.asarray(pooling.windows(0)[0])),
                ("last", lambda pooling: np.asarray(pooling.windows(0)[-1])),
            )
        ),
    ],
    "avg": [
        Way(
            "padding-not-counted",
            "the average over the real cells of each window: padded ones are to be counted",
            _mean_over(real_cells),
        ),
        Way(
            "divided-by-kernel",
            "the sum of each window over the kernel's area: a window that `ceil_mode` cuts "
            "short has fewer cells",
            _mean_over(area),
        ),
        Way(
            "divided-twice",
            "the sum of each window over the square of its cells: divided twice",
            _mean_over(lambda pooling: padded_cells(pooling) ** 2),
        ),
        Way("sum-for-average", "the sum of each window, not divided", FORWARD["sum"]),
        Way(
            "divided-by-side",
            "the sum of each window over the kernel's height",
            _mean_over(lambda pooling: float(pooling.kernel[0])),
        ),
        Way(
            "divided-by-side",
            "the sum of each window over the kernel's width",
            _mean_over(lambda pooling: float(pooling.kernel[1])),
        ),
        Way(
            "divided-by-stride",
            "the sum of each window over the product of the strides",
            _mean_over(lambda pooling: float(np.prod(pooling.stride))),
        ),
        Way("max-for-average", "the greatest of each window, not the average", _greatest(-np.inf)),
        Way(
            "max-for-average",
            "the greatest of each window and its padding, not the average",
            _greatest(0),
        ),
    ],
}
