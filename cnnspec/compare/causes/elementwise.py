"""The faults of relu and flatten, which move or mask numbers and compute next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import NamedTuple

import numpy as np

from cnnspec.compare.budget import Exact, unit_roundoff
from cnnspec.compare.causes.cause import Hypothesis, LayerSituation, Observation, Prediction
from cnnspec.trace import Array

Observed = Observation[LayerSituation]


class Rule(NamedTuple):
    """What a faulty activation makes of the input, or of the input and the upstream gradient."""

    code: str
    sentence: str
    compute: Callable[[Exact, Exact], Array]


OUTPUTS = [
    Rule(
        "not-applied",
        "the input is returned as it came: the function is never applied",
        lambda x, g: x,
    ),
    Rule(
        "upside-down",
        "the code takes min(x, 0); max(x, 0) is wanted",
        lambda x, g: np.minimum(x, 0),
    ),
    Rule("absolute-value", "the code takes |x|; max(x, 0) is wanted", lambda x, g: x * np.sign(x)),
    Rule(
        "clipped",
        "the output is cut off at 6, as by relu6; max(x, 0) is wanted",
        lambda x, g: np.clip(x, 0, 6),
    ),
    Rule(
        "clipped", "the output is cut off at 1; max(x, 0) is wanted", lambda x, g: np.clip(x, 0, 1)
    ),
    Rule(
        "step",
        "the output is the mask itself, 1 where x > 0; max(x, 0) is wanted",
        lambda x, g: (x > 0) * 1.0,
    ),
]

GRADIENTS = [
    Rule(
        "mask-missing",
        "the gradient of the output is returned as it came; only where x > 0 may it pass",
        lambda x, g: g,
    ),
    Rule(
        "derivative-1-at-0",
        "the gradient passes where x = 0: the mask is x >= 0, and x > 0 is wanted",
        lambda x, g: g * (x >= 0),
    ),
    Rule(
        "derivative-half-at-0",
        "half of the gradient passes where x = 0; the derivative there is 0",
        lambda x, g: g * ((x > 0) + 0.5 * (x == 0)),
    ),
    Rule(
        "divided-by-zero",
        "the gradient is not a number where x = 0: the code may divide max(x, 0) by x",
        lambda x, g: np.where(x == 0, np.nan, g * (x > 0)),
    ),
    Rule(
        "mask-of-gradient",
        "the gradient is masked by its own sign; the sign of x is wanted",
        lambda x, g: g * (g > 0),
    ),
    Rule(
        "guided",
        "negative gradients are masked as well: the relu is applied to the gradient, too",
        lambda x, g: g * ((x > 0) & (g > 0)),
    ),
    Rule(
        "upside-down",
        "the gradient passes where x < 0; it belongs where x > 0",
        lambda x, g: g * (x < 0),
    ),
    Rule(
        "upside-down",
        "the gradient passes where x <= 0; it belongs where x > 0",
        lambda x, g: g * (x <= 0),
    ),
    Rule(
        "absolute-value",
        "the gradient is that of |x|; that of max(x, 0) is wanted",
        lambda x, g: np.where(x < 0, -g, g * (x > 0)),
    ),
    Rule(
        "upstream-missing",
        "the derivative is returned alone: the upstream gradient is never used",
        lambda x, g: (x > 0) * 1.0,
    ),
    Rule(
        "multiplied-by-output",
        "the gradient is multiplied by the output; the derivative is wanted",
        lambda x, g: g * np.maximum(x, 0),
    ),
    Rule(
        "multiplied-by-input",
        "the gradient is multiplied by the input; the derivative is wanted",
        lambda x, g: g * x,
    ),
    Rule(
        "clipped",
        "the gradient is that of relu6: it does not pass where x > 6",
        lambda x, g: g * ((x > 0) & (x < 6)),
    ),
    Rule(
        "clipped",
        "the gradient passes only where 0 < x < 1; it belongs where x > 0",
        lambda x, g: g * ((x > 0) & (x < 1)),
    ),
]


def of_relu(observations: list[Observed]) -> Iterator[Hypothesis[LayerSituation]]:
    """Suppose each fault of a relu."""
    for rule in OUTPUTS if observations[0].quantity == "output" else GRADIENTS:
        yield Hypothesis(rule.code, rule.sentence, _predict(rule))
    yield from _leaky(observations)


def _predict(rule: Rule) -> Callable[[Observed], Prediction]:
    def predict(observation: Observed) -> Prediction:
        situation = observation.situation
        value = rule.compute(situation.x, situation.grad_output).astype(np.float64)
        return Prediction(value, 2 * unit_roundoff("float64") * np.abs(value))

    return predict


def _leaky(observations: list[Observed]) -> Iterator[Hypothesis[LayerSituation]]:
    """Suppose a slope below 0, the same everywhere, and take it from the first number there."""
    for at_zero in (0.0, 1.0, None):
        slope = _slope(observations)
        if slope is None or not np.isfinite(slope) or slope == 0:
            return
        sentence = f"what is below 0 is multiplied by {slope:.6g}, as by a leaky relu; 0 is wanted"
        if slope == 1:
            sentence = "what is below 0 passes as it is; 0 is wanted"
        yield Hypothesis(
            "leaky", sentence, _with_slope(slope, slope if at_zero is None else at_zero)
        )


def _slope(observations: list[Observed]) -> float | None:
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


def of_flatten(observations: list[Observed]) -> Iterator[Hypothesis[LayerSituation]]:
    """Suppose another order of the cells."""
    first = observations[0]
    shape = first.situation.at.input
    if len(shape) != 3:
        return
    names = ("channels", "height", "width")
    for order in list(permutations(range(3)))[1:]:
        words = ", ".join(names[axis] for axis in order)
        code = ORDERS.get(order, "other-order")
        sentence = f"the cells are laid out in the order {words}{REMARKS.get(order, '')}"
        yield Hypothesis(code, sentence, _ordered(order, inverse=False))
        if first.quantity == "grad_input":
            sentence = f"the cells are read in the order {words}{REMARKS.get(order, '')}"
            yield Hypothesis(code, sentence, _ordered(order, inverse=True))
    yield Hypothesis("images-mixed", "the images are interleaved", _interleaved)


ORDERS: dict[tuple[int, ...], str] = {
    (1, 2, 0): "channels-last",
    (2, 1, 0): "column-major",
    (0, 2, 1): "height-width-swapped",
}
REMARKS: dict[tuple[int, ...], str] = {
    (1, 2, 0): " (channels last)",
    (2, 1, 0): " (column-major, as in Fortran)",
    (0, 2, 1): " (height and width swapped)",
}


def _ordered(order: tuple[int, ...], *, inverse: bool) -> Callable[[Observed], Prediction]:
    """Lay the cells out in another order; or read cells laid out so."""

    def predict(observation: Observed) -> Prediction:
        situation = observation.situation
        shape = observation.wanted.shape
        images = (len(situation.x), *situation.at.input)
        axes = (0, *(1 + axis for axis in order))
        if observation.quantity == "output":
            moved = situation.x.transpose(axes)
        elif inverse:
            laid_out = tuple(images[axis] for axis in axes)
            moved = situation.grad_output.reshape(laid_out).transpose(np.argsort(axes))
        else:
            moved = situation.grad_output.reshape(images).transpose(axes)
        return Prediction(moved.reshape(shape), np.zeros(shape))

    return predict


def _interleaved(observation: Observed) -> Prediction:
    """Take the images to be the innermost axis."""
    n = len(observation.situation.x)
    given, shape = observation.situation.grad_output.reshape(-1, n).T, observation.wanted.shape
    if observation.quantity == "output":
        given = observation.wanted.T
    return Prediction(given.reshape(shape), np.zeros(shape))
