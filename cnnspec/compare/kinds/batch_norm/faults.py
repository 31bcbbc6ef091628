"""The faults of batch normalisation, as steps of its formula that they replace.

Arrays are (n, c, places); features have one place.
"""

from __future__ import annotations

from cnnspec.compare.faults.formula import beside
from cnnspec.compare.kinds import normalised
from cnnspec.compare.kinds.batch_norm.formula import NORM, OF_CHANNEL
from cnnspec.compare.kinds.normalised import NORMALISED_BY, faults_of, over
from cnnspec.numerics import Ball
from cnnspec.numerics.formula import Computation


def _twice(at: Computation, old: Ball, new: Ball) -> Ball:
    """Update running statistics twice."""
    once: Ball = at.kept * old + at.share * new
    twice: Ball = at.kept * once + at.share * new
    return twice


passed = NORM.spoiling(*NORMALISED_BY)
grad_input = NORM.spoiling("grad_input")
running = NORM.spoiling("running_mean", "running_var")
running_var = NORM.spoiling("running_var")

FAULTS = [
    passed(
        "unbiased-variance",
        "the batch is normalised by the unbiased variance (over m - 1); the biased "
        "one (over m) is wanted",
        {"used": lambda at: at.unbiased},
    ),
    *faults_of(NORM),
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
        "wrong-axes",
        "mean and variance are those of each image and channel (instance norm); those "
        "of each channel are wanted",
        over((2,)),
    ),
    passed(
        "wrong-axes",
        "mean and variance are those of each image over all channels (layer norm); "
        "those of each channel are wanted",
        over((1, 2)),
    ),
    passed(
        "wrong-axes",
        "mean and variance are those of each cell over the batch; those of each channel are wanted",
        over((0,)),
    ),
    passed(
        "wrong-axes",
        "mean and variance are those of everything at once; those of each channel are wanted",
        over((0, 1, 2)),
    ),
    passed(
        "wrong-axes",
        "mean and variance are those of the channels of each cell; those "
        "of each channel are wanted",
        over((1,)),
    ),
    passed(
        "wrong-axes",
        "mean and variance are those of each cell over batch and channels; those of "
        "each channel are wanted",
        over((0, 1)),
    ),
    grad_input(
        "mean-of-images",
        "both sums are divided by the batch size; the number of values is wanted",
        {
            "mean_g": lambda at: at.upstream.sum(OF_CHANNEL) / at.images,
            "mean_gz": lambda at: (at.upstream * at.z).sum(OF_CHANNEL) / at.images,
        },
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

BY_CODE = {fault.code: fault for fault in FAULTS}
FAULTS += [
    beside(BY_CODE["biased-variance"], BY_CODE[code])
    for code in ("momentum-reversed", "batch-statistics")
]
"""What is right by other libraries' conventions is off by two of these at once."""


HELP = {
    **normalised.HELP,
    "biased-variance": "store the variance over m - 1",
    "running-statistics": "use the batch's own statistics in training",
    "momentum-reversed": "write (1 - momentum) * old + momentum * new",
    "mean-not-subtracted": "subtract the mean of each channel",
    "wrong-axes": "take mean and variance of each channel: over images, height and width",
    "sums-for-means": "divide both sums by the number of values in a channel",
    "mean-of-images": "divide both sums by the number of values in a channel",
    "unbiased-by-images": "divide by the number of values in a channel - 1",
    "not-updated": "update the running statistics in every training pass",
    "batch-statistics": "write (1 - momentum) * old + momentum * new",
    "not-decayed": "write (1 - momentum) * old + momentum * new",
    "new-not-weighted": "write (1 - momentum) * old + momentum * new",
    "momentum-twice": "update the running statistics once a pass",
    "deviation-for-variance": "store the variance over m - 1, not its root",
    "eps-in-variance": "store the variance over m - 1, without eps",
}
