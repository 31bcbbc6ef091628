"""What the referee knows of pooling over whole images. Arrays are (n, c, cells)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation
from cnnspec.compare.kinds.formula import FormulaKind, layer_formula
from cnnspec.compare.kinds.layer import Setting, numbers
from cnnspec.numerics import Arithmetic, Ball, Exact, maximum, where
from cnnspec.numerics.formula import Computation, Step, Steps
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import GlobalPool


def _given(situation: LayerSituation, arithmetic: Arithmetic) -> dict[str, Any]:
    shape = (*situation.x.shape[:2], -1)
    return {
        "x": arithmetic.ball(situation.x.reshape(shape)),
        "grad_output": arithmetic.ball(situation.grad_output.reshape(shape)),
        "size": situation.at.input[1:],
        "is_average": _options(situation.at).kind == "avg",
    }


def _options(at: PlannedLayer) -> GlobalPool:
    assert isinstance(at.layer, GlobalPool)
    return at.layer


def _may_be_greatest(x: Ball) -> NDArray[np.bool]:
    """Tell of which cells rounding may say that they are the greatest of their channel."""
    least = (x.value - 2 * x.radius).max(2, keepdims=True)
    found: NDArray[np.bool] = x.value + 2 * x.radius >= least
    found &= x.radius.max(2, keepdims=True) > 0
    return found


def _to_greatest(at: Computation) -> Ball:
    """Return the gradient at the first maximum of each channel."""
    several = _may_be_greatest(at.x) & (_may_be_greatest(at.x).sum(2, keepdims=True) > 1)
    routed = _at_cell(at, at.x.value.argmax(2, keepdims=True))
    either = np.abs(at.spread.value) + 2 * at.spread.radius
    return Ball(routed.value, np.where(several, either, routed.radius), at.arithmetic)


def _at_cell(at: Computation, cell: NDArray[np.intp]) -> Ball:
    """Return the gradient at one cell of each channel."""
    return where(np.arange(at.count) == cell, at.spread, at.nothing)


STEPS: Steps = {
    "count": lambda at: at.x.shape[2],
    "spread": lambda at: at.grad_output.moved(lambda g: np.broadcast_to(g, at.x.shape)),
    "nothing": lambda at: at.arithmetic.ball(np.zeros(at.x.shape)),
    "average": lambda at: at.x.sum(2) / at.count,
    "greatest": lambda at: at.x.max(2),
    "output": lambda at: at.average if at.is_average else at.greatest,
    "shared": lambda at: at.spread / at.count,
    "to_greatest": _to_greatest,
    "grad_input": lambda at: at.shared if at.is_average else at.to_greatest,
}
FORMULA = layer_formula(STEPS, _given)


def _output(code: str, sentence: str, step: Step) -> Fault[LayerSituation]:
    return FORMULA.spoiling("output")(code, sentence, {"output": step})


def _gradient(code: str, sentence: str, step: Step) -> Fault[LayerSituation]:
    return FORMULA.spoiling("grad_input")(code, sentence, {"grad_input": step})


def _zero(at: Computation) -> Ball:
    shape = at.grad_output.shape
    return Ball(np.zeros(shape), np.zeros(shape), at.arithmetic)


def _maxima(at: Computation) -> NDArray[np.bool]:
    """Tell which cells equal the maximum of their channel."""
    found: NDArray[np.bool] = at.x.value == at.x.value.max(2, keepdims=True)
    return found


def _last_maximum(at: Computation) -> NDArray[np.intp]:
    found: NDArray[np.intp] = at.count - 1 - at.x.value[:, :, ::-1].argmax(2, keepdims=True)
    return found


def _first_by_column(at: Computation) -> NDArray[np.intp]:
    order = np.arange(at.count).reshape(at.size).T.ravel()
    found: NDArray[np.intp] = order[at.x.value[:, :, order].argmax(2, keepdims=True)]
    return found


_OF_MAX = (
    _output(
        "average-for-max",
        "the code takes the average of each channel; the greatest cell is wanted",
        lambda at: at.average,
    ),
    _output(
        "sum-for-max",
        "the code takes the sum of each channel; the greatest cell is wanted",
        lambda at: at.x.sum(2),
    ),
    _output(
        "min-for-max",
        "the code takes the least cell of each channel; the greatest is wanted",
        lambda at: -(-at.x).max(2),
    ),
    _output(
        "largest-magnitude",
        "the code takes the greatest magnitude of each channel; the greatest number is wanted",
        lambda at: at.x.abs().max(2),
    ),
    _output(
        "starts-from-zero",
        "the search for the maximum starts from 0: a channel whose cells are all below 0 gives 0",
        lambda at: maximum(at.greatest, _zero(at)),
    ),
    _output(
        "channels-together",
        "the maximum is that of all channels; each channel has its own",
        lambda at: at.x.max((1, 2)) + _zero(at),
    ),
    _gradient(
        "ties-to-all",
        "the gradient of each channel goes to every cell that equals the maximum; only the first "
        "may take it",
        lambda at: where(_maxima(at), at.spread, at.nothing),
    ),
    _gradient(
        "ties-to-last",
        "of equal maxima, the last one takes the gradient; only the first may take it",
        lambda at: _at_cell(at, _last_maximum(at)),
    ),
    _gradient(
        "ties-shared",
        "equal maxima share the gradient; only the first may take it",
        lambda at: where(
            _maxima(at),
            at.spread / _maxima(at).sum(2, keepdims=True).astype(float),
            at.nothing,
        ),
    ),
    _gradient(
        "ties-to-first-by-column",
        "of equal maxima, the first one column by column takes the gradient; row by row is wanted",
        lambda at: _at_cell(at, _first_by_column(at)),
    ),
    _gradient(
        "average-for-max",
        "the gradient is shared out to all cells, as that of an average; only the maximum may "
        "take it",
        lambda at: at.shared,
    ),
    _gradient(
        "whole-to-all",
        "every cell takes the whole gradient; only the maximum may take it",
        lambda at: at.spread,
    ),
)

_OF_AVERAGE = (
    _output(
        "max-for-average",
        "the code takes the greatest cell of each channel; the average is wanted",
        lambda at: at.greatest,
    ),
    _output(
        "divided-by-side",
        "the sum of each channel is divided by the height alone",
        lambda at: at.x.sum(2) / at.size[0],
    ),
    _output(
        "divided-by-side",
        "the sum of each channel is divided by the width alone",
        lambda at: at.x.sum(2) / at.size[1],
    ),
    _output(
        "channels-together",
        "the average is that of all channels; each channel has its own",
        lambda at: at.x.mean((1, 2)) + _zero(at),
    ),
    _output(
        "images-together",
        "the average is that of all images; each image has its own",
        lambda at: at.x.mean((0, 2)) + _zero(at),
    ),
    _gradient(
        "max-for-average",
        "the maximum takes the gradient; all cells should share it",
        lambda at: at.to_greatest,
    ),
    _gradient(
        "divided-by-side",
        "the gradient is divided by the height alone",
        lambda at: at.spread / at.size[0],
    ),
    _gradient(
        "divided-by-side",
        "the gradient is divided by the width alone",
        lambda at: at.spread / at.size[1],
    ),
)

_OF_BOTH = (
    _output(
        "one-cell",
        "the code takes the first cell of each channel; all cells count",
        lambda at: at.x.moved(lambda x: x[:, :, :1]),
    ),
    _gradient(
        "one-cell",
        "the first cell of each channel takes the gradient",
        lambda at: _at_cell(at, np.zeros((1, 1, 1), np.intp)),
    ),
    _gradient(
        "upstream-missing",
        "the derivative is returned alone: the upstream gradient is never used",
        lambda at: _derivative(at),
    ),
)


def _derivative(at: Computation) -> Ball:
    one: Ball = 1 + at.nothing
    count: int = at.count
    if at.is_average:
        return one / count
    return where(np.arange(count) == at.x.value.argmax(2, keepdims=True), one, at.nothing)


HELP = {
    "average-for-max": "take the greatest cell of each channel, and send the gradient there",
    "sum-for-max": "take the greatest cell of each channel",
    "min-for-max": "take the greatest cell of each channel",
    "largest-magnitude": "compare the numbers themselves, not their magnitudes",
    "starts-from-zero": "start the search for the maximum from the first cell",
    "channels-together": "reduce the last two axes of (n, c, h, w) alone",
    "images-together": "reduce the last two axes of (n, c, h, w) alone",
    "ties-to-all": "send the gradient to the first maximum alone, as `argmax` finds it",
    "ties-to-last": "compare with `>`, not with `>=`: then the first of equal maxima stays",
    "ties-shared": "send the whole gradient to the first maximum, as `argmax` finds it",
    "ties-to-first-by-column": "search each channel row by row, as `argmax` does",
    "whole-to-all": "send the gradient to the maximum alone, as `argmax` finds it",
    "max-for-average": "take the average of each channel, and share the gradient out to all cells",
    "divided-by-side": "divide by all cells of the channel: height times width",
    "one-cell": "let all cells of the channel count",
}


class GlobalPoolKind(FormulaKind):
    """The average of each channel, or its greatest cell."""

    formula = FORMULA
    faults = (*_OF_MAX, *_OF_AVERAGE, *_OF_BOTH)
    help = HELP
    shown = {"spread": "the upstream gradient of the channel"}  # noqa: RUF012
    settings = (
        Setting("average", GlobalPool(), (3, 4, 5)),
        numbers("average, one row of one channel", GlobalPool(), (1, 1, 4)),
        Setting("maximum", GlobalPool(kind="max"), (12, 2, 3)),
        numbers("maximum, one row of one channel", GlobalPool(kind="max"), (1, 1, 4)),
    )
    one_of = "kind"

    def suspected(
        self, observations: Sequence[Observation[LayerSituation]]
    ) -> Iterator[Fault[LayerSituation]]:
        others = _OF_AVERAGE if self.selects(observations[0].situation.at) else _OF_MAX
        yield from (fault for fault in super().suspected(observations) if fault not in others)

    def sizes(self, at: PlannedLayer) -> dict[str, int]:
        return {"cells": math.prod(at.input[1:]), "channels": at.input[0]}

    def selects(self, at: PlannedLayer) -> bool:
        return _options(at).kind == "max"

    def decider(self, at: PlannedLayer) -> str:
        return "global max pool" if self.selects(at) else ""

    def decisions(self, at: PlannedLayer, x: Exact) -> NDArray[Any]:
        """Return which cell of each channel passes a maximum."""
        found: NDArray[np.intp] = x.reshape(*x.shape[:2], -1).argmax(2)
        return found

    def near(self, at: PlannedLayer, x: Exact, slack: Exact) -> NDArray[np.bool]:
        """Tell for each channel whether another cell may be the greatest."""
        shape = (*x.shape[:2], -1)
        cells = Arithmetic().ball(x.reshape(shape), slack.reshape(shape) / 2)
        found: NDArray[np.bool] = _may_be_greatest(cells).sum(2) > 1
        return found
