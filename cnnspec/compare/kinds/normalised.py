"""What kinds have in common that subtract a mean and divide by a deviation: steps and faults.

Arrays are (n, c, places); features have one place. `axes` are those of mean and variance, and
`shared` those along which one weight is used again. Both are given, with `shape`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction
from cnnspec.compare.faults.formula import FEW, Formula
from cnnspec.numerics import Arithmetic, Ball, either, moments
from cnnspec.numerics.formula import Computation, Steps

Form = Callable[..., Ball]
Flat = tuple[int, int, int]
"""Images, channels and places."""

NORMALISED: list[Form] = [
    lambda x, mean, d, root: d / root,
    lambda x, mean, d, root: x / root - mean / root,
]
SCALED: list[Form] = [
    lambda x, mean, root, z, weight, bias: weight * z + bias,
    lambda x, mean, root, z, weight, bias: x * (weight / root) + (bias - mean * (weight / root)),
]
"""By x - mean, or by a factor and a shift, as GPUs do."""


def count(at: Computation, axes: tuple[int, ...]) -> int:
    """Return how many values lie along axes."""
    return math.prod(at.shape[axis] for axis in axes)


def back(at: Computation, *more: Form) -> Ball:
    """Return the gradient of x, for an upstream gradient u of z, in two forms or more."""
    axes: tuple[int, ...] = at.axes
    m: int = at.m

    def step_by_step(u: Ball, mean_u: Ball, z: Ball, mean_uz: Ball, d: Ball, root: Ball) -> Ball:
        """Go back through the product, the root, the variance and the mean."""
        of_variance = (u * d).sum(axes) * -0.5 / (root * root * root)
        of_mean = -(u / root).sum(axes) + of_variance * (-2 * d).mean(axes)
        return u / root + of_variance * 2 * d / m + of_mean / m

    forms: list[Form] = [
        lambda u, mean_u, z, mean_uz, d, root: (u - mean_u - z * mean_uz) / root,
        step_by_step,
        *more,
    ]
    return either(forms, at.upstream, at.mean_g, at.z, at.mean_gz, at.d, at.root)


STEPS: Steps = {
    "m": lambda at: count(at, at.axes),
    "moments": lambda at: moments(at.x, at.axes),
    "mean": lambda at: at.moments[0],
    "variance": lambda at: at.moments[1],
    "unbiased": lambda at: at.variance * at.m / max(at.m - 1, 1),
    "d": lambda at: at.x - at.mean,
    "used": lambda at: at.variance,
    "root": lambda at: (at.used + at.eps).at_least(at.eps).sqrt(),
    "z": lambda at: either(NORMALISED, at.x, at.mean, at.d, at.root),
    "output": lambda at: either(SCALED, at.x, at.mean, at.root, at.z, at.weight, at.bias),
    "upstream": lambda at: at.weight * at.grad_output,
    "mean_g": lambda at: at.upstream.mean(at.axes),
    "mean_gz": lambda at: (at.upstream * at.z).mean(at.axes),
    "grad_input": back,
    "grad_weight": lambda at: (at.grad_output * at.z).sum(at.shared),
    "grad_bias": lambda at: at.grad_output.sum(at.shared),
}


class NormFormula(Formula[LayerSituation]):
    """A formula over flat images, of which some quantities have one number for many."""

    def __init__(
        self,
        flat: Callable[[LayerSituation], Flat],
        given: Callable[[LayerSituation, Arithmetic], dict[str, Any]],
        steps: Steps,
    ) -> None:
        """`flat` gives the shape in which the formula has an image."""
        super().__init__(given, steps, remembers=FEW)
        self._flat = flat

    def prediction(self, found: Ball, observation: Observation[LayerSituation]) -> Prediction:
        flat = self._flat(observation.situation)
        if found.value.size != observation.wanted.size:
            if observation.quantity in ("grad_weight", "grad_bias"):
                return _of_other_axes(found, observation)
            found = found.moved(lambda array: np.broadcast_to(array, flat))
        given = super().prediction(found, observation)
        # The right one's budget holds for every sane way to take mean and variance.
        return Prediction(given.value, lambda: given.budget + observation.budget)


def _of_other_axes(found: Ball, observation: Observation[LayerSituation]) -> Prediction:
    """Predict the gradient of a parameter that has other sizes than the parameter."""
    seen = observation.found
    shape = seen.shape if seen.size == found.value.size else found.value.shape
    return Prediction(found.value.reshape(shape), lambda: 2 * found.radius.reshape(shape))


def _kept(at: Computation) -> tuple[int, ...]:
    """Return the axes that a gradient of a parameter keeps."""
    return tuple(axis for axis in range(3) if axis not in at.shared)


def over(axes: tuple[int, ...]) -> Steps:
    """Take mean and variance over other axes."""
    return {
        "mean": lambda at: at.x.sum(axes) / count(at, axes),
        "variance": lambda at: (at.d * at.d).sum(axes) / count(at, axes),
        "mean_g": lambda at: at.upstream.sum(axes) / count(at, axes),
        "mean_gz": lambda at: (at.upstream * at.z).sum(axes) / count(at, axes),
        "grad_weight": lambda at: (at.grad_output * at.z).sum(at.shared),
    }


NORMALISED_BY = ("output", "grad_input", "grad_weight")
"""What the normalised numbers are in."""

Rows = list[tuple[str, str, Steps]]

BY_STATISTICS: Rows = [
    (
        "eps-outside-root",
        "eps is added outside the root: sqrt(variance) + eps; it belongs inside",
        {"root": lambda at: at.used.sqrt() + at.eps},
    ),
    ("eps-missing", "eps is left out", {"root": lambda at: at.used.sqrt()}),
    (
        "eps-squared",
        "eps is squared: sqrt(variance + eps^2)",
        {"root": lambda at: (at.used + at.eps**2).sqrt()},
    ),
    (
        "root-missing",
        "the code divides by the variance; its root is wanted",
        {"root": lambda at: at.used + at.eps},
    ),
    (
        "mean-not-subtracted",
        "the mean is never subtracted",
        {"z": lambda at: at.x / at.root},
    ),
    (
        "not-divided",
        "the division by the standard deviation is left out",
        {"root": lambda at: at.arithmetic.rounded(1.0)},
    ),
    (
        "second-moment",
        "the mean of squares is taken for the variance: the mean is not subtracted first",
        {"variance": lambda at: (at.x * at.x).sum(at.axes) / at.m},
    ),
]

BY_OUTPUT: Rows = [
    (
        "scale-missing",
        "the learnt weight is left out",
        {"output": lambda at: at.z + at.bias},
    ),
    ("bias-missing", "the bias is never added", {"output": lambda at: at.weight * at.z}),
    (
        "affine-missing",
        "the learnt weight and bias are left out",
        {"output": lambda at: at.z},
    ),
    (
        "weight-bias-swapped",
        "weight and bias are swapped",
        {"output": lambda at: at.bias * at.z + at.weight},
    ),
    (
        "weight-before-bias",
        "the bias is added before the weight is applied: weight * (x_hat + bias)",
        {"output": lambda at: at.weight * (at.z + at.bias)},
    ),
]

BY_GRADIENT: Rows = [
    (
        "statistics-constant",
        "mean and variance are taken for constants; every x is in both",
        {"grad_input": lambda at: at.upstream / at.root},
    ),
    (
        "mean-term-missing",
        "the part of the gradient that flows through the mean is left out",
        {"grad_input": lambda at: (at.upstream - at.z * at.mean_gz) / at.root},
    ),
    (
        "variance-term-missing",
        "the part of the gradient that flows through the variance is left out",
        {"grad_input": lambda at: (at.upstream - at.mean_g) / at.root},
    ),
    (
        "mean-term-twice",
        "the part of the gradient that flows through the mean is counted twice",
        {"grad_input": lambda at: (at.upstream - 2 * at.mean_g - at.z * at.mean_gz) / at.root},
    ),
    (
        "variance-term-twice",
        "the part of the gradient that flows through the variance is counted twice",
        {"grad_input": lambda at: (at.upstream - at.mean_g - 2 * at.z * at.mean_gz) / at.root},
    ),
    (
        "mean-term-sign",
        "the part of the gradient that flows through the mean is added; it is to be subtracted",
        {"grad_input": lambda at: (at.upstream + at.mean_g - at.z * at.mean_gz) / at.root},
    ),
    (
        "variance-term-sign",
        "the part of the gradient that flows through the variance is added; it is to be subtracted",
        {"grad_input": lambda at: (at.upstream - at.mean_g + at.z * at.mean_gz) / at.root},
    ),
    (
        "scale-missing",
        "the learnt weight is left out",
        {"upstream": lambda at: at.grad_output},
    ),
    (
        "not-divided",
        "the division by the standard deviation is left out",
        {"grad_input": lambda at: at.upstream - at.mean_g - at.z * at.mean_gz},
    ),
    (
        "sums-for-means",
        "the sums of both terms are subtracted; their means are wanted",
        {
            "grad_input": lambda at: (
                (at.upstream - at.m * at.mean_g - at.z * at.m * at.mean_gz) / at.root
            )
        },
    ),
    (
        "mask-missing",
        "the gradient of the output is returned as it came",
        {"grad_input": lambda at: at.grad_output},
    ),
]

_OVER_CHANNELS = (
    "the sum runs over the features or channels of each image; it belongs over the batch, and "
    "keeps them"
)

BY_WEIGHT: Rows = [
    (
        "input-for-normalised",
        "the gradients are multiplied by x; x normalised is wanted",
        {"grad_weight": lambda at: (at.grad_output * at.x).sum(at.shared)},
    ),
    (
        "output-for-normalised",
        "the gradients are multiplied by the output; x normalised is wanted",
        {"grad_weight": lambda at: (at.grad_output * at.output).sum(at.shared)},
    ),
    (
        "bias-gradient",
        "the gradient of the bias is returned",
        {"grad_weight": lambda at: at.grad_bias},
    ),
    (
        "summed-over-channels",
        _OVER_CHANNELS,
        {"grad_weight": lambda at: (at.grad_output * at.z).sum(_kept(at))},
    ),
]

BY_BIAS: Rows = [
    (
        "scale-in-bias",
        "the gradient is multiplied by the learnt weight; the sum alone is wanted",
        {"grad_bias": lambda at: at.upstream.sum(at.shared)},
    ),
    (
        "weight-gradient",
        "the gradient of the weight is returned",
        {"grad_bias": lambda at: at.grad_weight},
    ),
    (
        "summed-over-channels",
        _OVER_CHANNELS,
        {"grad_bias": lambda at: at.grad_output.sum(_kept(at))},
    ),
]

SPOILT: Mapping[tuple[str, ...], Rows] = {
    NORMALISED_BY: BY_STATISTICS,
    ("output",): BY_OUTPUT,
    ("grad_input",): BY_GRADIENT,
    ("grad_weight",): BY_WEIGHT,
    ("grad_bias",): BY_BIAS,
}


def faults_of(formula: Formula[LayerSituation]) -> Iterator[Fault[LayerSituation]]:
    """Yield the faults that any such kind may have."""
    for quantities, rows in SPOILT.items():
        yield from (formula.spoiling(*quantities)(*row) for row in rows)


EPS = ("1e-2", "1e-3", "1e-4", "1e-5", "1e-6", "1e-7", "1e-8", "1e-10", "1e-12")
"""What people and libraries take for eps."""


def other_eps(formula: Formula[LayerSituation], given: float) -> Iterator[Fault[LayerSituation]]:
    """Suppose an eps that people take, and that the layer is not given."""
    for words in EPS:
        eps = float(words)
        if eps != given:  # that would be the right one, in a wider budget
            yield formula.spoiling(*NORMALISED_BY)(
                "other-eps",
                f"eps is {words}; the layer is given another",
                {"root": lambda at, eps=eps: (at.used + eps).sqrt()},  # type: ignore[misc]
            )


HELP = {
    "eps-outside-root": "write sqrt(variance + eps)",
    "eps-missing": "add eps",
    "eps-squared": "add eps itself: sqrt(variance + eps)",
    "other-eps": "use the eps that the layer is given",
    "unbiased-variance": "normalise by the mean of squares: divide by m",
    "root-missing": "divide by sqrt(variance + eps)",
    "not-divided": "divide by sqrt(variance + eps)",
    "second-moment": "subtract the mean before squaring",
    "scale-missing": "multiply by the learnt weight",
    "affine-missing": "return weight * x_hat + bias",
    "weight-bias-swapped": "return weight * x_hat + bias",
    "weight-before-bias": "return weight * x_hat + bias",
    "statistics-constant": "let the gradient flow through mean and variance, too",
    "mean-term-missing": "let the gradient flow through the mean, too",
    "variance-term-missing": "let the gradient flow through the variance, too",
    "mean-term-twice": "count the part through the mean once",
    "variance-term-twice": "count the part through the variance once",
    "mean-term-sign": "subtract the mean of the upstream gradient",
    "variance-term-sign": "subtract x_hat times the mean of upstream gradient * x_hat",
    "mask-missing": "let the gradient flow through weight, mean and variance",
    "input-for-normalised": "multiply the upstream gradient by x_hat",
    "output-for-normalised": "multiply the upstream gradient by x_hat",
    "bias-gradient": "return the sum of upstream gradient * x_hat",
    "weight-gradient": "return the sum of the upstream gradient",
    "summed-over-channels": "sum over the batch: axis 0 of features, axes 0, 2 and 3 of images",
    "scale-in-bias": "return the sum of the upstream gradient",
}
