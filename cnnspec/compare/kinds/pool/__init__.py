"""What the referee knows of a pooling layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnspec.compare.faults.fault import Fault, LayerSituation, Prediction
from cnnspec.compare.kinds.layer import LayerKind, Setting, numbers, over_windows
from cnnspec.compare.kinds.pool.cells import sum_over_windows, two_greatest_meet, windows
from cnnspec.compare.kinds.pool.geometry import CHANGES, MIXED, OF_GRADIENT
from cnnspec.compare.kinds.pool.gradients import ROUTES, overwritten
from cnnspec.compare.kinds.pool.outputs import OUTPUTS
from cnnspec.compare.kinds.pool.ways import Observed, right_pool
from cnnspec.compare.kinds.weights import Errors, Weights
from cnnspec.numerics.budget import Exact
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Pool
from cnnspec.spec.layers.window import Windows
from cnnspec.spec.sizes import pair

HELP = {
    "ties-to-all": "send the gradient to the first maximum alone, as `argmax` finds it",
    "ties-to-last": "compare with `>`, not with `>=`: then the first of equal maxima stays",
    "ties-shared": "send the whole gradient to the first maximum, as `argmax` finds it",
    "ties-to-first-by-column": "search each window row by row, as `argmax` does",
    "shared-mask": "keep a mask for each window, or the index of its maximum",
    "padding-wins": "pad with -inf, not with 0",
    "starts-from-zero": "start the search for the maximum from -inf, or from the first cell",
    "average-for-max": "take the greatest cell of each window, and send the gradient there",
    "min-for-max": "take the greatest cell of each window, and send the gradient there",
    "sum-for-max": "take the greatest cell of each window",
    "max-for-average": "take the average of each window, and share the gradient out to its cells",
    "padding-other-side": "pad both sides alike",
    "padding-not-counted": "divide by the cells of the padded window",
    "argmax-of-one-channel": "search each channel by itself",
    "channels-mixed": "take each channel by itself: leave the channels out of the axes",
    "divided-by-kernel": "divide by the cells of the padded image that the window has",
    "divided-by-side": "divide by all cells of the window",
    "divided-by-windows": "divide by the height of the kernel times its width",
    "divided-by-stride": "divide by all cells of the window",
    "divided-twice": "divide once",
    "not-divided": "divide by all cells of the window",
    "sum-for-average": "divide by all cells of the window",
    "largest-magnitude": "compare the numbers themselves, not their magnitudes",
    "one-cell": "search all cells of the window for the greatest",
    "whole-to-all": "send the gradient to the maximum alone, as `argmax` finds it",
    "stride-is-kernel": "let the windows start at multiples of the stride",
    "stride-swapped": "let the height come before the width",
}

FAULTS = {
    of: (*OUTPUTS[of], *ROUTES[of], *overwritten(of), *CHANGES, *MIXED, *OF_GRADIENT)
    for of in ("max", "avg")
}


FAR = 1e4
"""How far out numbers may lie: the search for a maximum may start from -1000."""


class PoolKind(LayerKind):
    """The greatest of each window, or its average."""

    help = HELP
    settings = (
        Setting("side by side", Pool(kernel_size=2), (2, 4, 6)),
        Setting("overlapping windows", Pool(kernel_size=3, stride=2), (2, 5, 7)),
        numbers("side by side, cells left over", Pool(kernel_size=2), (2, 5, 7)),
        numbers("overlapping windows, stride 1", Pool(kernel_size=2, stride=1), (2, 4, 5)),
        numbers("one channel, one row", Pool(kernel_size=2), (1, 2, 6)),
        numbers("large numbers", Pool(kernel_size=2), (2, 4, 6), FAR),
        numbers("kernel 4, stride 3", Pool(kernel_size=4, stride=3), (2, 7, 8)),
        numbers("stride 3, cells skipped", Pool(kernel_size=2, stride=3), (2, 5, 8)),
        numbers("one window", Pool(kernel_size=3), (2, 3, 3)),
        numbers("padding 1", Pool(kernel_size=3, stride=2, padding=1), (2, 5, 6)),
        numbers("padding 2", Pool(kernel_size=4, stride=3, padding=2), (2, 5, 6), FAR),
        numbers("ceil mode", Pool(kernel_size=2, ceil_mode=True), (2, 5, 7)),
        numbers("kernel 3 x 2", Pool(kernel_size=(3, 2), stride=2), (2, 5, 6)),
        numbers("stride 1 x 2", Pool(kernel_size=2, stride=(1, 2)), (2, 4, 6)),
        numbers("padding 1 x 0", Pool(kernel_size=2, stride=2, padding=(1, 0)), (2, 4, 6)),
        Setting("averages, side by side", Pool(kernel_size=2, kind="avg"), (2, 5, 6)),
        numbers("averages, overlapping", Pool(kernel_size=3, stride=2, kind="avg"), (2, 5, 7)),
        numbers("averages, one channel, one row", Pool(kernel_size=2, kind="avg"), (1, 2, 6)),
        numbers("averages, ceil mode", Pool(kernel_size=2, ceil_mode=True, kind="avg"), (2, 5, 7)),
        numbers(
            "averages, kernel 3 x 2", Pool(kernel_size=(3, 2), stride=2, kind="avg"), (2, 5, 6)
        ),
        numbers(
            "averages, stride 1 x 2", Pool(kernel_size=2, stride=(1, 2), kind="avg"), (2, 4, 6)
        ),
        numbers(
            "averages, padding 2",
            Pool(kernel_size=4, stride=3, padding=2, kind="avg"),
            (2, 5, 6),
        ),
    )
    one_of = "kind"

    def suspected(self, observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
        first = observations[0]
        faults = FAULTS[_layer(first.situation.at).kind]
        yield from (fault for fault in faults if fault.spoils(first.quantity))

    def right(self, observation: Observed) -> Prediction:
        return right_pool(observation)

    def windows(self, at: PlannedLayer) -> tuple[Windows, ...]:
        return _layer(at).windows()

    def sizes(self, at: PlannedLayer) -> dict[str, int]:
        sizes = super().sizes(at)
        area = {"kernel_area": math.prod(pair(_layer(at).kernel_size))}
        return {"positions": sizes.pop("positions")} | area | sizes

    def like(self, layer: Any) -> Sequence[Setting]:
        return [over_windows(layer, 3, layer.windows())]

    def decider(self, at: PlannedLayer) -> str:
        return "max pool" if self.selects(at) else ""

    def decisions(self, at: PlannedLayer, x: Exact) -> NDArray[Any]:
        """Return which cell of each window passes a maximum."""
        which: NDArray[np.intp] = windows(at, x.astype(np.float64), -np.inf).argmax(axis=-1)
        return which

    def near(self, at: PlannedLayer, x: Exact, slack: Exact) -> NDArray[np.bool]:
        return two_greatest_meet(at, x, slack)

    def selects(self, at: PlannedLayer) -> bool:
        return _layer(at).kind == "max"

    def forward(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        if not self.selects(at):
            return super().forward(at, weights, x, e)
        greatest: Exact = windows(at, e, 0.0).max(axis=-1)
        return greatest

    def backward(
        self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact, g: Exact, d: Exact
    ) -> tuple[Exact, Errors]:
        if not self.selects(at):
            return super().backward(at, weights, x, e, g, d)
        either = two_greatest_meet(at, x, 2 * e)  # x itself may be off
        size = np.abs(g) + d
        routed = weights.sums(at, x, np.where(either, 0.0, d))["grad_input"]
        carried = routed + sum_over_windows(at, np.where(either, size, 0.0))
        own = weights.own(self.roundings(at, len(x))["grad_input"], sum_over_windows(at, size))
        return carried + own, {}


def _layer(at: PlannedLayer) -> Pool:
    assert isinstance(at.layer, Pool)
    return at.layer
