"""Faults in the windows of a pooling layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from cnnspec.compare.causes.pool_faults import Change
from cnnspec.compare.causes.pooling import (
    Pooling,
)


def _swap(name: str) -> Callable[[Pooling], Pooling]:
    return lambda pooling: replace(pooling, **{name: getattr(pooling, name)[::-1]})


def _moved(down: int, right: int) -> Callable[[Pooling], Pooling]:
    """Take the windows to start elsewhere in the padding, as far as there is any."""

    def change(pooling: Pooling) -> Pooling:
        (top, left), (bottom, after) = pooling.padding, pooling.padding_after
        down_by, right_by = down * bottom, right * after
        return replace(
            pooling,
            padding=(top + down_by, left + right_by),
            padding_after=(bottom - down_by, after - right_by),
        )

    return change


CHANGES = [
    Change(
        "stride-ignored",
        "the expected one for a stride of 1",
        lambda pooling: replace(pooling, stride=(1, 1)),
    ),
    Change(
        "stride-is-kernel",
        "the expected one for a stride as large as the kernel",
        lambda pooling: replace(pooling, stride=pooling.kernel),
    ),
    Change(
        "stride-swapped",
        "the expected one with the strides of height and width swapped",
        _swap("stride"),
    ),
    Change(
        "height-width-swapped",
        "the expected one with height and width of the kernel swapped",
        _swap("kernel"),
    ),
    Change(
        "padding-ignored",
        "the expected one without padding",
        lambda pooling: replace(pooling, padding=(0, 0), padding_after=(0, 0)),
    ),
    Change(
        "padding-other-side",
        "the expected one with all padding at the top and the left",
        _moved(1, 1),
    ),
    Change(
        "padding-other-side",
        "the expected one with all padding at the bottom and the right",
        _moved(-1, -1),
    ),
]


def _without(rows: bool, columns: bool) -> Callable[[Pooling], Pooling]:
    def change(pooling: Pooling) -> Pooling:
        gradient = pooling.grad_output.copy()
        if rows:
            gradient[:, :, -1] = 0
        if columns:
            gradient[:, :, :, -1] = 0
        return replace(pooling, grad_output=gradient)

    return change


def _one_image(pooling: Pooling, index: int) -> Pooling:
    gradient = np.zeros_like(pooling.grad_output)
    gradient[index] = pooling.grad_output[index]
    return replace(pooling, grad_output=gradient)


OF_GRADIENT = [
    Change(
        "windows-left-out",
        f"the expected one without the last {words} of windows",
        _without(rows, columns),
    )
    for words, rows, columns in (
        ("row and the last column", True, True),
        ("row", True, False),
        ("column", False, True),
    )
] + [
    Change(
        "upstream-missing",
        "the expected one for an upstream gradient of ones: the chain rule is missing",
        lambda pooling: replace(pooling, grad_output=np.ones_like(pooling.grad_output)),
    ),
    *(
        Change(
            "images-left-out",
            f"the expected one with the {words} image alone counted",
            partial(_one_image, index=index),
        )
        for words, index in (("last", -1), ("first", 0))
    ),
]
