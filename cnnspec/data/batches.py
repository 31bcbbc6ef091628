"""The order in which images are learnt from: the same for every backend."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cnnspec.randomness import stream


def batches(count: int, batch_size: int, *, seed: int, epoch: int) -> Iterator[NDArray[np.int64]]:
    """Yield the indices of each batch of an epoch, shuffled; the last may be smaller."""
    order = stream(seed, "order", epoch).permutation(count)
    for start in range(0, count, batch_size):
        yield order[start : start + batch_size]
