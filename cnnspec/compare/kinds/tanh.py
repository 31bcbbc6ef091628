"""What the referee knows of a tanh."""

from __future__ import annotations

from collections.abc import Callable

from cnnspec.compare.faults.fault import Fault, LayerSituation
from cnnspec.compare.kinds.formula import FormulaKind, layer_formula, ones
from cnnspec.compare.kinds.layer import Setting
from cnnspec.numerics import Ball, either, where
from cnnspec.numerics.formula import Computation, Step, Steps
from cnnspec.spec.layers import Tanh

VALUES: list[Callable[[Ball], Ball]] = [
    lambda x: x.tanh(),
    lambda x: 2 * (2 * x).sigmoid() - 1,
]
"""How people take it: by the library, or by exponentials, of which near 0 little is left."""

SLOPES: list[Callable[[Ball, Ball], Ball]] = [
    lambda y, x: 1 - y * y,
    lambda y, x: (1 - y) * (1 + y),
    lambda y, x: 4 * ((2 * x).sigmoid() * (1 - (2 * x).sigmoid())),
]
"""How people take the derivative: from the output, or as 1 / cosh(x)^2."""

STEPS: Steps = {
    "y": lambda at: either(VALUES, at.x),
    "derivative": lambda at: either(SLOPES, at.y, at.x),
    "output": lambda at: at.y,
    "grad_input": lambda at: at.grad_output * at.derivative,
}
FORMULA = layer_formula(STEPS)


_output = FORMULA.replacing("output", "output")
_derivative = FORMULA.replacing("derivative", "grad_input")
_gradient = FORMULA.replacing("grad_input", "grad_input")


def _overflow(quantity: str, where_large: str, step: Step) -> Fault[LayerSituation]:
    sentence = f"{where_large}, and the quotient is not a number there"
    return FORMULA.spoiling(quantity, overflows=True)("overflow", sentence, {"y": step})


EXP_OVERFLOWS = "exp overflows where |x| is large"
DOUBLE_OVERFLOWS = "exp(2 * x) overflows where x is large"


def _by_quotient(at: Computation) -> Ball:
    up, down = at.x.exp(), (-at.x).exp()
    found: Ball = (up - down) / (up + down)
    return found


def _by_doubles(at: Computation) -> Ball:
    e = (2 * at.x).exp()
    found: Ball = (e - 1) / (e + 1)
    return found


FAULTS = (
    _output(
        "not-applied",
        "the input is returned as it came: the function is never applied",
        lambda at: at.x,
    ),
    _output(
        "by-sigmoid",
        "the code takes a sigmoid, 1 / (1 + exp(-x)); tanh(x) is wanted",
        lambda at: at.x.sigmoid(),
    ),
    _output(
        "double-missing",
        "the code takes 2 / (1 + exp(-x)) - 1, or (exp(x) - 1) / (exp(x) + 1), which is the tanh "
        "of x / 2; exp of 2 * x is wanted",
        lambda at: 2 * at.x.sigmoid() - 1,
    ),
    _output(
        "denominator-missing",
        "the code takes (exp(x) - exp(-x)) / 2, which is sinh(x); tanh(x) is wanted",
        lambda at: (at.x.exp() - (-at.x).exp()) * 0.5,
    ),
    _output(
        "denominator-missing",
        "the code takes exp(x) - exp(-x); it is to be divided by exp(x) + exp(-x)",
        lambda at: at.x.exp() - (-at.x).exp(),
    ),
    _output(
        "upside-down",
        "the code takes 1 / tanh(x): numerator and denominator are swapped",
        lambda at: 1 / at.y,
    ),
    _output(
        "piecewise",
        "the code cuts x off at -1 and 1, as by a hard tanh",
        lambda at: at.x.clip(-1, 1),
    ),
    _output(
        "derivative-for-value",
        "the output is the derivative 1 - y^2; y itself is wanted",
        lambda at: at.derivative,
    ),
    _overflow("output", EXP_OVERFLOWS, _by_quotient),
    _overflow("output", DOUBLE_OVERFLOWS, _by_doubles),
    _derivative(
        "derivative-missing",
        "the gradient of the output is returned as it came; it is to be multiplied by the "
        "derivative",
        ones,
    ),
    _derivative(
        "derivative-at-input",
        "the derivative is taken to be 1 - x^2; 1 - y^2 is wanted, y being the output",
        lambda at: 1 - at.x * at.x,
    ),
    _derivative(
        "derivative-at-output",
        "the tanh is applied to the output once more: the derivative is taken at y; x, or 1 - y^2, "
        "is wanted",
        lambda at: 1 - at.y.tanh() * at.y.tanh(),
    ),
    _derivative(
        "square-missing",
        "the derivative of the tanh y is taken to be 1 - y; 1 - y^2 is wanted",
        lambda at: 1 - at.y,
    ),
    _derivative(
        "square-missing",
        "the derivative is taken to be 1 / cosh(x); 1 / cosh(x)^2 is wanted",
        lambda at: (1 - at.y * at.y).sqrt(),
    ),
    _derivative(
        "one-missing",
        "the derivative is taken to be y^2; 1 - y^2 is wanted",
        lambda at: at.y * at.y,
    ),
    _derivative(
        "added",
        "the derivative is taken to be 1 + y^2; 1 - y^2 is wanted",
        lambda at: 1 + at.y * at.y,
    ),
    _derivative(
        "of-a-sigmoid",
        "the derivative is taken to be y * (1 - y), as of a sigmoid; 1 - y^2 is wanted",
        lambda at: at.y * (1 - at.y),
    ),
    _derivative(
        "multiplied-by-output",
        "the gradient is multiplied by the output; 1 - y^2 is wanted",
        lambda at: at.y,
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
        "the derivative is taken of the upstream gradient: 1 - g^2",
        lambda at: 1 - at.grad_output * at.grad_output,
    ),
    _gradient(
        "derivative-of-gradient",
        "the derivative is taken at the upstream gradient, not at x",
        lambda at: 1 - at.grad_output.tanh() * at.grad_output.tanh(),
    ),
    _overflow("grad_input", EXP_OVERFLOWS, _by_quotient),
    _overflow("grad_input", DOUBLE_OVERFLOWS, _by_doubles),
)

HELP = {
    "not-applied": "return tanh(x)",
    "by-sigmoid": "return tanh(x)",
    "double-missing": "return tanh(x), which is 2 / (1 + exp(-2 * x)) - 1",
    "denominator-missing": "return tanh(x)",
    "upside-down": "divide exp(x) - exp(-x) by exp(x) + exp(-x), or take np.tanh",
    "piecewise": "return tanh(x)",
    "derivative-for-value": "return y, and keep it for the backward pass",
    "overflow": "take np.tanh, which does not overflow, or 2 / (1 + exp(-2 * x)) - 1",
    "derivative-missing": "multiply the upstream gradient by 1 - y^2",
    "derivative-at-input": "keep the output y, and multiply the upstream gradient by 1 - y^2",
    "derivative-at-output": "keep the output y, and multiply the upstream gradient by 1 - y^2",
    "square-missing": "multiply the upstream gradient by 1 - y^2",
    "one-missing": "multiply the upstream gradient by 1 - y^2",
    "added": "multiply the upstream gradient by 1 - y^2",
    "of-a-sigmoid": "multiply the upstream gradient by 1 - y^2",
    "multiplied-by-output": "multiply the upstream gradient by 1 - y^2",
    "of-a-relu": "multiply the upstream gradient by 1 - y^2",
    "derivative-of-gradient": "multiply the upstream gradient by 1 - y^2, y being the output",
}


class TanhKind(FormulaKind):
    """The hyperbolic tangent."""

    formula = FORMULA
    faults = FAULTS
    help = HELP
    shown = {"derivative": "1 - y^2"}  # noqa: RUF012
    settings = (
        Setting("images", Tanh(), (2, 4, 5)),
        Setting("features", Tanh(), (6,)),
        Setting("large numbers", Tanh(), (6,), spread=1000.0),
    )
