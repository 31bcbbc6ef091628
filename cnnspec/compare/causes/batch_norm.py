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
                "that of the unbiased variance (over m - 1): a batch is normalised by the biased",
                {"used": lambda at: at.unbiased},
            ),
            (
                "eps-outside-root",
                "that of sqrt(variance) + eps, where eps belongs inside the root",
                {"root": lambda at: at.used.sqrt() + at.eps},
            ),
            ("eps-missing", "that without eps", {"root": lambda at: at.used.sqrt()}),
            (
                "eps-squared",
                "that of sqrt(variance + eps^2)",
                {"root": lambda at: (at.used + at.eps**2).sqrt()},
            ),
            (
                "root-missing",
                "that of a division by the variance, not by its root",
                {"root": lambda at: at.used + at.eps},
            ),
            (
                "running-statistics",
                "that of the running mean and variance: in training the batch's own are wanted",
                {
                    "mean": lambda at: at.old_mean,
                    "used": lambda at: at.old_var,
                    "mean_g": lambda at: 0.0,
                    "mean_gz": lambda at: 0.0,
                },
            ),
            (
                "running-statistics",
                "that of the running mean and variance after their update: in training the "
                "batch's own are wanted",
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
                "that without subtracting the mean",
                {"z": lambda at: at.x / at.root},
            ),
            (
                "not-divided",
                "that without dividing by the standard deviation",
                {"root": lambda at: Rounded(1.0)},
            ),
            (
                "second-moment",
                "that of the mean of squares for the variance: the mean is not subtracted first",
                {"variance": lambda at: at.total(at.x * at.x, OF_CHANNEL) / at.m},
            ),
            (
                "wrong-axes",
                "that of statistics of each image and channel (instance norm)",
                _over((2,)),
            ),
            (
                "wrong-axes",
                "that of statistics of each image over all channels (layer norm)",
                _over((1, 2)),
            ),
            ("wrong-axes", "that of statistics of each cell over the batch", _over((0,))),
            ("wrong-axes", "that of statistics over everything at once", _over((0, 1, 2))),
            ("wrong-axes", "that of statistics over the channels of each cell", _over((1,))),
            (
                "wrong-axes",
                "that of statistics of each cell over batch and channels",
                _over((0, 1)),
            ),
        )
    ),
    *(
        (("output",), Fault(*row))
        for row in (
            (
                "scale-missing",
                "that without the learnt weight",
                {"output": lambda at: at.z + at.bias},
            ),
            ("bias-missing", "that without the bias", {"output": lambda at: at.weight * at.z}),
            (
                "affine-missing",
                "that without the learnt weight and bias",
                {"output": lambda at: at.z},
            ),
            (
                "weight-bias-swapped",
                "that with weight and bias swapped",
                {"output": lambda at: at.bias * at.z + at.weight},
            ),
            (
                "weight-before-bias",
                "that of weight * (x_hat + bias)",
                {"output": lambda at: at.weight * (at.z + at.bias)},
            ),
        )
    ),
    *(
        (("grad_input",), Fault(*row))
        for row in (
            (
                "statistics-constant",
                "that with mean and variance taken for constants: every x is in both",
                {"grad_input": lambda at: at.upstream / at.root},
            ),
            (
                "mean-term-missing",
                "that without what flows through the mean",
                {"grad_input": lambda at: (at.upstream - at.z * at.mean_gz) / at.root},
            ),
            (
                "variance-term-missing",
                "that without what flows through the variance",
                {"grad_input": lambda at: (at.upstream - at.mean_g) / at.root},
            ),
            (
                "scale-missing",
                "that without the learnt weight",
                {"upstream": lambda at: at.grad_output},
            ),
            (
                "not-divided",
                "that without dividing by the standard deviation",
                {"grad_input": lambda at: at.upstream - at.mean_g - at.z * at.mean_gz},
            ),
            (
                "sums-for-means",
                "that with the sums of both terms, not their means",
                {
                    "grad_input": lambda at: (
                        (at.upstream - at.m * at.mean_g - at.z * at.m * at.mean_gz) / at.root
                    )
                },
            ),
            (
                "mean-of-images",
                "that with both sums divided by the batch size, not by the number of values",
                {
                    "mean_g": lambda at: at.total(at.upstream, OF_CHANNEL) / at.images,
                    "mean_gz": lambda at: at.total(at.upstream * at.z, OF_CHANNEL) / at.images,
                },
            ),
            (
                "mask-missing",
                "the gradient of the output as it came",
                {"grad_input": lambda at: at.grad_output},
            ),
        )
    ),
    *(
        (("grad_weight",), Fault(*row))
        for row in (
            (
                "input-for-normalised",
                "the sum of gradients times x, where x normalised is wanted",
                {"grad_weight": lambda at: at.total(at.grad_output * at.x, OF_CHANNEL)},
            ),
            (
                "output-for-normalised",
                "the sum of gradients times the output, where x normalised is wanted",
                {"grad_weight": lambda at: at.total(at.grad_output * at.output, OF_CHANNEL)},
            ),
            (
                "bias-gradient",
                "the gradient of the bias",
                {"grad_weight": lambda at: at.grad_bias},
            ),
        )
    ),
    *(
        (("grad_bias",), Fault(*row))
        for row in (
            (
                "scale-in-bias",
                "the expected one times the learnt weight",
                {"grad_bias": lambda at: at.total(at.upstream, OF_CHANNEL)},
            ),
            (
                "weight-gradient",
                "the gradient of the weight",
                {"grad_bias": lambda at: at.grad_weight},
            ),
        )
    ),
    *(
        (("running_mean", "running_var"), Fault(*row))
        for row in (
            (
                "not-updated",
                "the running one as it was: never updated",
                {"running_mean": lambda at: at.old_mean, "running_var": lambda at: at.old_var},
            ),
            (
                "momentum-reversed",
                "that with momentum the other way round: it is the share of the new value",
                {"share": lambda at: 1 - Rounded(at.momentum), "kept": lambda at: at.momentum},
            ),
            (
                "batch-statistics",
                "the statistics of the batch alone: the old ones are not kept",
                {
                    "running_mean": lambda at: at.stored_mean,
                    "running_var": lambda at: at.stored,
                },
            ),
            (
                "not-decayed",
                "the old value plus momentum times the new: the old one is not decayed",
                {"kept": lambda at: 1.0},
            ),
            (
                "new-not-weighted",
                "the new value added whole: it is not multiplied by momentum",
                {"share": lambda at: 1.0, "kept": lambda at: 1 - Rounded(at.momentum)},
            ),
            (
                "momentum-twice",
                "that after two updates: the pass updates twice",
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
                "that of the biased variance (over m): the unbiased (over m - 1) is to be kept",
                {"stored": lambda at: at.variance},
            ),
            (
                "deviation-for-variance",
                "that of the standard deviation, where the variance is to be kept",
                {"stored": lambda at: at.variance.sqrt()},
            ),
            (
                "deviation-for-variance",
                "that of the unbiased standard deviation, where the variance is to be kept",
                {"stored": lambda at: at.unbiased.sqrt()},
            ),
            (
                "deviation-for-variance",
                "that of sqrt(variance + eps), where the variance is to be kept",
                {"stored": lambda at: at.root},
            ),
            (
                "eps-in-variance",
                "that of the biased variance + eps",
                {"stored": lambda at: at.variance + at.eps},
            ),
            (
                "eps-in-variance",
                "that of the unbiased variance + eps",
                {"stored": lambda at: at.unbiased + at.eps},
            ),
            (
                "second-moment",
                "that of the mean of squares: the mean is not subtracted first",
                {"stored": lambda at: at.total(at.x * at.x, OF_CHANNEL) / at.m},
            ),
            (
                "unbiased-by-images",
                "that of the variance over the batch size - 1, not over the number of values - 1",
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
                f"that of an eps of {words}, where another is given",
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
