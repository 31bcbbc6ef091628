"""What the referee knows of a relu, which masks numbers and computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation
from cnnspec.compare.kinds.formula import FormulaKind, layer_formula
from cnnspec.compare.kinds.layer import Setting, numbers
from cnnspec.compare.kinds.slopes import slopes_below_0
from cnnspec.numerics import Ball, Exact, decided, maximum, where
from cnnspec.numerics.formula import Computation, Step, Steps
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import ReLU

Observed = Observation[LayerSituation]

STEPS: Steps = {
    "zero": lambda at: at.arithmetic.ball(np.zeros(at.x.shape)),
    "one": lambda at: at.arithmetic.ball(np.ones(at.x.shape)),
    "output": lambda at: maximum(at.x, at.zero),
    "grad_input": lambda at: decided(at.x, at.grad_output, at.zero),
}
RELU = layer_formula(STEPS)


def _output(code: str, sentence: str, step: Step) -> Fault[LayerSituation]:
    return RELU.spoiling("output")(code, sentence, {"output": step})


def _gradient(
    code: str, sentence: str, step: Step, *, overflows: bool = False
) -> Fault[LayerSituation]:
    spoiling = RELU.spoiling("grad_input", overflows=overflows)
    return spoiling(code, sentence, {"grad_input": step})


def _where(condition: Callable[[Exact, Exact], np.ndarray]) -> Step:
    """Return the gradient where the input, or the gradient itself, fulfils a condition."""

    def step(at: Computation) -> Ball:
        return where(condition(at.x.value, at.grad_output.value), at.grad_output, at.zero)

    return step


FAULTS = (
    _output(
        "not-applied",
        "the input is returned as it came: the function is never applied",
        lambda at: at.x,
    ),
    _output(
        "upside-down",
        "the code takes min(x, 0); max(x, 0) is wanted",
        lambda at: -maximum(-at.x, at.zero),
    ),
    _output("absolute-value", "the code takes |x|; max(x, 0) is wanted", lambda at: at.x.abs()),
    _output(
        "clipped",
        "the output is cut off at 6, as by relu6; max(x, 0) is wanted",
        lambda at: at.x.clip(0, 6),
    ),
    _output(
        "clipped", "the output is cut off at 1; max(x, 0) is wanted", lambda at: at.x.clip(0, 1)
    ),
    _output(
        "step",
        "the output is the mask itself, 1 where x > 0; max(x, 0) is wanted",
        lambda at: decided(at.x, at.one, at.zero),
    ),
    _gradient(
        "upstream-missing",
        "the derivative is returned alone, and as 1 where x = 0: the upstream gradient is never "
        "used",
        lambda at: where(at.x.value >= 0, at.one, at.zero),
    ),
    _gradient(
        "upstream-missing",
        "1 takes the place of the gradient where x > 0, and the gradient passes elsewhere; it is "
        "to pass where x > 0 alone",
        lambda at: decided(at.x, at.one, at.grad_output),
    ),
    _gradient(
        "mask-missing",
        "the gradient of the output is returned as it came; only where x > 0 may it pass",
        lambda at: at.grad_output,
    ),
    _gradient(
        "derivative-1-at-0",
        "the gradient passes where x = 0: the mask is x >= 0, and x > 0 is wanted",
        _where(lambda x, g: x >= 0),
    ),
    _gradient(
        "derivative-half-at-0",
        "half of the gradient passes where x = 0; the derivative there is 0",
        lambda at: where(at.x.value == 0, 0.5 * at.grad_output, at.right.grad_input),
    ),
    _gradient(
        "divided-by-zero",
        "the gradient is not a number where x = 0: the code may divide max(x, 0) by x",
        lambda at: where(at.x.value == 0, at.zero / at.zero, at.right.grad_input),
        overflows=True,
    ),
    _gradient(
        "mask-of-gradient",
        "the gradient is masked by its own sign; the sign of x is wanted",
        _where(lambda x, g: g > 0),
    ),
    _gradient(
        "guided",
        "negative gradients are masked as well: the relu is applied to the gradient, too",
        _where(lambda x, g: (x > 0) & (g > 0)),
    ),
    _gradient(
        "upside-down",
        "the gradient passes where x < 0; it belongs where x > 0",
        _where(lambda x, g: x < 0),
    ),
    _gradient(
        "upside-down",
        "the gradient passes where x <= 0; it belongs where x > 0",
        _where(lambda x, g: x <= 0),
    ),
    _gradient(
        "absolute-value",
        "the gradient is that of |x|; that of max(x, 0) is wanted",
        lambda at: at.grad_output * at.x.sign(),
    ),
    _gradient(
        "upstream-missing",
        "the derivative is returned alone: the upstream gradient is never used",
        lambda at: decided(at.x, at.one, at.zero),
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
    _gradient(
        "clipped",
        "the gradient is that of relu6: it does not pass where x > 6",
        _where(lambda x, g: (x > 0) & (x < 6)),
    ),
    _gradient(
        "clipped",
        "the gradient passes only where 0 < x < 1; it belongs where x > 0",
        _where(lambda x, g: (x > 0) & (x < 1)),
    ),
)


def _leaky(observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose a slope below 0."""
    for slope, change in slopes_below_0(observations):
        if slope == 0:
            return
        sentence = f"what is below 0 is multiplied by {slope:.6g}, as by a leaky relu; 0 is wanted"
        if slope == 1:
            sentence = "what is below 0 passes as it is; 0 is wanted"
        yield Fault("leaky", (), sentence, change)


HELP = {
    "derivative-1-at-0": "use `x > 0` for the mask, not `x >= 0`",
    "derivative-half-at-0": "use `x > 0` for the mask",
    "mask-of-gradient": "make the mask of the input, not of the gradient",
    "not-applied": "return max(x, 0)",
    "absolute-value": "use max(x, 0), and `x > 0` for the mask",
    "clipped": "put no bound above: max(x, 0)",
    "step": "multiply x by the mask, or take max(x, 0)",
    "upside-down": "use max(x, 0), and `x > 0` for the mask",
    "mask-missing": "multiply the upstream gradient by the mask `x > 0`",
    "divided-by-zero": "make a mask of `x > 0`; divide by nothing",
    "guided": "mask by the sign of x alone",
    "multiplied-by-output": "multiply the upstream gradient by the mask `x > 0`",
    "multiplied-by-input": "multiply the upstream gradient by the mask `x > 0`",
    "leaky": "use 0 for the slope below 0",
}


class ReLUKind(FormulaKind):
    """max(x, 0)."""

    formula = RELU
    faults = FAULTS
    help = HELP
    bends = (0.0,)
    settings = (
        Setting("images", ReLU(), (2, 4, 5)),
        Setting("features", ReLU(), (6,)),
        numbers("large numbers", ReLU(), (6,), spread=1e4),
    )

    def suspected(self, observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
        yield from super().suspected(observations)
        yield from _leaky(observations)

    def selects(self, at: PlannedLayer) -> bool:
        return True

    def decider(self, at: PlannedLayer) -> str:
        return "relu"
