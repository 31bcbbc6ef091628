"""Faults in the windows of a pooling layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Literal

import numpy as np

from cnnspec.compare.faults.fault import Fault
from cnnspec.compare.faults.shares import Kept, kept_shares, kept_windows
from cnnspec.compare.kinds.pool.pooling import Pooling
from cnnspec.compare.kinds.pool.ways import Change, PoolFault, Way
from cnnspec.numerics.budget import Exact


def changed(code: str, sentence: str, change: Change) -> PoolFault:
    """Return a fault of the windows, which shows in the output and in the gradient."""
    return Fault(code, ("output", "grad_input"), sentence, Way(change=change))


def left_out(code: str, sentence: str, change: Change) -> PoolFault:
    """Return a fault of what the gradient is made of."""
    return Fault(code, ("grad_input",), sentence, Way(change=change))


def _swap(name: str) -> Change:
    return lambda pooling: replace(pooling, **{name: getattr(pooling, name)[::-1]})


def _moved(down: int, right: int) -> Change:
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
    changed(
        "stride-ignored",
        "the stride is ignored: the windows are one cell apart",
        lambda pooling: replace(pooling, stride=(1, 1)),
    ),
    changed(
        "stride-is-kernel",
        "the windows are as far apart as the kernel is large; the stride says how far apart "
        "they are",
        lambda pooling: replace(pooling, stride=pooling.kernel),
    ),
    changed(
        "stride-swapped",
        "the strides of height and width are swapped",
        _swap("stride"),
    ),
    changed(
        "height-width-swapped",
        "the height and the width of the kernel are swapped",
        _swap("kernel"),
    ),
    changed(
        "padding-ignored",
        "the padding is left out",
        lambda pooling: replace(pooling, padding=(0, 0), padding_after=(0, 0)),
    ),
    changed(
        "padding-other-side",
        "all padding lies at the top and the left; it belongs to all sides",
        _moved(1, 1),
    ),
    changed(
        "padding-other-side",
        "all padding lies at the bottom and the right; it belongs to all sides",
        _moved(-1, -1),
    ),
]


def _over_channels(reduced: Callable[[Exact], Exact], name: Literal["x", "grad_output"]) -> Change:
    """Take one number for all channels of a cell."""

    def change(pooling: Pooling) -> Pooling:
        array: Exact = getattr(pooling, name)
        mixed = np.broadcast_to(reduced(array), array.shape)
        return replace(pooling, **{name: mixed})  # type: ignore[arg-type]

    return change


def _average(array: Exact) -> Exact:
    return np.asarray(array.mean(axis=1, keepdims=True))


def _greatest(array: Exact) -> Exact:
    return np.asarray(array.max(axis=1, keepdims=True))


MIXED: list[PoolFault] = [
    Fault(
        "channels-mixed",
        (quantity,),
        f"the {what} runs over all channels, too; each channel has its own",
        Way(change=change),
    )
    for quantity, what, change in (
        ("output", "average", _over_channels(_average, "x")),
        ("output", "maximum", _over_channels(_greatest, "x")),
        ("grad_input", "average", _over_channels(_average, "grad_output")),
    )
]


def _without(rows: bool, columns: bool) -> Change:
    def change(pooling: Pooling) -> Pooling:
        gradient = pooling.grad_output.copy()
        if rows:
            gradient[:, :, -1] = 0
        if columns:
            gradient[:, :, :, -1] = 0
        return replace(pooling, grad_output=gradient)

    return change


def _kept(pooling: Pooling, kept: Kept) -> Pooling:
    return replace(pooling, grad_output=kept(pooling.grad_output))


OF_GRADIENT = [
    left_out(
        "windows-left-out",
        f"the last {words} left out",
        _without(rows, columns),
    )
    for words, rows, columns in (
        ("row and the last column of windows are", True, True),
        ("row of windows is", True, False),
        ("column of windows is", False, True),
    )
] + [
    left_out(
        "upstream-missing",
        "the upstream gradient is never used: the result is that for an upstream gradient of ones",
        lambda pooling: replace(pooling, grad_output=np.ones_like(pooling.grad_output)),
    ),
    *(
        left_out(kept.code, kept.sentence, partial(_kept, kept=kept))
        for kept in chain(kept_shares("channel"), kept_windows("channel"))
    ),
]
