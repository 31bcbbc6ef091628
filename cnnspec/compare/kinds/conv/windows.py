"""Faults in the windows of a convolution: strides, dilations, overlaps, groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction, transformed
from cnnspec.compare.faults.shares import kept_windows
from cnnspec.compare.kinds.affine.change import (
    BUT_LAST,
    LAST,
    Change,
    both,
    grad_input,
    gradients,
    of_input,
    of_places,
    only,
)
from cnnspec.compare.kinds.affine.convolution import Convolution, Overlaps
from cnnspec.compare.kinds.affine.weights import kept_gradient


def _one_stride(problem: Convolution) -> Convolution:
    return replace(problem, stride=(1, 1))


def _kernel_stride(problem: Convolution) -> Convolution:
    _, _, height, width = problem.weight.shape
    return replace(problem, stride=(height, width))


def _wider(problem: Convolution) -> Convolution:
    height, width = problem.dilation
    return replace(problem, dilation=(height + 1, width + 1))


def _but_last_window(problem: Convolution) -> Convolution:
    grad_output = problem.grad_output.copy()
    grad_output[..., -1:, -1:] = 0
    return replace(problem, grad_output=grad_output)


GEOMETRY = [
    of_places(
        "stride-ignored",
        "the stride is ignored: the windows are one cell apart",
        _one_stride,
    ),
    of_places(
        "stride-is-kernel",
        "the windows are as far apart as the kernel is large; the stride says how far apart "
        "they are",
        _kernel_stride,
    ),
    of_places(
        "stride-swapped",
        "the strides of height and width are swapped",
        lambda problem: replace(problem, stride=problem.stride[::-1]),
    ),
    of_places(
        "dilation-ignored",
        "the dilation is ignored",
        lambda problem: replace(problem, dilation=(1, 1)),
    ),
    of_places(
        "dilation-swapped",
        "the dilations of height and width are swapped",
        lambda problem: replace(problem, dilation=problem.dilation[::-1]),
    ),
    of_places(
        "dilation-off-by-one",
        "the dilation is too great by 1: it is taken for the number of cells between two taps",
        _wider,
    ),
    gradients(
        "windows-left-out",
        "the last row and the last column of windows are left out: a loop may end one too early",
        both(only(2, BUT_LAST, "grad_output"), only(3, BUT_LAST, "grad_output")),
    ),
    gradients(
        "windows-left-out",
        "the last row of windows is left out: a loop may end one too early",
        only(2, BUT_LAST, "grad_output"),
    ),
    gradients(
        "windows-left-out",
        "the last column of windows is left out: a loop may end one too early",
        only(3, BUT_LAST, "grad_output"),
    ),
    gradients(
        "windows-left-out",
        "the last window of each image is left out: a loop may end one too early",
        _but_last_window,
    ),
    *map(kept_gradient, kept_windows("output channel")),
]


def _overwriting(which: Overlaps) -> Change:
    return lambda problem: replace(problem, overlaps=which)


WHICH: tuple[Overlaps, ...] = ("last", "first")

OVERLAPS = [
    grad_input(
        "overlaps-overwritten",
        f"where windows overlap, only the {which} window's gradient is kept: it is assigned where "
        "it should be added",
        _overwriting(which),
    )
    for which in WHICH
] + [
    grad_input(
        "overlaps-overwritten",
        "only the gradient of the last window and the last output channel is kept: it is "
        "assigned where it should be added",
        both(only(1, LAST, "grad_output"), _overwriting("last")),
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


def _dealt_out(observation: Observation[LayerSituation]) -> Prediction:
    layer: Any = observation.situation.at.layer
    places = np.argsort(_interleaved(observation.wanted.shape[1], layer.groups))
    return transformed(observation, lambda array: array[:, places])


GROUPS = [
    of_input(
        "groups-ignored",
        "every group reads the channels of the first group; each has its own",
        _first_group,
    ),
    of_input(
        "groups-order",
        "the channels of the input are dealt out to the groups one by one; the channels of a "
        "group follow each other",
        _interleaved_inputs,
    ),
    of_input(
        "groups-order",
        "the groups of the input are taken in reversed order",
        _reversed_groups,
    ),
    grad_input(
        "groups-order",
        "the filters are dealt out to the groups one by one; the filters of a group follow "
        "each other",
        _interleaved_filters,
    ),
    Fault(
        "groups-order",
        ("grad_input",),
        "the channels of the input's gradient are dealt out to the groups one by one; the channels "
        "of a group follow each other",
        _dealt_out,
    ),
]
