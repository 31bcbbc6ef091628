"""What the referee knows of a relu, which masks numbers and computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnspec.compare.carry import Errors, Weights
from cnnspec.compare.fault import Fault, LayerSituation, Observation, Prediction
from cnnspec.compare.kinds.layer import LayerKind, Setting
from cnnspec.numerics.budget import Exact, unit_roundoff
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import ReLU
from cnnspec.trace import Array

Observed = Observation[LayerSituation]


def _computed(compute: Callable[[Exact, Exact], Array]) -> Callable[[Observed], Prediction]:
    """Predict what is made of the input and of the upstream gradient."""

    def predict(observation: Observed) -> Prediction:
        situation = observation.situation
        value = compute(situation.x, situation.grad_output).astype(np.float64)
        return Prediction(value, 2 * unit_roundoff("float64") * np.abs(value))

    return predict


def _output(
    code: str, sentence: str, compute: Callable[[Exact, Exact], Array]
) -> Fault[LayerSituation]:
    return Fault(code, ("output",), sentence, _computed(compute))


def _gradient(
    code: str, sentence: str, compute: Callable[[Exact, Exact], Array]
) -> Fault[LayerSituation]:
    return Fault(code, ("grad_input",), sentence, _computed(compute))


_OUTPUTS = [
    _output(
        "not-applied",
        "the input is returned as it came: the function is never applied",
        lambda x, g: x,
    ),
    _output(
        "upside-down",
        "the code takes min(x, 0); max(x, 0) is wanted",
        lambda x, g: np.minimum(x, 0),
    ),
    _output(
        "absolute-value", "the code takes |x|; max(x, 0) is wanted", lambda x, g: x * np.sign(x)
    ),
    _output(
        "clipped",
        "the output is cut off at 6, as by relu6; max(x, 0) is wanted",
        lambda x, g: np.clip(x, 0, 6),
    ),
    _output(
        "clipped", "the output is cut off at 1; max(x, 0) is wanted", lambda x, g: np.clip(x, 0, 1)
    ),
    _output(
        "step",
        "the output is the mask itself, 1 where x > 0; max(x, 0) is wanted",
        lambda x, g: (x > 0) * 1.0,
    ),
]

_GRADIENTS = [
    _gradient(
        "mask-missing",
        "the gradient of the output is returned as it came; only where x > 0 may it pass",
        lambda x, g: g,
    ),
    _gradient(
        "derivative-1-at-0",
        "the gradient passes where x = 0: the mask is x >= 0, and x > 0 is wanted",
        lambda x, g: g * (x >= 0),
    ),
    _gradient(
        "derivative-half-at-0",
        "half of the gradient passes where x = 0; the derivative there is 0",
        lambda x, g: g * ((x > 0) + 0.5 * (x == 0)),
    ),
    _gradient(
        "divided-by-zero",
        "the gradient is not a number where x = 0: the code may divide max(x, 0) by x",
        lambda x, g: np.where(x == 0, np.nan, g * (x > 0)),
    ),
    _gradient(
        "mask-of-gradient",
        "the gradient is masked by its own sign; the sign of x is wanted",
        lambda x, g: g * (g > 0),
    ),
    _gradient(
        "guided",
        "negative gradients are masked as well: the relu is applied to the gradient, too",
        lambda x, g: g * ((x > 0) & (g > 0)),
    ),
    _gradient(
        "upside-down",
        "the gradient passes where x < 0; it belongs where x > 0",
        lambda x, g: g * (x < 0),
    ),
    _gradient(
        "upside-down",
        "the gradient passes where x <= 0; it belongs where x > 0",
        lambda x, g: g * (x <= 0),
    ),
    _gradient(
        "absolute-value",
        "the gradient is that of |x|; that of max(x, 0) is wanted",
        lambda x, g: np.where(x < 0, -g, g * (x > 0)),
    ),
    _gradient(
        "upstream-missing",
        "the derivative is returned alone: the upstream gradient is never used",
        lambda x, g: (x > 0) * 1.0,
    ),
    _gradient(
        "multiplied-by-output",
        "the gradient is multiplied by the output; the derivative is wanted",
        lambda x, g: g * np.maximum(x, 0),
    ),
    _gradient(
        "multiplied-by-input",
        "the gradient is multiplied by the input; the derivative is wanted",
        lambda x, g: g * x,
    ),
    _gradient(
        "clipped",
        "the gradient is that of relu6: it does not pass where x > 6",
        lambda x, g: g * ((x > 0) & (x < 6)),
    ),
    _gradient(
        "clipped",
        "the gradient passes only where 0 < x < 1; it belongs where x > 0",
        lambda x, g: g * ((x > 0) & (x < 1)),
    ),
]


def _leaky(observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose a slope below 0, the same everywhere, and take it from the first number there."""
    for at_zero in (0.0, 1.0, None):
        slope = _slope(observations)
        if slope is None or not np.isfinite(slope) or slope == 0:
            return
        sentence = f"what is below 0 is multiplied by {slope:.6g}, as by a leaky relu; 0 is wanted"
        if slope == 1:
            sentence = "what is below 0 passes as it is; 0 is wanted"
        yield Fault(
            "leaky", (), sentence, _with_slope(slope, slope if at_zero is None else at_zero)
        )


def _slope(observations: Sequence[Observed]) -> float | None:
    slopes = []
    for observation in observations:
        source = _source(observation)
        if observation.found.shape != source.shape:
            return None
        below = (observation.situation.x < 0) & (source != 0)
        slopes.extend((observation.found[below] / source[below]).ravel()[:100])
    return float(np.median(slopes)) if len(slopes) > 1 else None


def _source(observation: Observed) -> Exact:
    situation = observation.situation
    return situation.x if observation.quantity == "output" else situation.grad_output


def _with_slope(slope: float, at_zero: float) -> Callable[[Observed], Prediction]:
    def predict(observation: Observed) -> Prediction:
        source, x = _source(observation), observation.situation.x
        value = source * np.where(x > 0, 1, np.where(x < 0, slope, at_zero))
        # The slope comes from a quotient of two rounded numbers, and meets another product.
        return Prediction(value, 8 * unit_roundoff("float64") * np.abs(value))

    return predict


HELP = {
    "derivative-1-at-0": "use `x > 0` for the mask, not `x >= 0`",
    "derivative-half-at-0": "use `x > 0` for the mask",
    "mask-of-gradient": "make the mask of the input, not of the gradient",
}


class ReLUKind(LayerKind):
    """max(x, 0): no slope is steeper than 1, and there is none far below 0."""

    faults = (*_OUTPUTS, *_GRADIENTS)
    help = HELP
    settings = (Setting("images", ReLU(), (2, 4, 5)), Setting("features", ReLU(), (6,)))

    def suspected(self, observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
        yield from super().suspected(observations)
        yield from _leaky(observations)

    def decisions(self, at: PlannedLayer, x: Exact) -> NDArray[Any]:
        """Return which numbers pass."""
        return x > 0

    def near(self, at: PlannedLayer, x: Exact, slack: Exact) -> NDArray[np.bool]:
        near: NDArray[np.bool] = np.abs(x) < slack
        return near

    def selects(self, at: PlannedLayer) -> bool:
        return True

    def forward(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        return np.where(x > -2 * e, e, 0.0)

    def backward(
        self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact, g: Exact, d: Exact
    ) -> tuple[Exact, Errors]:
        either = (np.abs(x) <= 2 * e) & (e > 0)  # x itself may be off
        return np.where(either, np.abs(g) + d, np.where(x > 0, d, 0.0)), {}
