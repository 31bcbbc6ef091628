"""What the referee knows of a sigmoid."""

from __future__ import annotations

from collections.abc import Callable

from cnnspec.compare.faults.fault import Fault, LayerSituation
from cnnspec.compare.kinds.formula import FormulaKind, layer_formula, ones
from cnnspec.compare.kinds.layer import Setting
from cnnspec.numerics import Ball, either, where
from cnnspec.numerics.formula import Computation, Steps
from cnnspec.spec.layers import Sigmoid

SLOPES: list[Callable[[Ball], Ball]] = [lambda y: y * (1 - y), lambda y: y - y * y]
"""How people take the derivative from the output."""

STEPS: Steps = {
    "y": lambda at: at.x.sigmoid(),
    "derivative": lambda at: either(SLOPES, at.y),
    "output": lambda at: at.y,
    "grad_input": lambda at: at.grad_output * at.derivative,
}
FORMULA = layer_formula(STEPS)


_output = FORMULA.replacing("output", "output")
_derivative = FORMULA.replacing("derivative", "grad_input")
_gradient = FORMULA.replacing("grad_input", "grad_input")


def _overflow(quantity: str, sentence: str, steps: Steps) -> Fault[LayerSituation]:
    return FORMULA.spoiling(quantity, overflows=True)("overflow", sentence, steps)


def _by_quotient(at: Computation) -> Ball:
    e = at.x.exp()
    found: Ball = e / (1 + e)
    return found


OVERFLOWS = "exp overflows where |x| is large, and the quotient is not a number there"

FAULTS = (
    _output(
        "not-applied",
        "the input is returned as it came: the function is never applied",
        lambda at: at.x,
    ),
    _output(
        "sign-of-x",
        "the code takes 1 / (1 + exp(x)); 1 / (1 + exp(-x)) is wanted",
        lambda at: (-at.x).sigmoid(),
    ),
    _output(
        "not-inverted",
        "the code takes 1 + exp(-x); 1 over that is wanted",
        lambda at: 1 + (-at.x).exp(),
    ),
    _output(
        "one-missing",
        "the code takes 1 / exp(-x); 1 / (1 + exp(-x)) is wanted",
        lambda at: at.x.exp(),
    ),
    _output(
        "one-subtracted",
        "the code takes 1 / (1 - exp(-x)); 1 / (1 + exp(-x)) is wanted",
        lambda at: 1 / (1 - (-at.x).exp()),
    ),
    _output(
        "by-tanh",
        "the code takes tanh(x); 1 / (1 + exp(-x)) is wanted",
        lambda at: at.x.tanh(),
    ),
    _output(
        "half-missing",
        "the code takes (1 + tanh(x)) / 2, which is the sigmoid of 2 * x; the tanh of x / 2 is "
        "wanted",
        lambda at: (2 * at.x).sigmoid(),
    ),
    _output(
        "piecewise",
        "the code takes x / 6 + 1/2 between 0 and 1, as by a hard sigmoid",
        lambda at: (at.x / 6 + 0.5).clip(0, 1),
    ),
    _output(
        "piecewise",
        "the code takes 0.2 * x + 0.5 between 0 and 1, as by a hard sigmoid",
        lambda at: (0.2 * at.x + 0.5).clip(0, 1),
    ),
    _output(
        "log-of-it",
        "the code takes the logarithm of the sigmoid",
        lambda at: at.y.log(),
    ),
    _output(
        "derivative-for-value",
        "the output is the derivative y * (1 - y); y itself is wanted",
        lambda at: at.derivative,
    ),
    _overflow("output", OVERFLOWS, {"output": _by_quotient}),
    _derivative(
        "derivative-missing",
        "the gradient of the output is returned as it came; it is to be multiplied by the "
        "derivative",
        ones,
    ),
    _derivative(
        "derivative-at-input",
        "the derivative is taken to be x * (1 - x); y * (1 - y) is wanted, y being the output",
        lambda at: at.x * (1 - at.x),
    ),
    _derivative(
        "derivative-at-output",
        "the sigmoid is applied to the output once more: the derivative is taken at y; x, or "
        "y * (1 - y), is wanted",
        lambda at: at.y.sigmoid() * (1 - at.y.sigmoid()),
    ),
    _derivative(
        "factor-missing",
        "the derivative is taken to be 1 - y; y * (1 - y) is wanted",
        lambda at: 1 - at.y,
    ),
    _derivative(
        "multiplied-by-output",
        "the gradient is multiplied by the output; y * (1 - y) is wanted",
        lambda at: at.y,
    ),
    _derivative(
        "of-a-tanh",
        "the derivative is taken to be 1 - y^2, as of a tanh; y * (1 - y) is wanted",
        lambda at: 1 - at.y * at.y,
    ),
    _derivative(
        "square-for-product",
        "the derivative is taken to be (1 - y)^2; y * (1 - y) is wanted",
        lambda at: (1 - at.y) * (1 - at.y),
    ),
    _derivative(
        "added",
        "the derivative is taken to be y * (1 + y); y * (1 - y) is wanted",
        lambda at: at.y * (1 + at.y),
    ),
    _derivative(
        "of-a-relu",
        "the gradient passes where x > 0, as that of a relu",
        lambda at: where(at.x.value > 0, ones(at), 0 * ones(at)),
    ),
    _gradient(
        "upstream-missing",
        "the derivative is returned alone: the upstream gradient is never used",
        lambda at: at.derivative,
    ),
    _gradient(
        "derivative-of-gradient",
        "the derivative is taken of the upstream gradient: g * (1 - g)",
        lambda at: at.grad_output * (1 - at.grad_output),
    ),
    _gradient(
        "derivative-of-gradient",
        "the derivative is taken at the upstream gradient, not at x",
        lambda at: at.grad_output.sigmoid() * (1 - at.grad_output.sigmoid()),
    ),
    _overflow("grad_input", OVERFLOWS, {"y": _by_quotient}),
    _overflow(
        "grad_input",
        "exp(-x) / (1 + exp(-x))^2 is not a number where exp overflows",
        {"derivative": lambda at: (-at.x).exp() / ((1 + (-at.x).exp()) * (1 + (-at.x).exp()))},
    ),
)

HELP = {
    "not-applied": "return 1 / (1 + exp(-x))",
    "sign-of-x": "write exp(-x)",
    "not-inverted": "return 1 / (1 + exp(-x))",
    "one-missing": "return 1 / (1 + exp(-x))",
    "one-subtracted": "return 1 / (1 + exp(-x))",
    "by-tanh": "return 1 / (1 + exp(-x))",
    "half-missing": "write (1 + tanh(x / 2)) / 2",
    "piecewise": "return 1 / (1 + exp(-x))",
    "log-of-it": "return 1 / (1 + exp(-x)) itself",
    "derivative-for-value": "return y, and keep it for the backward pass",
    "overflow": "write 1 / (1 + exp(-x)), which comes to 0 where exp overflows, and y * (1 - y)",
    "derivative-missing": "multiply the upstream gradient by y * (1 - y)",
    "derivative-at-input": "keep the output y, and multiply the upstream gradient by y * (1 - y)",
    "derivative-at-output": "keep the output y, and multiply the upstream gradient by y * (1 - y)",
    "factor-missing": "multiply the upstream gradient by y * (1 - y)",
    "multiplied-by-output": "multiply the upstream gradient by y * (1 - y)",
    "of-a-tanh": "multiply the upstream gradient by y * (1 - y)",
    "square-for-product": "multiply the upstream gradient by y * (1 - y)",
    "added": "multiply the upstream gradient by y * (1 - y)",
    "of-a-relu": "multiply the upstream gradient by y * (1 - y)",
    "derivative-of-gradient": "multiply the upstream gradient by y * (1 - y), y being the output",
}


class SigmoidKind(FormulaKind):
    """1 / (1 + exp(-x))."""

    formula = FORMULA
    faults = FAULTS
    help = HELP
    shown = {"derivative": "y * (1 - y)"}  # noqa: RUF012
    settings = (
        Setting("images", Sigmoid(), (2, 4, 5)),
        Setting("features", Sigmoid(), (6,)),
        Setting("large numbers", Sigmoid(), (6,), spread=1000.0),
    )
