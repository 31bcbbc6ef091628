"""Faults of the kernels of a convolution: their order, their flips, their cells."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from cnnspec.compare.kinds.affine.change import grad_input, of_weight, output, weight_change
from cnnspec.numerics.budget import Exact

AXES = ("out", "in", "height", "width")
ORDERS = (
    ("out", "in", "width", "height"),
    ("out", "height", "width", "in"),
    ("height", "width", "in", "out"),
    ("height", "width", "out", "in"),
)
"""How else people and frameworks lay a weight out."""


def _read_as(weight: Exact, order: tuple[str, ...]) -> Exact:
    """Take the numbers of a weight for one whose axes are laid out in another order."""
    axes = [AXES.index(name) for name in order]
    shape = [weight.shape[axis] for axis in axes]
    return weight.reshape(shape).transpose(np.argsort(axes))


def _laid_out_as(weight: Exact, order: tuple[str, ...]) -> Exact:
    """Lay the axes of a weight out in another order, and take it for the right one."""
    return weight.transpose([AXES.index(name) for name in order]).reshape(weight.shape)


def _without(weight: Exact, axis: int, index: int) -> Exact:
    """Put zeros in place of a row or column of each kernel."""
    kept = weight.copy()
    kept.swapaxes(0, axis)[index] = 0
    return kept


KERNEL = [
    output(
        "flipped-kernel",
        "each kernel is flipped in space: this is a true convolution, and a correlation is wanted",
        weight_change(lambda weight: weight[:, :, ::-1, ::-1]),
    ),
    grad_input(
        "flipped-kernel",
        "each kernel is used as it is: this is a full correlation, and the input gradient is "
        "a full convolution, with each kernel flipped in space",
        weight_change(lambda weight: weight[:, :, ::-1, ::-1]),
    ),
    of_weight(
        "flipped-kernel",
        "each kernel is flipped upside down",
        weight_change(lambda weight: weight[:, :, ::-1]),
    ),
    of_weight(
        "flipped-kernel",
        "each kernel is flipped left to right",
        weight_change(lambda weight: weight[:, :, :, ::-1]),
    ),
    of_weight(
        "height-width-swapped",
        "the height and the width of each kernel are swapped",
        lambda problem: replace(problem, weight=problem.weight.swapaxes(2, 3)),
    ),
    *(
        of_weight(
            "weight-reshaped",
            f"the numbers of the weight are {verb} ({', '.join(order)})",
            weight_change(partial(change, order=order)),
        )
        for verb, change in (("read as", _read_as), ("laid out as", _laid_out_as))
        for order in ORDERS
    ),
    *(
        of_weight(
            "taps-left-out",
            f"the {words} of each kernel is never used: a loop may end too early",
            weight_change(partial(_without, axis=axis, index=index)),
        )
        for words, axis, index in (
            ("last row", 2, -1),
            ("last column", 3, -1),
            ("first row", 2, 0),
            ("first column", 3, 0),
        )
    ),
]
