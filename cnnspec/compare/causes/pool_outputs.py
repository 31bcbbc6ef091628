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
        Way(
            "padding-wins",
            "padded zeros win where they are the greatest of a window; padding may never win",
            _greatest(0),
        ),
        Way(
            "starts-from-zero",
            "the search for the maximum starts from 0: a window whose cells are all below 0 "
            "gives 0",
            lambda pooling: np.maximum(pooling.windows(0).max(axis=0), 0),
        ),
        Way(
            "min-for-max",
            "the code takes the least of each window; the greatest is wanted",
            lambda pooling: np.asarray(pooling.windows(np.inf).min(axis=0)),
        ),
        Way(
            "average-for-max",
            "the code takes the average of each window; the greatest is wanted",
            _mean_over(padded_cells),
        ),
        Way(
            "average-for-max",
            "the code takes the average of each window's real cells; the greatest is wanted",
            _mean_over(real_cells),
        ),
        Way(
            "largest-magnitude",
            "the code takes the greatest magnitude of each window; the greatest number is wanted",
            lambda pooling: np.abs(pooling.windows(0)).max(axis=0),
        ),
        Way(
            "sum-for-max",
            "the code takes the sum of each window; the greatest is wanted",
            FORWARD["sum"],
        ),
        *(
            Way(
                "one-cell",
                f"the code takes the {which} cell of each window; the greatest is wanted",
                compute,
            )
            for which, compute in (
                ("first", lambda pooling: np.asarray(pooling.windows(0)[0])),
                ("last", lambda pooling: np.asarray(pooling.windows(0)[-1])),
            )
        ),
    ],
    "avg": [
        Way(
            "padding-not-counted",
            "the average is taken over the real cells of each window; padded cells count, too",
            _mean_over(real_cells),
        ),
        Way(
            "divided-by-kernel",
            "the sum of each window is divided by the kernel's area; a window that "
            "`ceil_mode` cuts short has fewer cells",
            _mean_over(area),
        ),
        Way(
            "divided-twice",
            "the sum of each window is divided by the number of its cells twice",
            _mean_over(lambda pooling: padded_cells(pooling) ** 2),
        ),
        Way(
            "sum-for-average",
            "the sum of each window is not divided by the number of its cells",
            FORWARD["sum"],
        ),
        Way(
            "divided-by-side",
            "the sum of each window is divided by the kernel's height alone",
            _mean_over(lambda pooling: float(pooling.kernel[0])),
        ),
        Way(
            "divided-by-side",
            "the sum of each window is divided by the kernel's width alone",
            _mean_over(lambda pooling: float(pooling.kernel[1])),
        ),
        Way(
            "divided-by-stride",
            "the sum of each window is divided by the product of the strides",
            _mean_over(lambda pooling: float(np.prod(pooling.stride))),
        ),
        Way(
            "max-for-average",
            "the code takes the greatest of each window; the average is wanted",
            _greatest(-np.inf),
        ),
        Way(
            "max-for-average",
            "the code takes the greatest of each window and its padding; the average is wanted",
            _greatest(0),
        ),
    ],
}
