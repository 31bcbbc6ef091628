"""The windows of a pool, cell by cell, and what errors become in them."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from cnnspec.numerics.budget import Exact
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Pool
from cnnspec.spec.sizes import pair


def windows(at: PlannedLayer, x: Exact, outside: float) -> Exact:
    """Return the cells of each window, (n, c, h_out, w_out, cells); `outside` beyond the edge."""
    layer = _pool(at)
    pads = [(before, after) for before, after, _ in _reach(at)]
    padded = np.pad(x, ((0, 0), (0, 0), *pads), constant_values=outside)
    view = sliding_window_view(padded, pair(layer.kernel_size), axis=(2, 3))
    rows, columns = layer.strides()
    kept = view[:, :, ::rows, ::columns][:, :, : at.output[1], : at.output[2]]
    return kept.reshape(*kept.shape[:4], -1)


def two_greatest_meet(at: PlannedLayer, x: Exact, slack: Exact) -> NDArray[np.bool]:
    """Tell for each window whether another cell may be the greatest, as all are off by a slack."""
    cells, slacks = windows(at, x, -np.inf), windows(at, slack, 0.0)
    if cells.shape[-1] == 1:
        return np.zeros(cells.shape[:-1], bool)
    top = np.argpartition(cells, -2, axis=-1)[..., -2:]
    low, high = np.moveaxis(np.take_along_axis(cells, top, -1), -1, 0)
    # Any cell may be that: not only the second one, but one that is off by more.
    near: NDArray[np.bool] = high - low < 2 * slacks.max(axis=-1)
    return near


def sum_over_windows(at: PlannedLayer, values: Exact) -> Exact:
    """Return for each cell of the input the sum of a value of each window that it is in."""
    reach = _reach(at)
    total = np.zeros((*values.shape[:2], *(before + size + after for before, after, size in reach)))
    rows, columns = _pool(at).strides()
    for i, j in product(*map(range, pair(_pool(at).kernel_size))):
        places = total[:, :, i::rows, j::columns]
        places[:, :, : values.shape[2], : values.shape[3]] += values
    inside = (slice(before, before + size) for before, _, size in reach)
    return total[:, :, *inside]


def _reach(at: PlannedLayer) -> list[tuple[int, int, int]]:
    """Return along each axis the cells that windows reach before and behind the image, and its."""
    layer = _pool(at)
    found = []
    for size, count, cells, stride, added in zip(
        at.input[1:], at.output[1:], pair(layer.kernel_size), layer.strides(), pair(layer.padding)
    ):
        found.append((added, max(0, (count - 1) * stride + cells - added - size), size))
    return found


def _pool(at: PlannedLayer) -> Pool:
    assert isinstance(at.layer, Pool)
    return at.layer
