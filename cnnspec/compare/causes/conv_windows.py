"""Faults in the windows of a convolution: kernels, strides, padding, overlaps, groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from cnnspec.compare.budget import Exact
from cnnspec.compare.causes.conv_fault import (
    BUT_LAST,
    FIRST,
    GRADIENTS,
    LAST,
    OF_PLACES,
    OF_WEIGHT,
    Change,
    Fault,
    both,
    only,
    weight_change,
)
from cnnspec.compare.causes.convolution import Convolution, Overlaps, PadMode
from cnnspec.compare.causes.layout import DIRECTIONS

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
    Fault(
        "flipped-kernel",
        "each kernel is flipped in space: this is a true convolution, and a correlation is wanted",
        weight_change(lambda weight: weight[:, :, ::-1, ::-1]),
        ("output",),
    ),
    Fault(
        "flipped-kernel",
        "each kernel is used as it is: this is a full correlation, and the input gradient is "
        "a full convolution, with each kernel flipped in space",
        weight_change(lambda weight: weight[:, :, ::-1, ::-1]),
        ("grad_input",),
    ),
    Fault(
        "flipped-kernel",
        "each kernel is flipped upside down",
        weight_change(lambda weight: weight[:, :, ::-1]),
        OF_WEIGHT,
    ),
    Fault(
        "flipped-kernel",
        "each kernel is flipped left to right",
        weight_change(lambda weight: weight[:, :, :, ::-1]),
        OF_WEIGHT,
    ),
    Fault(
        "height-width-swapped",
        "the height and the width of each kernel are swapped",
        lambda problem: replace(problem, weight=problem.weight.swapaxes(2, 3)),
        OF_WEIGHT,
    ),
    *(
        Fault(
            "weight-reshaped",
            f"the numbers of the weight are {verb} ({', '.join(order)})",
            weight_change(partial(change, order=order)),
            OF_WEIGHT,
        )
        for verb, change in (("read as", _read_as), ("laid out as", _laid_out_as))
        for order in ORDERS
    ),
    *(
        Fault(
            "taps-left-out",
            f"the {words} of each kernel is never used: a loop may end too early",
            weight_change(partial(_without, axis=axis, index=index)),
            OF_WEIGHT,
        )
        for words, axis, index in (
            ("last row", 2, -1),
            ("last column", 3, -1),
            ("first row", 2, 0),
            ("first column", 3, 0),
        )
    ),
]


def _one_stride(problem: Convolution) -> Convolution:
    return replace(problem, stride=(1, 1))


def _kernel_stride(problem: Convolution) -> Convolution:
    _, _, height, width = problem.weight.shape
    return replace(problem, stride=(height, width))


def _wider(problem: Convolution) -> Convolution:
    height, width = problem.dilation
    return replace(problem, dilation=(height + 1, width + 1))


GEOMETRY = [
    Fault(
        "stride-ignored",
        "the stride is ignored: the windows are one cell apart",
        _one_stride,
        OF_PLACES,
    ),
    Fault(
        "stride-is-kernel",
        "the windows are as far apart as the kernel is large; the stride says how far apart "
        "they are",
        _kernel_stride,
        OF_PLACES,
    ),
    Fault(
        "stride-swapped",
        "the strides of height and width are swapped",
        lambda problem: replace(problem, stride=problem.stride[::-1]),
        OF_PLACES,
    ),
    Fault(
        "dilation-ignored",
        "the dilation is ignored",
        lambda problem: replace(problem, dilation=(1, 1)),
        OF_PLACES,
    ),
    Fault(
        "dilation-swapped",
        "the dilations of height and width are swapped",
        lambda problem: replace(problem, dilation=problem.dilation[::-1]),
        OF_PLACES,
    ),
    Fault(
        "dilation-off-by-one",
        "the dilation is too great by 1: it is taken for the number of cells between two taps",
        _wider,
        OF_PLACES,
    ),
    Fault(
        "windows-left-out",
        "the last row and the last column of windows are left out: a loop may end one too early",
        both(only(2, BUT_LAST, "grad_output"), only(3, BUT_LAST, "grad_output")),
        GRADIENTS,
    ),
    Fault(
        "windows-left-out",
        "the last row of windows is left out: a loop may end one too early",
        only(2, BUT_LAST, "grad_output"),
        GRADIENTS,
    ),
    Fault(
        "windows-left-out",
        "the last column of windows is left out: a loop may end one too early",
        only(3, BUT_LAST, "grad_output"),
        GRADIENTS,
    ),
    Fault(
        "windows-left-out",
        "only the last window of each image counts: its share is assigned where it should be added",
        both(only(2, LAST, "grad_output"), only(3, LAST, "grad_output")),
        GRADIENTS,
    ),
    Fault(
        "windows-left-out",
        "only the first window of each image counts; the shares of all windows are added",
        both(only(2, FIRST, "grad_output"), only(3, FIRST, "grad_output")),
        GRADIENTS,
    ),
    Fault(
        "windows-left-out",
        "only the last window of the last image counts: its share is assigned where it should "
        "be added",
        both(
            only(0, LAST, "grad_output"),
            both(only(2, LAST, "grad_output"), only(3, LAST, "grad_output")),
        ),
        GRADIENTS,
    ),
]


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
    Fault(
        "padding-ignored",
        "the padding is left out",
        _pads(lambda before, after: (0, 0)),
        ("output", "grad_weight"),
    ),
    Fault(
        "padding-ignored",
        "the padding is not cut off on all sides: it may be cut off at the bottom and the "
        "right alone",
        _pads(lambda before, after: (0, 0)),
        ("grad_input",),
    ),
    Fault(
        "padding-other-side",
        "the extra cell of the padding lies at the top and the left; it belongs to the bottom "
        "and the right",
        _pads(lambda before, after: (after, before)),
        OF_PLACES,
    ),
    Fault(
        "padding-other-side",
        "all padding lies at the bottom and the right; it belongs to all sides",
        _pads(lambda before, after: (0, before + after)),
        OF_PLACES,
    ),
    Fault(
        "padding-other-side",
        "all padding lies at the top and the left; it belongs to all sides",
        _pads(lambda before, after: (before + after, 0)),
        OF_PLACES,
    ),
    Fault(
        "padding-swapped",
        "the paddings of height and width are swapped",
        lambda problem: replace(problem, pads=problem.pads[::-1]),
        OF_PLACES,
    ),
    *(
        Fault(
            "padding-mode",
            f"{words}; the padding is zeros",
            _padded_by(mode),
            ("output", "grad_weight"),
        )
        for mode, words in MODES.items()
    ),
    Fault(
        "padding-ignored",
        "the windows that reach over the edge are left out",
        _inside_alone,
        GRADIENTS,
    ),
    *(
        Fault(
            "shifted",
            f"the image is moved by one cell {words}",
            _moved_pads(*direction),
            OF_PLACES,
        )
        for direction, words in DIRECTIONS.items()
    ),
]


def _overwriting(which: Overlaps) -> Change:
    return lambda problem: replace(problem, overlaps=which)


WHICH: tuple[Overlaps, ...] = ("last", "first")

OVERLAPS = [
    Fault(
        "overlaps-overwritten",
        f"where windows overlap, only the {which} window's gradient is kept: it is assigned where "
        "it should be added",
        _overwriting(which),
        ("grad_input",),
    )
    for which in WHICH
] + [
    Fault(
        "overlaps-overwritten",
        "only the gradient of the last window and the last output channel is kept: it is "
        "assigned where it should be added",
        both(only(1, LAST, "grad_output"), _overwriting("last")),
        ("grad_input",),
    )
]


def _first_group(problem: Convolution) -> Convolution:
    x = problem.x.copy()
    n, channels, *size = x.shape
    grouped = x.reshape(n, problem.groups, channels // problem.groups, *size)
    grouped[:] = grouped[:, :1].copy()
    return replace(problem, x=x)


def _interleaved(channels: int, groups: int) -> list[int]:
    """Return the channels in the order 0, groups, 2 groups, ..., 1, groups + 1, ..."""
    return [channel for group in range(groups) for channel in range(group, channels, groups)]


def _interleaved_inputs(problem: Convolution) -> Convolution:
    return replace(problem, x=problem.x[:, _interleaved(problem.x.shape[1], problem.groups)])


def _reversed_groups(problem: Convolution) -> Convolution:
    n, channels, *size = problem.x.shape
    grouped = problem.x.reshape(n, problem.groups, channels // problem.groups, *size)
    return replace(problem, x=grouped[:, ::-1].reshape(problem.x.shape))


def _interleaved_filters(problem: Convolution) -> Convolution | None:
    order = _interleaved(len(problem.weight), problem.groups)
    return replace(problem, weight=problem.weight[order], grad_output=problem.grad_output[:, order])


GROUPS = [
    Fault(
        "groups-ignored",
        "every group reads the channels of the first group; each has its own",
        _first_group,
        ("output", "grad_weight"),
    ),
    Fault(
        "groups-order",
        "the channels of the input are dealt out to the groups one by one; the channels of a "
        "group follow each other",
        _interleaved_inputs,
        ("output", "grad_weight"),
    ),
    Fault(
        "groups-order",
        "the groups of the input are taken in reversed order",
        _reversed_groups,
        ("output", "grad_weight"),
    ),
    Fault(
        "groups-order",
        "the filters are dealt out to the groups one by one; the filters of a group follow "
        "each other",
        _interleaved_filters,
        ("grad_input",),
    ),
]
