"""Kinks: decisions that rounding may turn, where a derivative jumps.

A relu decides at 0, a max pool between its two greatest cells. In float32 two right
implementations may decide otherwise where what they decide on is within the budget of the
layer that made it. Such elements are counted, and are no differences.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from cnnspec.compare.budget import Exact
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.probes import LayerProbe
from cnnspec.compare.replay_layers import working_budgets
from cnnspec.compare.verdict import Kinks
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Pool
from cnnspec.spec.sizes import pair


def kinks_of(isolation: Isolation, probes: Iterable[LayerProbe]) -> tuple[Kinks, ...]:
    """Count the decisions of each relu and max pool on the user's data, and those near a kink.

    Those behind a layer that no side can run are left out: what they decide on is not known.
    """
    found = []
    slack = np.zeros(())
    for probe in probes:
        if probe.name != "data":
            continue
        x = probe.x.astype(np.float64)
        slack = np.broadcast_to(slack, x.shape)
        if probe.at.kind == "relu":
            near = np.abs(x) < slack
            found.append(Kinks(probe.at.name, near.size, int(near.sum())))
        elif isinstance(probe.at.layer, Pool) and probe.at.layer.kind == "max":
            near = _two_greatest_meet(probe.at, x, slack)
            found.append(Kinks(probe.at.name, near.size, int(near.sum())))
        passed_on = _slack_of_output(isolation, probe, x, slack)
        if passed_on is None:
            break
        slack = passed_on
    return tuple(found)


def _slack_of_output(
    isolation: Isolation, probe: LayerProbe, x: Exact, slack: Exact
) -> Exact | None:
    """Return how far rounding may move each output: what a layer adds, or passes on.

    None where no side can say it.
    """
    at = probe.at
    if at.kind == "relu":
        return np.where(x > -slack, slack, 0.0)
    if at.kind == "flatten":
        return slack.reshape(len(x), -1)
    if isinstance(at.layer, Pool) and at.layer.kind == "max":
        greatest: Exact = _windows(at, slack, 0.0).max(axis=-1)
        return greatest
    for side in isolation.sides:
        try:
            return working_budgets(side, probe)["output"]
        except Exception:  # a faulty layer raises whatever it likes: the coverage says so
            continue
    return None


def _two_greatest_meet(at: PlannedLayer, x: Exact, slack: Exact) -> NDArray[np.bool]:
    """Tell for each window whether rounding may bring another cell to the top."""
    cells, slacks = _windows(at, x, -np.inf), _windows(at, slack, 0.0)
    if cells.shape[-1] == 1:
        return np.zeros(cells.shape[:-1], bool)
    top = np.argpartition(cells, -2, axis=-1)[..., -2:]
    low, high = np.moveaxis(np.take_along_axis(cells, top, -1), -1, 0)
    near: NDArray[np.bool] = high - low < np.take_along_axis(slacks, top, -1).sum(axis=-1)
    return near


def _windows(at: PlannedLayer, x: Exact, outside: float) -> Exact:
    """Return the cells of each window, (n, c, h_out, w_out, cells); `outside` beyond the edge."""
    assert isinstance(at.layer, Pool)
    kernel, strides = pair(at.layer.kernel_size), at.layer.strides()
    pads = []
    for size, count, cells, stride, added in zip(
        at.input[1:], at.output[1:], kernel, strides, pair(at.layer.padding)
    ):
        reach = (count - 1) * stride + cells - added
        pads.append((added, max(0, reach - size)))
    padded = np.pad(x, ((0, 0), (0, 0), *pads), constant_values=outside)
    view = sliding_window_view(padded, kernel, axis=(2, 3))[:, :, :: strides[0], :: strides[1]]
    kept = view[:, :, : at.output[1], : at.output[2]]
    return kept.reshape(*kept.shape[:4], -1)
