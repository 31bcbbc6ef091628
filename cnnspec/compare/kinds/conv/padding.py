"""Faults in the padding of a convolution: how much, on which side, and of what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cnnspec.compare.faults.directions import DIRECTIONS
from cnnspec.compare.kinds.affine.change import (
    Change,
    grad_input,
    gradients,
    of_input,
    of_places,
)
from cnnspec.compare.kinds.affine.convolution import Convolution, PadMode


def _pads(change: Callable[[int, int], tuple[int, int]]) -> Change:
    def changed(problem: Convolution) -> Convolution:
        vertical, horizontal = (change(*pads) for pads in problem.pads)
        return replace(problem, pads=(vertical, horizontal))

    return changed


def _moved_pads(down: int, right: int) -> Change:
    def changed(problem: Convolution) -> Convolution:
        (top, bottom), (left, after) = problem.pads
        pads = ((top + down, bottom - down), (left + right, after - right))
        return replace(problem, pads=pads)

    return changed


def _padded_by(mode: PadMode) -> Change:
    def changed(problem: Convolution) -> Convolution | None:
        sizes = problem.x.shape[2:]
        if mode == "reflect" and min(sizes) == 1:
            return None
        return replace(problem, padded_by=mode)

    return changed


def _inside_alone(problem: Convolution) -> Convolution:
    """Leave out the windows that reach over the edge of the image."""
    gradient = problem.grad_output.copy()
    for axis, (before, _) in enumerate(problem.pads):
        size, cells = problem.x.shape[2 + axis], problem.weight.shape[2 + axis]
        start = np.arange(gradient.shape[2 + axis]) * problem.stride[axis] - before
        reach = problem.dilation[axis] * (cells - 1)
        outside = (start < 0) | (start + reach >= size)
        gradient[(slice(None),) * (2 + axis) + (outside,)] = 0
    return replace(problem, grad_output=gradient)


MODES: dict[PadMode, str] = {
    "edge": "the edge is repeated as padding",
    "reflect": "the image is reflected as padding",
    "symmetric": "the image is mirrored as padding",
    "wrap": "the image's other side is taken as padding",
}

PADDING = [
    of_input(
        "padding-ignored",
        "the padding is left out",
        _pads(lambda before, after: (0, 0)),
    ),
    grad_input(
        "padding-ignored",
        "the padding is not cut off on all sides: it may be cut off at the bottom and the "
        "right alone",
        _pads(lambda before, after: (0, 0)),
    ),
    of_places(
        "padding-other-side",
        "the extra cell of the padding lies at the top and the left; it belongs to the bottom "
        "and the right",
        _pads(lambda before, after: (after, before)),
    ),
    of_places(
        "padding-other-side",
        "all padding lies at the bottom and the right; it belongs to all sides",
        _pads(lambda before, after: (0, before + after)),
    ),
    of_places(
        "padding-other-side",
        "all padding lies at the top and the left; it belongs to all sides",
        _pads(lambda before, after: (before + after, 0)),
    ),
    of_places(
        "padding-swapped",
        "the paddings of height and width are swapped",
        lambda problem: replace(problem, pads=problem.pads[::-1]),
    ),
    *(
        of_input(
            "padding-mode",
            f"{words}; the padding is zeros",
            _padded_by(mode),
        )
        for mode, words in MODES.items()
    ),
    gradients(
        "padding-ignored",
        "the windows that reach over the edge are left out",
        _inside_alone,
    ),
    *(
        of_places(
            "shifted",
            f"the image is moved by one cell {words}",
            _moved_pads(*direction),
        )
        for direction, words in DIRECTIONS.items()
    ),
]
