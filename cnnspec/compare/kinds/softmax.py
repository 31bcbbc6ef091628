"""What the referee knows of a softmax."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation
from cnnspec.compare.kinds.formula import FormulaKind, layer_formula
from cnnspec.compare.kinds.layer import Setting
from cnnspec.numerics import Ball, Exact, either, gamma, where
from cnnspec.numerics.formula import Computation, Steps
from cnnspec.spec.layers import Softmax

PROBABILITIES: list[Callable[[Ball, Ball, Ball], Ball]] = [
    lambda e, d, total: e / total,
    lambda e, d, total: (d - total.log()).exp(),
]
"""How people take them: as a quotient, or from their logarithms."""


def _by_jacobian(p: Ball, g: Ball, sum_gp: Ball) -> Ball:
    """Return p * g - p * sum_gp, as the row of a matrix times g: p * g meets every addition."""
    arithmetic, product = p.arithmetic, p * g
    k = p.shape[1] + 2 * arithmetic.charge if arithmetic.charge else 0
    rounding = gamma(k, arithmetic.precision)
    return arithmetic.result(product.value, lambda: product.radius, rounding) - p * sum_gp


GRADIENTS: list[Callable[[Ball, Ball, Ball], Ball]] = [
    lambda p, g, sum_gp: p * (g - sum_gp),
    lambda p, g, sum_gp: p * g - p * sum_gp,
    _by_jacobian,
]
"""How people take the gradient: with the sum first, or as the product with the Jacobian."""

STEPS: Steps = {
    "z": lambda at: at.x,
    "axes": lambda at: (1,),
    "top": lambda at: at.z.max(at.axes),
    "d": lambda at: at.z - at.top,
    "e": lambda at: at.d.exp(),
    "total": lambda at: at.e.sum(at.axes),
    "p": lambda at: either(PROBABILITIES, at.e, at.d, at.total).within(1.0),
    "back_axes": lambda at: at.axes,
    "sum_gp": lambda at: (at.grad_output * at.p).sum(at.back_axes),
    "output": lambda at: at.p,
    "grad_input": lambda at: either(GRADIENTS, at.p, at.grad_output, at.sum_gp),
}
FORMULA = layer_formula(STEPS)


_output = FORMULA.replacing("output", "output")
_gradient = FORMULA.replacing("grad_input", "grad_input")
_sum = FORMULA.replacing("sum_gp", "grad_input")
_far_out = FORMULA.spoiling("output", "grad_input", overflows=True)


def _softmax(z: Ball) -> Ball:
    e = (z - z.max((1,))).exp()
    return e / e.sum((1,))


def _of_greatest(at: Computation) -> Ball:
    zero = 0 * at.x
    return where(at.x.value == at.top.value, zero + 1, zero)


def _first_for_all(p: Exact) -> Exact:
    return np.broadcast_to(p[:1], p.shape)


FAULTS = (
    _output(
        "not-applied",
        "the input is returned as it came: the function is never applied",
        lambda at: at.x,
    ),
    _output(
        "not-divided",
        "exp(x) is returned as it is: it is to be divided by its sum",
        lambda at: at.x.exp(),
    ),
    _output(
        "not-divided",
        "exp(x - max) is returned as it is: it is to be divided by its sum",
        lambda at: at.e,
    ),
    _output(
        "exp-missing",
        "the code takes x / sum(x); exp(x) / sum(exp(x)) is wanted",
        lambda at: at.x / at.x.sum((1,)),
    ),
    _output(
        "log-of-it",
        "the code takes the logarithm of the softmax",
        lambda at: at.d - at.total.log(),
    ),
    _output(
        "sign-of-x",
        "the code takes exp(-x); exp(x) is wanted",
        lambda at: _softmax(-at.x),
    ),
    _output(
        "by-sigmoid",
        "the code takes a sigmoid of each number; exp(x) / sum(exp(x)) is wanted",
        lambda at: at.x.sigmoid(),
    ),
    _output(
        "double-softmax",
        "the softmax is applied twice",
        lambda at: _softmax(at.p),
    ),
    _output(
        "argmax-alone",
        "the output is 1 for the greatest number and 0 for the others",
        _of_greatest,
    ),
    _far_out(
        "no-maximum",
        "the code takes exp of the numbers as they are, which overflows",
        {"d": lambda at: at.z},
    ),
    _far_out(
        "batch-maximum",
        "the greatest number of the whole batch is subtracted, not of each image: an image far "
        "below it becomes 0/0",
        {"top": lambda at: at.z.max(tuple(range(at.z.value.ndim)))},
    ),
    _gradient(
        "derivative-missing",
        "the gradient of the output is returned as it came; that is right only where the "
        "gradient of softmax and cross-entropy in one is handed on",
        lambda at: at.grad_output,
    ),
    _gradient(
        "diagonal-alone",
        "the gradient is g * p * (1 - p): each output hangs on the other inputs, too",
        lambda at: at.grad_output * at.p * (1 - at.p),
    ),
    _gradient(
        "diagonal-missing",
        "the gradient is -p * sum(g * p): the diagonal of the Jacobian, p * g, is missing",
        lambda at: -(at.p * at.sum_gp),
    ),
    _gradient(
        "diagonal-missing",
        "the diagonal of the Jacobian is left out: p * (1 - p) is wanted there",
        lambda at: at.p * (at.p * at.grad_output - at.sum_gp),
    ),
    _gradient(
        "multiplied-by-output",
        "the gradient is multiplied by the output; p * (g - sum(g * p)) is wanted",
        lambda at: at.grad_output * at.p,
    ),
    _gradient(
        "output-missing",
        "the gradient is g - sum(g * p); p times that is wanted",
        lambda at: at.grad_output - at.sum_gp,
    ),
    _gradient(
        "added",
        "the sum is added: p * (g + sum(g * p)); p * (g - sum(g * p)) is wanted",
        lambda at: at.p * (at.grad_output + at.sum_gp),
    ),
    _sum(
        "mean-for-sum",
        "the mean of g * p is subtracted; the sum is wanted",
        lambda at: (at.grad_output * at.p).mean((1,)),
    ),
    _sum(
        "unweighted-sum",
        "the sum of g is subtracted; the sum of g * p is wanted",
        lambda at: at.grad_output.sum((1,)),
    ),
    _sum(
        "unweighted-sum",
        "the mean of g is subtracted; the sum of g * p is wanted",
        lambda at: at.grad_output.mean((1,)),
    ),
    _gradient(
        "upstream-missing",
        "the derivative p * (1 - p) is returned alone: the upstream gradient is never used",
        lambda at: at.p * (1 - at.p),
    ),
    FORMULA.spoiling("grad_input")(
        "derivative-at-input",
        "the derivative is taken with x in the place of the output",
        {"p": lambda at: at.x},
    ),
    FORMULA.spoiling("grad_input")(
        "derivative-at-output",
        "the softmax is applied to the output once more: the derivative is taken at the output",
        {"p": lambda at: _softmax(at.right.p)},
    ),
    FORMULA.spoiling("grad_input")(
        "first-image-for-all",
        "the Jacobian of the first image is used for every image; each has its own",
        {"p": lambda at: at.right.p.moved(_first_for_all)},
    ),
    _gradient(
        "of-a-sigmoid",
        "the derivative is that of a sigmoid of each number",
        lambda at: at.grad_output * at.x.sigmoid() * (1 - at.x.sigmoid()),
    ),
)

EPS = ("1e-5", "1e-6", "1e-7", "1e-8", "1e-9", "1e-10", "1e-12", "1e-15")
"""What people add to the sum."""


def _eps_added() -> Iterator[Fault[LayerSituation]]:
    for words in EPS:
        yield FORMULA.spoiling("output", "grad_input")(
            "eps-in-softmax",
            f"{words} is added to the sum: the outputs do not add up to 1",
            {"total": lambda at, eps=float(words): at.e.sum(at.axes) + eps},  # type: ignore[misc]
        )


AXES = {
    2: {
        (0,): "each feature over the batch",
        (0, 1): "all numbers of the batch",
    },
    4: {
        (0,): "each cell and channel over the batch",
        (2,): "the rows of each channel",
        (3,): "the columns of each channel: the last axis",
        (2, 3): "the cells of each channel",
        (1, 2, 3): "the whole image",
        (0, 1, 2, 3): "all numbers of the batch",
    },
}
"""Over what people take it, by the axes of an array."""
RIGHT_AXES = {2: "the features of each image", 4: "the channels of each cell"}


def _wrong_axes(axes: int) -> Iterator[Fault[LayerSituation]]:
    for own, words in AXES[axes].items():
        steps: Steps = {"axes": lambda at, own=own: own}  # type: ignore[misc]
        sentence = f"the sum is over {words}; over {RIGHT_AXES[axes]} is wanted"
        yield FORMULA.spoiling("output", "grad_input")("wrong-axes", sentence, steps)
        yield FORMULA.spoiling("grad_input")(
            "wrong-axes", sentence, {**steps, "back_axes": lambda at: (1,)}
        )
        yield FORMULA.spoiling("grad_input")(
            "wrong-axes",
            f"the sum of g * p is over {words}; over {RIGHT_AXES[axes]} is wanted",
            {"back_axes": steps["axes"]},
        )


HELP = {
    "not-applied": "return exp(x) / sum(exp(x))",
    "not-divided": "divide by the sum of exp(x)",
    "exp-missing": "return exp(x) / sum(exp(x))",
    "log-of-it": "return the softmax itself",
    "sign-of-x": "write exp(x - max)",
    "by-sigmoid": "return exp(x) / sum(exp(x))",
    "double-softmax": "apply it once",
    "argmax-alone": "return exp(x) / sum(exp(x))",
    "eps-in-softmax": "subtract the greatest number before exp: the sum is then 1 at least",
    "no-maximum": "subtract the greatest number of each image before exp",
    "batch-maximum": "subtract the maximum of each image: x.max(axis=1, keepdims=True)",
    "derivative-missing": "return p * (g - sum(g * p)), the sum with keepdims=True",
    "diagonal-alone": "return p * (g - sum(g * p)), the sum with keepdims=True",
    "diagonal-missing": "return p * (g - sum(g * p)), the sum with keepdims=True",
    "multiplied-by-output": "subtract sum(g * p) from g first",
    "output-missing": "multiply by the output p",
    "added": "subtract sum(g * p)",
    "mean-for-sum": "subtract sum(g * p)",
    "unweighted-sum": "subtract sum(g * p)",
    "derivative-at-input": "keep the output p, and return p * (g - sum(g * p))",
    "derivative-at-output": "keep the output p, and return p * (g - sum(g * p))",
    "first-image-for-all": "take p of the image itself, in a loop over images or along the batch",
    "of-a-sigmoid": "return p * (g - sum(g * p)), the sum with keepdims=True",
    "wrong-axes": "sum over axis 1, with keepdims=True",
}


class SoftmaxKind(FormulaKind):
    """exp(x) / sum(exp(x)) over features, or channels."""

    formula = FORMULA
    faults = FAULTS
    help = HELP
    shown = {  # noqa: RUF012
        "p": "the softmax",
        "sum_gp": "of upstream gradient times softmax",
    }
    # Over images, people who write `axis=-1` for features would mean nothing by it.
    settings = (
        Setting("features", Softmax(), (6,)),
        Setting("two features", Softmax(), (2,)),
        Setting("large numbers", Softmax(), (5,), spread=600.0),
    )

    def suspected(
        self, observations: Sequence[Observation[LayerSituation]]
    ) -> Iterator[Fault[LayerSituation]]:
        yield from super().suspected(observations)
        quantity, axes = observations[0].quantity, observations[0].situation.x.ndim
        more = (*_wrong_axes(axes), *_eps_added())
        yield from (fault for fault in more if fault.spoils(quantity))
