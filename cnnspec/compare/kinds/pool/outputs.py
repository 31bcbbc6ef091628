"""The faults of a pooling layer's output."""

from __future__ import annotations

import numpy as np

from cnnspec.compare.kinds.pool.pooling import (
    SUM,
    area,
    greatest,
    mean_over,
    padded_cells,
    real_cells,
)
from cnnspec.compare.kinds.pool.ways import PoolFault, output

OUTPUTS: dict[str, list[PoolFault]] = {
    "max": [
        output(
            "padding-wins",
            "padded zeros win where they are the greatest of a window; padding may never win",
            greatest(0),
        ),
        output(
            "starts-from-zero",
            "the search for the maximum starts from 0: a window whose cells are all below 0 "
            "gives 0",
            lambda pooling: np.maximum(pooling.windows(0).max(axis=0), 0),
        ),
        output(
            "min-for-max",
            "the code takes the least of each window; the greatest is wanted",
            lambda pooling: np.asarray(pooling.windows(np.inf).min(axis=0)),
        ),
        output(
            "average-for-max",
            "the code takes the average of each window; the greatest is wanted",
            mean_over(padded_cells),
        ),
        output(
            "average-for-max",
            "the code takes the average of each window's real cells; the greatest is wanted",
            mean_over(real_cells),
        ),
        output(
            "largest-magnitude",
            "the code takes the greatest magnitude of each window; the greatest number is wanted",
            lambda pooling: np.abs(pooling.windows(0)).max(axis=0),
        ),
        output(
            "sum-for-max",
            "the code takes the sum of each window; the greatest is wanted",
            SUM,
        ),
        *(
            output(
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
        output(
            "padding-not-counted",
            "the average is taken over the real cells of each window; padded cells count, too",
            mean_over(real_cells),
        ),
        output(
            "divided-by-kernel",
            "the sum of each window is divided by the kernel's area; a window that "
            "`ceil_mode` cuts short has fewer cells",
            mean_over(area),
        ),
        output(
            "divided-twice",
            "the sum of each window is divided by the number of its cells twice",
            mean_over(lambda pooling: padded_cells(pooling) ** 2),
        ),
        output(
            "sum-for-average",
            "the sum of each window is not divided by the number of its cells",
            SUM,
        ),
        output(
            "divided-by-side",
            "the sum of each window is divided by the kernel's height alone",
            mean_over(lambda pooling: float(pooling.kernel[0])),
        ),
        output(
            "divided-by-side",
            "the sum of each window is divided by the kernel's width alone",
            mean_over(lambda pooling: float(pooling.kernel[1])),
        ),
        output(
            "divided-by-side",
            "the sum of each window is divided by the sum of the kernel's sides; their product is "
            "wanted",
            mean_over(lambda pooling: float(sum(pooling.kernel))),
        ),
        output(
            "divided-by-stride",
            "the sum of each window is divided by the product of the strides",
            mean_over(lambda pooling: float(np.prod(pooling.stride))),
        ),
        output(
            "max-for-average",
            "the code takes the greatest of each window; the average is wanted",
            greatest(-np.inf),
        ),
        output(
            "max-for-average",
            "the code takes the greatest of each window and its padding; the average is wanted",
            greatest(0),
        ),
    ],
}
