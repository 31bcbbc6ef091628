"""The faults of a pooling layer's gradient: who takes it, and what overlaps do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import numpy as np

from cnnspec.compare.kinds.pool.pooling import (
    Mask,
    Pooling,
    Route,
    area,
    averaging,
    first,
    last,
    padded_cells,
    real_cells,
    to_the_first,
)
from cnnspec.compare.kinds.pool.ways import PoolFault, gradient, routed
from cnnspec.numerics.budget import Exact


def _to(mask: Callable[[Pooling], Mask]) -> Route:
    return lambda pooling: mask(pooling).astype(np.float64)


def _equally(pooling: Pooling) -> Exact:
    maximum = pooling.maximum()
    return np.asarray(maximum / maximum.sum(axis=0))


def _of_first_channel(pooling: Pooling) -> Exact:
    routes = to_the_first(pooling)
    return np.broadcast_to(routes[:, :, :1], routes.shape)


def _least(pooling: Pooling) -> Mask:
    windows = pooling.windows(np.inf)
    return first((windows == windows.min(axis=0)) & pooling.real())


def _of_padded(pooling: Pooling) -> Mask:
    """Mark the first maximum of cells and padded zeros: a padded cell's share is lost."""
    windows = pooling.windows(0)
    return first(windows == windows.max(axis=0))


def _of_positive(pooling: Pooling) -> Mask:
    windows = pooling.windows(-np.inf)
    return first(pooling.maximum()) & (windows > 0)


def _evenly(cells: Callable[[Pooling], Exact | float]) -> Route:
    return lambda pooling: np.broadcast_to(1 / cells(pooling), pooling.windows(0).shape)


ROUTES: dict[str, list[PoolFault]] = {
    "max": [
        routed(
            "ties-to-all",
            "the gradient of each window goes to every cell that equals the maximum; only the "
            "first may take it",
            _to(Pooling.maximum),
        ),
        routed(
            "ties-to-last",
            "the gradient of each window goes to the last of equal maxima; the first takes it",
            _to(lambda pooling: last(pooling.maximum())),
        ),
        routed(
            "ties-shared",
            "the gradient of each window is shared out among equal maxima; the first takes "
            "all of it",
            _equally,
        ),
        routed(
            "ties-to-first-by-column",
            "the gradient of each window goes to the first of equal maxima column by column; "
            "the first row by row takes it",
            _to(lambda pooling: _first_by_column(pooling)),
        ),
        routed(
            "padding-wins",
            "the gradient of a window is lost where padded zeros are its greatest; padding "
            "may never win",
            _to(_of_padded),
        ),
        routed(
            "starts-from-zero",
            "the gradient of a window is lost where none of its cells is above 0: the search "
            "for the maximum may start from 0",
            _to(_of_positive),
        ),
        routed(
            "argmax-of-one-channel",
            "the gradient of every channel goes to where the first channel has its maximum; "
            "each channel has its own",
            _of_first_channel,
        ),
        routed(
            "min-for-max",
            "the gradient of each window goes to its least cell; the greatest takes it",
            _to(_least),
        ),
        routed(
            "average-for-max",
            "the gradient of each window is spread evenly, as an average's is; the greatest "
            "cell takes all of it",
            _evenly(padded_cells),
        ),
        routed(
            "average-for-max",
            "the gradient of each window is spread evenly over the kernel's area; the "
            "greatest cell takes all of it",
            _evenly(area),
        ),
        routed(
            "whole-to-all",
            "the whole gradient of each window goes to every one of its cells; the greatest "
            "takes it",
            _evenly(lambda _: 1.0),
        ),
        routed(
            "one-cell",
            "the gradient of each window goes to its first cell; the greatest takes it",
            _to(lambda pooling: first(np.broadcast_to(pooling.real(), pooling.windows(0).shape))),
        ),
    ],
    "avg": [
        routed(
            "padding-not-counted",
            "the gradient of each window is spread over its real cells; padded cells take "
            "their share, too",
            _evenly(real_cells),
        ),
        routed(
            "divided-by-kernel",
            "the gradient of each window is divided by the kernel's area; a window that "
            "`ceil_mode` cuts short has fewer cells",
            _evenly(area),
        ),
        routed(
            "divided-twice",
            "the gradient of each window is divided by the number of its cells twice",
            _evenly(lambda pooling: padded_cells(pooling) ** 2),
        ),
        routed(
            "not-divided",
            "the whole gradient of each window goes to every one of its cells: it is never divided",
            _evenly(lambda _: 1.0),
        ),
        routed(
            "divided-by-side",
            "the gradient of each window is divided by the kernel's height alone",
            _evenly(lambda pooling: float(pooling.kernel[0])),
        ),
        routed(
            "divided-by-side",
            "the gradient of each window is divided by the kernel's width alone",
            _evenly(lambda pooling: float(pooling.kernel[1])),
        ),
        routed(
            "divided-by-side",
            "the gradient of each window is divided by the sum of the kernel's sides; their "
            "product is wanted",
            _evenly(lambda pooling: float(sum(pooling.kernel))),
        ),
        routed(
            "divided-by-windows",
            "the gradient of each window is divided by the number of windows, the output's height "
            "times its width; the number of its cells is wanted",
            _evenly(lambda pooling: float(np.prod(pooling.counts))),
        ),
        routed(
            "max-for-average",
            "the gradient of each window goes to its greatest cell, as a maximum's does; "
            "every cell takes a share",
            to_the_first,
        ),
        routed(
            "max-for-average",
            "the gradient of each window goes to every cell that equals the maximum; every "
            "cell takes a share",
            _to(Pooling.maximum),
        ),
    ],
}


def _first_by_column(pooling: Pooling) -> Mask:
    height, width = pooling.kernel
    maximum = pooling.maximum()
    by_column = np.arange(height * width).reshape(height, width).T.ravel()
    return np.asarray(first(maximum[by_column])[np.argsort(by_column)])


def overwritten(kind: str) -> Iterator[PoolFault]:
    """Suppose gradients that are assigned where they should be added, or share one mask."""
    routes = OVERWRITTEN[kind]
    for (ties, route), which in product(routes.items(), ("last", "first")):
        yield gradient(
            "overlaps-overwritten",
            f"where windows overlap, only the {which} window's gradient is kept: it is assigned "
            f"where it should be added{ties}",
            partial(_assigned, route=route, which=which),
        )
        if kind == "max":
            yield gradient(
                "overlaps-overwritten",
                f"where windows overlap, only the gradient of the {which} window that sends any is "
                f"kept: it is assigned where it should be added{ties}",
                partial(_assigned_where_sent, route=route, which=which),
            )
    if kind == "avg":
        return
    for ties, route in routes.items():
        yield gradient(
            "shared-mask",
            "each cell that is the maximum in any window takes the gradient that stands there when "
            "each is repeated by the stride: overlapping windows share one mask, and each cell "
            f"has one gradient{ties}",
            partial(_repeated, route=route),
        )
    yield gradient(
        "height-width-swapped",
        "the place of each maximum, counted row by row, is divided by the kernel's height; by its "
        "width it comes to a row and a column",
        _misplaced,
    )
    for (ties, route), drawn, overlaps in product(routes.items(), ("any", "last"), ("sum", "last")):
        words = "in any window" if drawn == "any" else "in the last window over it"
        written = "" if overlaps == "sum" else "; and of these gradients only the last is kept"
        yield gradient(
            "shared-mask",
            f"every window over a cell that is the maximum {words} sends its gradient there: "
            f"overlapping windows share one mask{ties}{written}",
            partial(_shared_mask, route=route, drawn=drawn, overlaps=overlaps),
        )


TIES = ". Besides, equal maxima all take it"

OVERWRITTEN: dict[str, dict[str, Route]] = {
    "max": {"": to_the_first, TIES: _to(Pooling.maximum)},
    "avg": {"": averaging},
}


def _assigned(pooling: Pooling, route: Route, which: str) -> Exact:
    return pooling.spread(route(pooling) * pooling.grad_output, overlaps=which)


def _assigned_where_sent(pooling: Pooling, route: Route, which: str) -> Exact:
    shares = route(pooling)
    sent = np.where(shares > 0, shares * pooling.grad_output, np.nan)
    return pooling.spread(sent, overlaps=which)


def _shared_mask(pooling: Pooling, route: Route, drawn: str, overlaps: str) -> Exact:
    """Mark each window's maximum in one mask of the image, and read every window from it."""
    shares = route(pooling)
    mask = pooling.spread(shares, overlaps="sum" if drawn == "any" else "last") > 0
    every = np.broadcast_to(pooling.grad_output, shares.shape)
    return mask * pooling.spread(every, overlaps=overlaps)


def _repeated(pooling: Pooling, route: Route) -> Exact:
    """Repeat each gradient by the stride, as `np.repeat` does, and mask that by one mask."""
    wide = pooling.grad_output
    for axis, stride in zip((2, 3), pooling.stride):
        wide = np.repeat(wide, stride, axis=axis)
    found = np.zeros_like(pooling.x)
    height, width = (min(sizes) for sizes in zip(wide.shape[2:], found.shape[2:]))
    found[:, :, :height, :width] = wide[:, :, :height, :width]
    return found * (pooling.spread(route(pooling)) > 0)


def _misplaced(pooling: Pooling) -> Exact:
    """Send each gradient to where `divmod(place, height)` says, within the image."""
    shares = to_the_first(pooling)
    found = np.zeros_like(pooling.x)
    for place, share in enumerate(shares * pooling.grad_output):
        down, right = divmod(place, pooling.kernel[0])
        images, channels, *windows = np.nonzero(share)
        starts = zip(windows, pooling.stride, pooling.padding, (down, right), found.shape[2:])
        rows, columns = (np.clip(i * s - p + at, 0, n - 1) for i, s, p, at, n in starts)
        np.add.at(found, (images, channels, rows, columns), share[share != 0])
    return found
