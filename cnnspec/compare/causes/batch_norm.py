"""The faults of batch normalisation, as steps of its formula that they replace.

Arrays are (n, c, places); features have one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cnnspec.compare.causes.cause import Hypothesis, LayerSituation, Observation, Prediction
from cnnspec.compare.causes.formulas import Computation, Fault, Steps
from cnnspec.compare.causes.rounded import Rounded
from cnnspec.spec.layers import BatchNorm

Observed = Observation[LayerSituation]

OF_CHANNEL = (0, 2)
"""Statistics are over images and places."""

RIGHT: Steps = {
    "m": lambda at: at.count(OF_CHANNEL),
    "mean": lambda at: at.total(at.x, OF_CHANNEL) / at.m,
    "d": lambda at: at.x - at.mean,
    "variance": lambda at: at.total(at.d * at.d, OF_CHANNEL) / at.m,
    "used": lambda at: at.variance,
    "root": lambda at: (at.used + at.eps).sqrt(),
    "z": lambda at: at.d / at.root,
    "output": lambda at: at.weight * at.z + at.bias,
    "upstream": lambda at: at.weight * at.grad_output,
    "mean_g": lambda at: at.total(at.upstream, OF_CHANNEL) / at.m,
    "mean_gz": lambda at: at.total(at.upstream * at.z, OF_CHANNEL) / at.m,
    "grad_input": lambda at: (at.upstream - at.mean_g - at.z * at.mean_gz) / at.root,
    "grad_weight": lambda at: at.total(at.grad_output * at.z, OF_CHANNEL),
    "grad_bias": lambda at: at.total(at.grad_output, OF_CHANNEL),
    "unbiased": lambda at: at.total(at.d * at.d, OF_CHANNEL) / (at.m - 1),
    "stored_mean": lambda at: at.mean,
    "stored": lambda at: at.unbiased,
    "share": lambda at: at.momentum,
    "kept": lambda at: 1 - Rounded(at.share),
    "running_mean": lambda at: at.kept * at.old_mean + at.share * at.stored_mean,
    "running_var": lambda at: at.kept * at.old_var + at.share * at.stored,
}

PASSED = ("output", "grad_input", "grad_weight")
"""What normalised numbers are in."""


def _over(axes: tuple[int, ...]) -> Steps:
    """Take mean and variance over other axes."""
    return {
        "mean": lambda at: at.total(at.x, axes) / at.count(axes),
        "variance": lambda at: at.total(at.d * at.d, axes) / at.count(axes),
        "mean_g": lambda at: at.total(at.upstream, axes) / at.count(axes),
        "mean_gz": lambda at: at.total(at.upstream * at.z, axes) / at.count(axes),
    }


FAULTS: list[tuple[tuple[str, ...], Fault]] = [
    *(
        (PASSED, Fault(*row))
        for row in (
            (
                "unbiased-variance",
                "the batch is normalised by the unbiased variance (over m - 1); the biased "
                "one (over m) is wanted",
                {"used": lambda at: at.unbiased},
            ),
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
                "running-statistics",
                "the running mean and variance are used; training takes those of the batch",
                {
                    "mean": lambda at: at.old_mean,
                    "used": lambda at: at.old_var,
                    "mean_g": lambda at: 0.0,
                    "mean_gz": lambda at: 0.0,
                },
            ),
            (
                "running-statistics",
                "the running mean and variance are used after their update; training takes "
                "those of the batch",
                {
                    "d": lambda at: at.x - at.running_mean,
                    "used": lambda at: at.running_var,
                    "unbiased": lambda at: at.right.unbiased,
                    "mean_g": lambda at: 0.0,
                    "mean_gz": lambda at: 0.0,
                },
            ),
            (
                "mean-not-subtracted",
                "the mean is never subtracted",
                {"z": lambda at: at.x / at.root},
            ),
            (
                "not-divided",
                "the division by the standard deviation is left out",
                {"root": lambda at: Rounded(1.0)},
            ),
            (
                "second-moment",
                "the mean of squares is taken for the variance: the mean is not subtracted first",
                {"variance": lambda at: at.total(at.x * at.x, OF_CHANNEL) / at.m},
            ),
            (
                "wrong-axes",
                "mean and variance are those of each image and channel (instance norm); those "
                "of each channel are wanted",
                _over((2,)),
            ),
            (
                "wrong-axes",
                "mean and variance are those of each image over all channels (layer norm); "
                "those of each channel are wanted",
                _over((1, 2)),
            ),
            (
                "wrong-axes",
                "mean and variance are those of each cell over the batch; those of "
                "each channel are wanted",
                _over((0,)),
            ),
            (
                "wrong-axes",
                "mean and variance are those of everything at once; those of each "
                "channel are wanted",
                _over((0, 1, 2)),
            ),
            (
                "wrong-axes",
                "mean and variance are those of the channels of each cell; those "
                "of each channel are wanted",
                _over((1,)),
            ),
            (
                "wrong-axes",
                "mean and variance are those of each cell over batch and channels; those of "
                "each channel are wanted",
                _over((0, 1)),
            ),
        )
    ),
    *(
        (("output",), Fault(*row))
        for row in (
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
        )
    ),
    *(
        (("grad_input",), Fault(*row))
        for row in (
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
                "mean-of-images",
                "both sums are divided by the batch size; the number of values is wanted",
                {
                    "mean_g": lambda at: at.total(at.upstream, OF_CHANNEL) / at.images,
                    "mean_gz": lambda at: at.total(at.upstream * at.z, OF_CHANNEL) / at.images,
                },
            ),
            (
                "mask-missing",
                "the gradient of the output is returned as it came",
                {"grad_input": lambda at: at.grad_output},
            ),
        )
    ),
    *(
        (("grad_weight",), Fault(*row))
        for row in (
            (
                "input-for-normalised",
                "the gradients are multiplied by x; x normalised is wanted",
                {"grad_weight": lambda at: at.total(at.grad_output * at.x, OF_CHANNEL)},
            ),
            (
                "output-for-normalised",
                "the gradients are multiplied by the output; x normalised is wanted",
                {"grad_weight": lambda at: at.total(at.grad_output * at.output, OF_CHANNEL)},
            ),
            (
                "bias-gradient",
                "the gradient of the bias is returned",
                {"grad_weight": lambda at: at.grad_bias},
            ),
        )
    ),
    *(
        (("grad_bias",), Fault(*row))
        for row in (
            (
                "scale-in-bias",
                "the gradient is multiplied by the learnt weight; the sum alone is wanted",
                {"grad_bias": lambda at: at.total(at.upstream, OF_CHANNEL)},
            ),
            (
                "weight-gradient",
                "the gradient of the weight is returned",
                {"grad_bias": lambda at: at.grad_weight},
            ),
        )
    ),
    *(
        (("running_mean", "running_var"), Fault(*row))
        for row in (
            (
                "not-updated",
                "the running statistics are never updated",
                {"running_mean": lambda at: at.old_mean, "running_var": lambda at: at.old_var},
            ),
            (
                "momentum-reversed",
                "the momentum is used the other way round; it is the share of the new value",
                {"share": lambda at: 1 - Rounded(at.momentum), "kept": lambda at: at.momentum},
            ),
            (
                "batch-statistics",
                "the statistics of the batch are stored alone: nothing of the old ones is kept",
                {
                    "running_mean": lambda at: at.stored_mean,
                    "running_var": lambda at: at.stored,
                },
            ),
            (
                "not-decayed",
                "momentum times the new value is added to the old one: the old one is not decayed",
                {"kept": lambda at: 1.0},
            ),
            (
                "new-not-weighted",
                "the new value is added whole: it is not multiplied by the momentum",
                {"share": lambda at: 1.0, "kept": lambda at: 1 - Rounded(at.momentum)},
            ),
            (
                "momentum-twice",
                "the pass updates the running statistics twice",
                {
                    "running_mean": lambda at: at.twice(at.old_mean, at.stored_mean),
                    "running_var": lambda at: at.twice(at.old_var, at.stored),
                },
            ),
        )
    ),
    *(
        (("running_var",), Fault(*row))
        for row in (
            (
                "biased-variance",
                "the biased variance (over m) is stored; the unbiased one (over m - 1) is wanted",
                {"stored": lambda at: at.variance},
            ),
            (
                "deviation-for-variance",
                "the standard deviation is stored; the variance is wanted",
                {"stored": lambda at: at.variance.sqrt()},
            ),
            (
                "deviation-for-variance",
                "the unbiased standard deviation is stored; the variance is wanted",
                {"stored": lambda at: at.unbiased.sqrt()},
            ),
            (
                "deviation-for-variance",
                "sqrt(variance + eps) is stored; the variance is wanted",
                {"stored": lambda at: at.root},
            ),
            (
                "eps-in-variance",
                "the biased variance + eps is stored; the unbiased variance is wanted",
                {"stored": lambda at: at.variance + at.eps},
            ),
            (
                "eps-in-variance",
                "the unbiased variance + eps is stored; the variance alone is wanted",
                {"stored": lambda at: at.unbiased + at.eps},
            ),
            (
                "second-moment",
                "the mean of squares is stored: the mean is not subtracted first",
                {"stored": lambda at: at.total(at.x * at.x, OF_CHANNEL) / at.m},
            ),
            (
                "unbiased-by-images",
                "the squares are divided by the batch size - 1; the number of values - 1 is wanted",
                {"stored": lambda at: at.total(at.d * at.d, OF_CHANNEL) / (at.images - 1)},
            ),
        )
    ),
]


EPS = ("1e-2", "1e-3", "1e-4", "1e-5", "1e-6", "1e-7", "1e-8", "1e-10", "1e-12")
"""What people and libraries take for eps."""

BY_CODE = {fault.code: fault for _, fault in FAULTS}
FAULTS += [
    (("running_var",), BY_CODE["biased-variance"].beside(BY_CODE[code]))
    for code in ("momentum-reversed", "batch-statistics")
]
"""What is right by other libraries' conventions is off by two of these at once."""


def of_batch_norm(observations: list[Observed]) -> Iterator[Hypothesis[LayerSituation]]:
    """Suppose each fault of batch normalisation."""
    quantity = observations[0].quantity
    for quantities, fault in FAULTS:
        if quantity in quantities:
            yield Hypothesis(fault.code, fault.sentence, _predict(fault.steps))
    if quantity in PASSED:
        yield from _other_eps(observations)


def _other_eps(observations: list[Observed]) -> Iterator[Hypothesis[LayerSituation]]:
    given = {_given(observation.situation)["eps"] for observation in observations}
    for words in EPS:
        eps = float(words)
        if eps not in given:  # that would be the right one, in a wider budget
            yield Hypothesis(
                "other-eps",
                f"eps is {words}; the layer is given another",
                _predict({"root": lambda at, eps=eps: (at.used + eps).sqrt()}),  # type: ignore[misc]
            )


def _predict(steps: Steps) -> Callable[[Observed], Prediction]:
    def predict(observation: Observed) -> Prediction:
        found: Rounded = getattr(_computation(observation.situation, steps), observation.quantity)
        shape = observation.wanted.shape
        if found.value.size != observation.wanted.size:
            found = found + np.zeros_like(
                observation.situation.x.reshape(_flat(observation.situation))
            )
        value, budget = found.moved(lambda array: array.reshape(shape)).prediction()
        # The right one's budget holds for every sane way to take mean and variance.
        return Prediction(value, budget + observation.budget)

    return predict


def _computation(situation: LayerSituation, steps: Steps) -> Computation:
    given = _given(situation)
    right = Computation(given, RIGHT)
    return Computation(given | {"right": right}, RIGHT, steps)


def _flat(situation: LayerSituation) -> tuple[int, int, int]:
    n, channels = situation.x.shape[:2]
    return n, channels, situation.x[0, 0].size


def _given(situation: LayerSituation) -> dict[str, Any]:
    layer = situation.at.layer
    assert isinstance(layer, BatchNorm)
    shape = _flat(situation)
    channels = np.ones(shape[1])
    of_channel = {
        "weight": situation.parameters.get("weight", channels),
        "bias": situation.parameters.get("bias", 0 * channels),
        "old_mean": situation.buffers["running_mean"],
        "old_var": situation.buffers["running_var"],
    }
    momentum = layer.momentum

    def count(axes: tuple[int, ...]) -> int:
        return int(np.prod([shape[axis] for axis in axes]))

    def twice(old: Rounded, new: Rounded) -> Rounded:
        kept = 1 - Rounded(momentum)
        once = kept * old + momentum * new
        return kept * once + momentum * new

    return {
        "x": Rounded(situation.x.reshape(shape)),
        "grad_output": Rounded(situation.grad_output.reshape(shape)),
        "eps": layer.eps,
        "momentum": momentum,
        "images": shape[0],
        "total": _total,
        "count": count,
        "twice": twice,
    } | {name: Rounded(array[None, :, None]) for name, array in of_channel.items()}


def _total(terms: Rounded, axes: tuple[int, ...]) -> Rounded:
    for axis in axes:
        terms = terms.sum(axis)
    return terms
