"""What the referee knows of a relu that leaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation
from cnnspec.compare.kinds.formula import FormulaKind, layer_formula
from cnnspec.compare.kinds.layer import Setting, numbers
from cnnspec.compare.kinds.slopes import slopes_below_0
from cnnspec.numerics import decided, maximum, where
from cnnspec.numerics.formula import Step, Steps
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import LeakyReLU

Observed = Observation[LayerSituation]

STEPS: Steps = {
    "slope": lambda at: at.arithmetic.rounded(at.layer.negative_slope),
    "zero": lambda at: at.arithmetic.ball(np.zeros(at.x.shape)),
    "output": lambda at: decided(at.x, at.x, at.slope * at.x),
    "grad_input": lambda at: decided(at.x, at.grad_output, at.slope * at.grad_output),
}
LEAKY = layer_formula(STEPS)


def _output(code: str, sentence: str, step: Step) -> Fault[LayerSituation]:
    return LEAKY.spoiling("output")(code, sentence, {"output": step})


def _gradient(code: str, sentence: str, step: Step) -> Fault[LayerSituation]:
    return LEAKY.spoiling("grad_input")(code, sentence, {"grad_input": step})


FAULTS = (
    _output(
        "not-applied",
        "the input is returned as it came: the function is never applied",
        lambda at: at.x,
    ),
    _output(
        "slope-missing",
        "what is below 0 becomes 0, as by a relu; it is to be multiplied by the slope",
        lambda at: maximum(at.x, at.zero),
    ),
    _output(
        "slope-negative",
        "what is below 0 is multiplied by the slope with the wrong sign",
        lambda at: decided(at.x, at.x, -at.slope * at.x),
    ),
    _output(
        "upside-down",
        "the slope is for what is above 0; it is wanted below",
        lambda at: decided(at.x, at.slope * at.x, at.x),
    ),
    _output(
        "slope-everywhere",
        "all numbers are multiplied by the slope; only those below 0 may be multiplied by it",
        lambda at: at.slope * at.x,
    ),
    _output(
        "added",
        "slope * x is added to max(x, 0) everywhere; above 0, x is wanted",
        lambda at: maximum(at.x, at.zero) + at.slope * at.x,
    ),
    _output(
        "slope-alone",
        "what is below 0 becomes the slope itself; it is to be multiplied by it",
        lambda at: decided(at.x, at.x, at.slope + at.zero),
    ),
    _output(
        "slope-alone",
        "the code takes the greater of x and the slope; that of x and slope * x is wanted",
        lambda at: maximum(at.x, at.slope + at.zero),
    ),
    _gradient(
        "mask-missing",
        "the gradient of the output is returned as it came; where x <= 0, it is to be multiplied "
        "by the slope",
        lambda at: at.grad_output,
    ),
    _gradient(
        "slope-missing",
        "the gradient is 0 where x <= 0, as that of a relu; it is to be multiplied by the slope",
        lambda at: decided(at.x, at.grad_output, at.zero),
    ),
    _gradient(
        "slope-negative",
        "where x <= 0, the gradient is multiplied by the slope with the wrong sign",
        lambda at: decided(at.x, at.grad_output, -at.slope * at.grad_output),
    ),
    _gradient(
        "derivative-at-0",
        "the gradient passes whole where x = 0; the derivative there is the slope",
        lambda at: where(at.x.value == 0, at.grad_output, at.right.grad_input),
    ),
    _gradient(
        "derivative-at-0",
        "the gradient is 0 where x = 0; the derivative there is the slope",
        lambda at: where(at.x.value == 0, at.zero, at.right.grad_input),
    ),
    _gradient(
        "upside-down",
        "the slope is for where x > 0; it is wanted elsewhere",
        lambda at: decided(at.x, at.slope * at.grad_output, at.grad_output),
    ),
    _gradient(
        "slope-everywhere",
        "the gradient is multiplied by the slope everywhere; where x > 0, it should pass whole",
        lambda at: at.slope * at.grad_output,
    ),
    _gradient(
        "slope-alone",
        "the gradient is the slope itself where x <= 0; it is to be multiplied by it",
        lambda at: decided(at.x, at.grad_output, at.slope + at.zero),
    ),
    _gradient(
        "slope-alone",
        "where x < 0, the gradient is the slope itself; where x <= 0, it is to be multiplied by "
        "the slope",
        lambda at: where(at.x.value < 0, at.slope + at.zero, at.grad_output),
    ),
    _gradient(
        "mask-of-gradient",
        "the gradient is multiplied by the slope where it is below 0 itself; the sign of x is "
        "wanted",
        lambda at: decided(at.grad_output, at.grad_output, at.slope * at.grad_output),
    ),
    _gradient(
        "upstream-missing",
        "the derivative is returned alone: the upstream gradient is never used",
        lambda at: decided(at.x, 1 + at.zero, at.slope + at.zero),
    ),
    _gradient(
        "upstream-missing",
        "the derivative is returned alone, and as 1 where x = 0: the upstream gradient is never "
        "used",
        lambda at: where(at.x.value < 0, at.slope + at.zero, 1 + at.zero),
    ),
    _gradient(
        "upstream-missing",
        "the derivative is returned alone, and as 0 where x = 0: the upstream gradient is never "
        "used",
        lambda at: where(at.x.value == 0, at.zero, decided(at.x, 1 + at.zero, at.slope + at.zero)),
    ),
    _gradient(
        "multiplied-by-output",
        "the gradient is multiplied by the output; the derivative is wanted",
        lambda at: at.grad_output * at.output,
    ),
    _gradient(
        "multiplied-by-input",
        "the gradient is multiplied by the input; the derivative is wanted",
        lambda at: at.grad_output * at.x,
    ),
)


def _other_slope(observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose another slope below 0."""
    wanted = _options(observations[0].situation.at).negative_slope
    for slope, change in slopes_below_0(observations):
        if f"{slope:.6g}" == f"{wanted:.6g}":
            return
        sentence = f"what is below 0 is multiplied by {slope:.6g}; {wanted:.6g} is wanted"
        yield Fault("other-slope", (), sentence, change)


def _options(at: PlannedLayer) -> LeakyReLU:
    assert isinstance(at.layer, LeakyReLU)
    return at.layer


HELP = {
    "not-applied": "multiply what is below 0 by the slope",
    "slope-missing": "where x <= 0, multiply by the slope",
    "slope-negative": "multiply by the slope as it is given",
    "upside-down": "multiply by the slope where x <= 0, not where x > 0",
    "slope-everywhere": "multiply by the slope only where x <= 0",
    "added": "take x where x > 0, and slope * x elsewhere",
    "slope-alone": "where x <= 0, multiply by the slope",
    "mask-missing": "where x <= 0, multiply the upstream gradient by the slope",
    "multiplied-by-output": "multiply the upstream gradient by 1 where x > 0, else by the slope",
    "multiplied-by-input": "multiply the upstream gradient by 1 where x > 0, else by the slope",
    "derivative-at-0": "use `x > 0` for the mask, and the slope wherever it is false",
    "mask-of-gradient": "make the mask of the input, not of the gradient",
    "other-slope": "use the slope that is given",
}


class LeakyReLUKind(FormulaKind):
    """x above 0, slope * x elsewhere."""

    formula = LEAKY
    faults = FAULTS
    help = HELP
    shown = {"slope": "`negative_slope`, as it is in this precision"}  # noqa: RUF012
    bends = (0.0,)
    settings = (
        Setting("images", LeakyReLU(), (2, 4, 5)),
        Setting("features", LeakyReLU(), (6,)),
        numbers("slope 0.2", LeakyReLU(negative_slope=0.2), (2, 4, 5)),
        numbers("large numbers", LeakyReLU(), (6,), spread=1e4),
    )

    def suspected(self, observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
        yield from super().suspected(observations)
        yield from _other_slope(observations)

    def decider(self, at: PlannedLayer) -> str:
        """Return its name; with a slope of 1 there is nothing to decide."""
        return "" if _options(at).negative_slope == 1 else "leaky relu"
