"""What the referee knows of layer normalisation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation
from cnnspec.compare.kinds import normalised
from cnnspec.compare.kinds.formula import FormulaKind
from cnnspec.compare.kinds.layer import Setting, numbers
from cnnspec.compare.kinds.normalised import (
    NORMALISED_BY,
    Flat,
    NormFormula,
    back,
    faults_of,
    other_eps,
    over,
)
from cnnspec.numerics import Arithmetic, Ball
from cnnspec.numerics.formula import Computation, Steps
from cnnspec.spec.layers import LayerNorm

Observed = Observation[LayerSituation]


def _options(situation: LayerSituation) -> LayerNorm:
    assert isinstance(situation.at.layer, LayerNorm)
    return situation.at.layer


def _flat(situation: LayerSituation) -> Flat:
    n, channels = situation.x.shape[:2]
    return n, channels, situation.x[0, 0].size


def _given(situation: LayerSituation, arithmetic: Arithmetic) -> dict[str, Any]:
    options, shape = _options(situation), _flat(situation)
    whole = options.over == "image"
    own = (1, shape[1], shape[2] if whole else 1)
    parameters = {"weight": np.ones(own), "bias": np.zeros(own), **situation.parameters}
    return {
        "x": arithmetic.rounded(situation.x.reshape(shape)),
        "grad_output": arithmetic.rounded(situation.grad_output.reshape(shape)),
        "eps": options.eps,
        "shape": shape,
        "axes": (1, 2) if whole else (1,),
        "shared": (0,) if whole else (0, 2),
    } | {name: arithmetic.rounded(array.reshape(own)) for name, array in parameters.items()}


def _back(at: Computation) -> Ball:
    """Return the gradient of x; torch makes it of two sums with x itself."""

    def by_factors(u: Ball, mean_u: Ball, z: Ball, mean_uz: Ball, d: Ball, root: Ball) -> Ball:
        m: int = at.m
        scale = 1 / root
        of_u, of_ux = u.sum(at.axes), (u * at.x).sum(at.axes)
        factor = (of_u * at.mean - of_ux) * scale * scale * scale / m
        shift = -factor * at.mean - of_u * scale / m
        found: Ball = u * scale + at.x * factor + shift
        return found

    return back(at, by_factors)


STEPS: Steps = {**normalised.STEPS, "grad_input": _back}
NORM = NormFormula(_flat, _given, STEPS)

_passed = NORM.spoiling(*NORMALISED_BY)

FAULTS = (
    _passed(
        "unbiased-variance",
        "numbers are normalised by the unbiased variance (over m - 1); the biased one (over m) is "
        "wanted",
        {"used": lambda at: at.unbiased},
    ),
    *faults_of(NORM),
)

AXES = {
    (1,): "the channels of each cell",
    (1, 2): "all channels and cells of each image",
    (2,): "each channel of each image (instance norm)",
    (0, 2): "each channel over the batch (batch norm)",
    (0,): "each cell and channel over the batch",
    (0, 1, 2): "everything at once",
}
"""Of what people take mean and variance."""


def _wrong_axes(situation: LayerSituation) -> Iterator[Fault[LayerSituation]]:
    """Suppose mean and variance of other numbers; of features, some of these are the same."""
    places = _flat(situation)[2]
    right = (1, 2) if _options(situation).over == "image" else (1,)
    for axes, words in AXES.items():
        if any((axis in axes) != (axis in right) for axis in (0, 1, *([2] if places > 1 else []))):
            yield _passed(
                "wrong-axes",
                f"mean and variance are those of {words}; those of {AXES[right]} are wanted",
                over(axes),
            )


HELP = {
    **normalised.HELP,
    "mean-not-subtracted": "subtract the mean of the channels of each cell, or of the image",
    "sums-for-means": "divide both sums by the number of values that are normalised together",
    "wrong-axes": "take the mean over axis 1 of (n, c, h, w), or over axes 1, 2 and 3, as `over` "
    "says",
}


class LayerNormKind(FormulaKind):
    """Normalisation of each image by itself: over channels, or over all that it has."""

    formula = NORM
    faults = FAULTS
    help = HELP
    shown = {  # noqa: RUF012
        "mean": "of what is normalised together",
        "variance": "of the same, biased",
        "root": "of the variance + eps",
        "z": "x normalised",
    }
    of_one_rank = True
    settings = (
        Setting("images", LayerNorm(), (3, 4, 5)),
        Setting("features", LayerNorm(), (6,)),
        numbers("one cell", LayerNorm(), (3, 1, 1)),
        numbers("one cell", LayerNorm(), (3,)),
        numbers("eps 0.1", LayerNorm(eps=0.1), (3, 4, 5)),
        numbers("eps 0.1", LayerNorm(eps=0.1), (6,)),
        numbers("no bias", LayerNorm(bias=False), (3, 4, 5)),
        numbers("no bias", LayerNorm(bias=False), (6,)),
        numbers("not affine", LayerNorm(elementwise_affine=False), (3, 4, 5)),
        numbers("not affine", LayerNorm(elementwise_affine=False), (6,)),
        Setting("whole images", LayerNorm(over="image"), (2, 3, 4)),
        numbers("whole images of one channel", LayerNorm(over="image"), (1, 3, 4)),
    )
    one_of = "over"

    def suspected(self, observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
        yield from super().suspected(observations)
        situation, quantity = observations[0].situation, observations[0].quantity
        more = (*_wrong_axes(situation), *other_eps(NORM, _options(situation).eps))
        yield from (fault for fault in more if fault.spoils(quantity))
