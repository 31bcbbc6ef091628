"""The faults of batch normalisation in evaluation, as steps of its formula that they replace."""

from __future__ import annotations

from cnnspec.compare.kinds.batch_norm.formula import NORM
from cnnspec.compare.kinds.normalised import EPS
from cnnspec.numerics import Ball
from cnnspec.numerics.formula import Computation, Steps

predicted = NORM.spoiling("predicted")


def _scaled(at: Computation, z: Ball) -> Ball:
    scaled: Ball = at.weight * z + at.bias
    return scaled


def _by_root(root: Steps) -> Steps:
    """Divide by something else."""
    z: Steps = {"old_z": lambda at: (at.x - at.old_mean) / at.old_root}
    return {**root, **z, "predicted": lambda at: _scaled(at, at.old_z)}


FAULTS = [
    predicted(
        "batch-statistics-in-evaluation",
        "evaluation takes mean and variance of the batch; the running ones are wanted",
        {"predicted": lambda at: at.output},
    ),
    predicted(
        "batch-statistics-in-evaluation",
        "evaluation takes the variance of the batch; the running one is wanted",
        {"predicted": lambda at: _scaled(at, (at.x - at.old_mean) / at.root)},
    ),
    predicted(
        "batch-statistics-in-evaluation",
        "evaluation takes the mean of the batch; the running one is wanted",
        {"predicted": lambda at: _scaled(at, (at.x - at.mean) / at.old_root)},
    ),
    predicted(
        "updates-in-evaluation",
        "evaluation updates the running statistics first, and then takes them",
        {
            "predicted": lambda at: _scaled(
                at, (at.x - at.running_mean) / (at.running_var + at.eps).sqrt()
            )
        },
    ),
    predicted(
        "unbiased-in-evaluation",
        "evaluation takes m / (m - 1) of the running variance, which is unbiased already",
        _by_root({"old_root": lambda at: (at.old_var * at.m / max(at.m - 1, 1) + at.eps).sqrt()}),
    ),
    predicted(
        "root-missing",
        "evaluation divides by the running variance; its root is wanted",
        _by_root({"old_root": lambda at: at.old_var + at.eps}),
    ),
    predicted(
        "root-missing",
        "evaluation divides by the running variance without eps; the root of both is wanted",
        _by_root({"old_root": lambda at: at.old_var}),
    ),
    predicted(
        "variance-squared",
        "evaluation squares the running variance, as if it were a standard deviation",
        _by_root({"old_root": lambda at: (at.old_var * at.old_var + at.eps).sqrt()}),
    ),
    predicted(
        "eps-missing",
        "evaluation leaves out eps",
        _by_root({"old_root": lambda at: at.old_var.sqrt()}),
    ),
    predicted(
        "eps-outside-root",
        "evaluation adds eps outside the root; it belongs inside",
        _by_root({"old_root": lambda at: at.old_var.sqrt() + at.eps}),
    ),
    predicted(
        "mean-not-subtracted",
        "evaluation does not subtract the running mean",
        {"predicted": lambda at: _scaled(at, at.x / at.old_root)},
    ),
    predicted(
        "not-scaled-in-evaluation",
        "evaluation normalises, and neither scales nor shifts",
        {"predicted": lambda at: (at.x - at.old_mean) / at.old_root},
    ),
    predicted(
        "not-scaled-in-evaluation",
        "evaluation does not shift: the bias is left out",
        {"predicted": lambda at: at.weight * ((at.x - at.old_mean) / at.old_root)},
    ),
    predicted(
        "not-applied-in-evaluation",
        "evaluation returns its input as it is",
        {"predicted": lambda at: at.x},
    ),
    *(
        predicted(
            "other-eps",
            f"evaluation takes {eps} for eps; the layer is given another",
            _by_root({"old_root": lambda at, eps=eps: (at.old_var + float(eps)).sqrt()}),  # type: ignore[misc]
        )
        for eps in EPS
    ),
]

HELP = {
    "batch-statistics-in-evaluation": "take the running mean and variance where it is not training",
    "updates-in-evaluation": "update the running statistics in training alone",
    "variance-squared": "take the root of the running variance + eps",
    "unbiased-in-evaluation": "take the running variance as it is",
    "not-scaled-in-evaluation": "multiply by the weight and add the bias in evaluation, too",
    "not-applied-in-evaluation": "normalise by the running mean and variance where it is not "
    "training",
}
