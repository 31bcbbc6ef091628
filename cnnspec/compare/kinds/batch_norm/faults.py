"""The faults of batch normalisation, as steps of its formula that they replace.

Arrays are (n, c, places); features have one place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation
from cnnspec.compare.faults.formula import beside
from cnnspec.compare.kinds.batch_norm.formula import NORM, OF_CHANNEL, count, layer_of
from cnnspec.numerics import Ball
from cnnspec.numerics.formula import Computation, Steps

Observed = Observation[LayerSituation]


def _over(axes: tuple[int, ...]) -> Steps:
    """Take mean and variance over other axes."""
    return {
        "mean": lambda at: at.x.sum(axes) / count(at, axes),
        "variance": lambda at: (at.d * at.d).sum(axes) / count(at, axes),
        "mean_g": lambda at: at.upstream.sum(axes) / count(at, axes),
        "mean_gz": lambda at: (at.upstream * at.z).sum(axes) / count(at, axes),
        "grad_weight": lambda at: (at.grad_output * at.z).sum(OF_CHANNEL),
    }


def _twice(at: Computation, old: Ball, new: Ball) -> Ball:
    """Update running statistics twice."""
    once: Ball = at.kept * old + at.share * new
    twice: Ball = at.kept * once + at.share * new
    return twice


passed = NORM.spoiling("output", "grad_input", "grad_weight")  # what normalised numbers are in
output = NORM.spoiling("output")
grad_input = NORM.spoiling("grad_input")
grad_weight = NORM.spoiling("grad_weight")
grad_bias = NORM.spoiling("grad_bias")
running = NORM.spoiling("running_mean", "running_var")
running_var = NORM.spoiling("running_var")

FAULTS = [
    passed(
        "unbiased-variance",
        "the batch is normalised by the unbiased variance (over m - 1); the biased "
        "one (over m) is wanted",
        {"used": lambda at: at.unbiased},
    ),
    passed(
        "eps-outside-root",
        "eps is added outside the root: sqrt(variance) + eps; it belongs inside",
        {"root": lambda at: at.used.sqrt() + at.eps},
    ),
    passed("eps-missing", "eps is left out", {"root": lambda at: at.used.sqrt()}),
    passed(
        "eps-squared",
        "eps is squared: sqrt(variance + eps^2)",
        {"root": lambda at: (at.used + at.eps**2).sqrt()},
    ),
    passed(
        "root-missing",
        "the code divides by the variance; its root is wanted",
        {"root": lambda at: at.used + at.eps},
    ),
    passed(
        "running-statistics",
        "the running mean and variance are used; training takes those of the batch",
        {
            "mean": lambda at: at.old_mean,
            "used": lambda at: at.old_var,
            "mean_g": lambda at: at.arithmetic.rounded(0.0),
            "mean_gz": lambda at: at.arithmetic.rounded(0.0),
        },
    ),
    passed(
        "running-statistics",
        "the running mean and variance are used after their update; training takes "
        "those of the batch",
        {
            "d": lambda at: at.x - at.running_mean,
            "used": lambda at: at.running_var,
            "unbiased": lambda at: at.right.unbiased,
            "mean_g": lambda at: at.arithmetic.rounded(0.0),
            "mean_gz": lambda at: at.arithmetic.rounded(0.0),
        },
    ),
    passed(
        "mean-not-subtracted",
        "the mean is never subtracted",
        {"z": lambda at: at.x / at.root},
    ),
    passed(
        "not-divided",
        "the division by the standard deviation is left out",
        {"root": lambda at: at.arithmetic.rounded(1.0)},
    ),
    passed(
        "second-moment",
        "the mean of squares is taken for the variance: the mean is not subtracted first",
        {"variance": lambda at: (at.x * at.x).sum(OF_CHANNEL) / at.m},
    ),
    passed(
        "wrong-axes",
        "mean and variance are those of each image and channel (instance norm); those "
        "of each channel are wanted",
        _over((2,)),
    ),
    passed(
        "wrong-axes",
        "mean and variance are those of each image over all channels (layer norm); "
        "those of each channel are wanted",
        _over((1, 2)),
    ),
    passed(
        "wrong-axes",
        "mean and variance are those of each cell over the batch; those of each channel are wanted",
        _over((0,)),
    ),
    passed(
        "wrong-axes",
        "mean and variance are those of everything at once; those of each channel are wanted",
        _over((0, 1, 2)),
    ),
    passed(
        "wrong-axes",
        "mean and variance are those of the channels of each cell; those "
        "of each channel are wanted",
        _over((1,)),
    ),
    passed(
        "wrong-axes",
        "mean and variance are those of each cell over batch and channels; those of "
        "each channel are wanted",
        _over((0, 1)),
    ),
    output(
        "scale-missing",
        "the learnt weight is left out",
        {"output": lambda at: at.z + at.bias},
    ),
    output("bias-missing", "the bias is never added", {"output": lambda at: at.weight * at.z}),
    output(
        "affine-missing",
        "the learnt weight and bias are left out",
        {"output": lambda at: at.z},
    ),
    output(
        "weight-bias-swapped",
        "weight and bias are swapped",
        {"output": lambda at: at.bias * at.z + at.weight},
    ),
    output(
        "weight-before-bias",
        "the bias is added before the weight is applied: weight * (x_hat + bias)",
        {"output": lambda at: at.weight * (at.z + at.bias)},
    ),
    grad_input(
        "statistics-constant",
        "mean and variance are taken for constants; every x is in both",
        {"grad_input": lambda at: at.upstream / at.root},
    ),
    grad_input(
        "mean-term-missing",
        "the part of the gradient that flows through the mean is left out",
        {"grad_input": lambda at: (at.upstream - at.z * at.mean_gz) / at.root},
    ),
    grad_input(
        "variance-term-missing",
        "the part of the gradient that flows through the variance is left out",
        {"grad_input": lambda at: (at.upstream - at.mean_g) / at.root},
    ),
    grad_input(
        "scale-missing",
        "the learnt weight is left out",
        {"upstream": lambda at: at.grad_output},
    ),
    grad_input(
        "not-divided",
        "the division by the standard deviation is left out",
        {"grad_input": lambda at: at.upstream - at.mean_g - at.z * at.mean_gz},
    ),
    grad_input(
        "sums-for-means",
        "the sums of both terms are subtracted; their means are wanted",
        {
            "grad_input": lambda at: (
                (at.upstream - at.m * at.mean_g - at.z * at.m * at.mean_gz) / at.root
            )
        },
    ),
    grad_input(
        "mean-of-images",
        "both sums are divided by the batch size; the number of values is wanted",
        {
            "mean_g": lambda at: at.upstream.sum(OF_CHANNEL) / at.images,
            "mean_gz": lambda at: (at.upstream * at.z).sum(OF_CHANNEL) / at.images,
        },
    ),
    grad_input(
        "mask-missing",
        "the gradient of the output is returned as it came",
        {"grad_input": lambda at: at.grad_output},
    ),
    grad_weight(
        "input-for-normalised",
        "the gradients are multiplied by x; x normalised is wanted",
        {"grad_weight": lambda at: (at.grad_output * at.x).sum(OF_CHANNEL)},
    ),
    grad_weight(
        "output-for-normalised",
        "the gradients are multiplied by the output; x normalised is wanted",
        {"grad_weight": lambda at: (at.grad_output * at.output).sum(OF_CHANNEL)},
    ),
    grad_weight(
        "bias-gradient",
        "the gradient of the bias is returned",
        {"grad_weight": lambda at: at.grad_bias},
    ),
    grad_bias(
        "scale-in-bias",
        "the gradient is multiplied by the learnt weight; the sum alone is wanted",
        {"grad_bias": lambda at: at.upstream.sum(OF_CHANNEL)},
    ),
    grad_bias(
        "weight-gradient",
        "the gradient of the weight is returned",
        {"grad_bias": lambda at: at.grad_weight},
    ),
    running(
        "not-updated",
        "the running statistics are never updated",
        {"running_mean": lambda at: at.old_mean, "running_var": lambda at: at.old_var},
    ),
    running(
        "momentum-reversed",
        "the momentum is used the other way round; it is the share of the new value",
        {"share": lambda at: 1 - at.momentum, "kept": lambda at: at.momentum},
    ),
    running(
        "batch-statistics",
        "the statistics of the batch are stored alone: nothing of the old ones is kept",
        {
            "running_mean": lambda at: at.stored_mean,
            "running_var": lambda at: at.stored,
        },
    ),
    running(
        "not-decayed",
        "momentum times the new value is added to the old one: the old one is not decayed",
        {"kept": lambda at: at.arithmetic.rounded(1.0)},
    ),
    running(
        "new-not-weighted",
        "the new value is added whole: it is not multiplied by the momentum",
        {"share": lambda at: at.arithmetic.rounded(1.0), "kept": lambda at: 1 - at.momentum},
    ),
    running(
        "momentum-twice",
        "the pass updates the running statistics twice",
        {
            "running_mean": lambda at: _twice(at, at.old_mean, at.stored_mean),
            "running_var": lambda at: _twice(at, at.old_var, at.stored),
        },
    ),
    running_var(
        "biased-variance",
        "the biased variance (over m) is stored; the unbiased one (over m - 1) is wanted",
        {"stored": lambda at: at.variance},
    ),
    running_var(
        "deviation-for-variance",
        "the standard deviation is stored; the variance is wanted",
        {"stored": lambda at: at.variance.sqrt()},
    ),
    running_var(
        "deviation-for-variance",
        "the unbiased standard deviation is stored; the variance is wanted",
        {"stored": lambda at: at.unbiased.sqrt()},
    ),
    running_var(
        "deviation-for-variance",
        "sqrt(variance + eps) is stored; the variance is wanted",
        {"stored": lambda at: at.root},
    ),
    running_var(
        "eps-in-variance",
        "the biased variance + eps is stored; the unbiased variance is wanted",
        {"stored": lambda at: at.variance + at.eps},
    ),
    running_var(
        "eps-in-variance",
        "the unbiased variance + eps is stored; the variance alone is wanted",
        {"stored": lambda at: at.unbiased + at.eps},
    ),
    running_var(
        "second-moment",
        "the mean of squares is stored: the mean is not subtracted first",
        {"stored": lambda at: (at.x * at.x).sum(OF_CHANNEL) / at.m},
    ),
    running_var(
        "unbiased-by-images",
        "the squares are divided by the batch size - 1; the number of values - 1 is wanted",
        {"stored": lambda at: (at.d * at.d).sum(OF_CHANNEL) / (at.images - 1)},
    ),
]


EPS = ("1e-2", "1e-3", "1e-4", "1e-5", "1e-6", "1e-7", "1e-8", "1e-10", "1e-12")
"""What people and libraries take for eps."""

BY_CODE = {fault.code: fault for fault in FAULTS}
FAULTS += [
    beside(BY_CODE["biased-variance"], BY_CODE[code])
    for code in ("momentum-reversed", "batch-statistics")
]
"""What is right by other libraries' conventions is off by two of these at once."""


def other_eps(observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose an eps that people take, and that no layer here is given."""
    given = {layer_of(observation.situation).eps for observation in observations}
    for words in EPS:
        eps = float(words)
        if eps not in given:  # that would be the right one, in a wider budget
            yield passed(
                "other-eps",
                f"eps is {words}; the layer is given another",
                {"root": lambda at, eps=eps: (at.used + eps).sqrt()},  # type: ignore[misc]
            )


HELP = {
    "unbiased-variance": "normalise by the mean of squares: divide by m",
    "biased-variance": "store the variance over m - 1",
    "eps-outside-root": "write sqrt(variance + eps)",
    "eps-missing": "add eps",
    "running-statistics": "use the batch's own statistics in training",
    "momentum-reversed": "write (1 - momentum) * old + momentum * new",
    "statistics-constant": "let the gradient flow through mean and variance, too",
    "eps-squared": "add eps itself: sqrt(variance + eps)",
    "other-eps": "use the eps that the layer is given",
    "root-missing": "divide by sqrt(variance + eps)",
    "not-divided": "divide by sqrt(variance + eps)",
    "mean-not-subtracted": "subtract the mean of each channel",
    "second-moment": "subtract the mean before squaring",
    "wrong-axes": "take mean and variance of each channel: over images, height and width",
    "scale-missing": "multiply by the learnt weight",
    "affine-missing": "return weight * x_hat + bias",
    "weight-bias-swapped": "return weight * x_hat + bias",
    "weight-before-bias": "return weight * x_hat + bias",
    "mask-missing": "let the gradient flow through weight, mean and variance",
    "mean-term-missing": "let the gradient flow through the mean, too",
    "variance-term-missing": "let the gradient flow through the variance, too",
    "sums-for-means": "divide both sums by the number of values in a channel",
    "mean-of-images": "divide both sums by the number of values in a channel",
    "unbiased-by-images": "divide by the number of values in a channel - 1",
    "input-for-normalised": "multiply the upstream gradient by x_hat",
    "output-for-normalised": "multiply the upstream gradient by x_hat",
    "bias-gradient": "return the sum of upstream gradient * x_hat",
    "weight-gradient": "return the sum of the upstream gradient",
    "scale-in-bias": "return the sum of the upstream gradient",
    "not-updated": "update the running statistics in every training pass",
    "batch-statistics": "write (1 - momentum) * old + momentum * new",
    "not-decayed": "write (1 - momentum) * old + momentum * new",
    "new-not-weighted": "write (1 - momentum) * old + momentum * new",
    "momentum-twice": "update the running statistics once a pass",
    "deviation-for-variance": "store the variance over m - 1, not its root",
    "eps-in-variance": "store the variance over m - 1, without eps",
}
