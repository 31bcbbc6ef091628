"""The faults of pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np

from cnnspec.compare.budget import Exact
from cnnspec.compare.causes.cause import (
    Hypothesis,
    LayerSituation,
    Observation,
    Prediction,
    computed,
)
from cnnspec.compare.causes.pooling import (
    Mask,
    Pooling,
    Route,
    averaging,
    first,
    last,
    to_the_first,
)

Observed = Observation[LayerSituation]
Forward = Callable[[Pooling], Exact]


class Way(NamedTuple):
    """A way to compute an output, or to share a gradient out, that people take by mistake."""

    code: str
    sentence: str
    compute: Callable[[Pooling], Exact]


class Change(NamedTuple):
    """A change of the windows, with the right computation on them."""

    code: str
    sentence: str
    change: Callable[[Pooling], Pooling]


def of_pool(observations: list[Observed]) -> Iterator[Hypothesis[LayerSituation]]:
    """Suppose each fault of a pooling layer."""
    kind = Pooling.of(observations[0].situation).kind
    if observations[0].quantity == "output":
        for way in OUTPUTS[kind]:
            yield Hypothesis(way.code, way.sentence, _output(way.compute))
        for change in CHANGES:
            yield Hypothesis(change.code, change.sentence, _output(FORWARD[kind], change.change))
        return
    for way in ROUTES[kind]:
        yield Hypothesis(way.code, way.sentence, _gradient(way.compute))
    for way in _overwritten(kind):
        yield Hypothesis(way.code, way.sentence, _computed_gradient(way.compute))
    for change in [*CHANGES, *OF_GRADIENT]:
        yield Hypothesis(change.code, change.sentence, _gradient(ROUTE[kind], change.change))


def _output(
    forward: Forward, change: Callable[[Pooling], Pooling] | None = None
) -> Callable[[Observed], Prediction]:
    def predict(observation: Observed) -> Prediction:
        pooling = Pooling.of(observation.situation)
        counts = observation.found.shape[2:]
        if change is not None:
            pooling = change(pooling)
            if len(counts) == 2 and observation.found.shape != observation.wanted.shape:
                pooling = replace(pooling, counts=(counts[0], counts[1]))
        magnitude = FORWARD["sum"](replace(pooling, x=np.abs(pooling.x)))
        return computed(forward(pooling), magnitude, pooling.roundings)

    return predict


def _gradient(
    route: Route, change: Callable[[Pooling], Pooling] | None = None
) -> Callable[[Observed], Prediction]:
    """Share the gradient out by a route, and add up what each cell gets."""

    def predict(observation: Observed) -> Prediction:
        right = Pooling.of(observation.situation)
        pooling = change(right) if change is not None else right
        shares = route(pooling)
        value, magnitude = (
            pooling.spread(shares * gradient)
            for gradient in (pooling.grad_output, np.abs(pooling.grad_output))
        )
        return computed(value, magnitude, pooling.roundings)

    return predict


def _computed_gradient(compute: Callable[[Pooling], Exact]) -> Callable[[Observed], Prediction]:
    def predict(observation: Observed) -> Prediction:
        pooling = Pooling.of(observation.situation)
        magnitude = replace(pooling, grad_output=np.abs(pooling.grad_output))
        return computed(compute(pooling), compute(magnitude), pooling.roundings)

    return predict


# --- outputs ---


def _greatest(outside: float) -> Forward:
    return lambda pooling: np.asarray(pooling.windows(outside).max(axis=0))


def _mean_over(cells: Callable[[Pooling], Exact | float]) -> Forward:
    return lambda pooling: pooling.windows(0).sum(axis=0) / cells(pooling)


def _area(pooling: Pooling) -> float:
    return float(np.prod(pooling.kernel))


def _real(pooling: Pooling) -> Exact:
    return np.asarray(pooling.real().sum(axis=0), np.float64)


def _padded(pooling: Pooling) -> Exact:
    return np.asarray(pooling.padded().sum(axis=0), np.float64)


FORWARD: dict[str, Forward] = {
    "max": _greatest(-np.inf),
    "avg": _mean_over(_padded),
    "sum": _mean_over(lambda _: 1.0),
}

OUTPUTS = {
    "max": [
        Way("padding-wins", "the greatest of cells and padded zeros: padding won", _greatest(0)),
        Way(
            "starts-from-zero",
            "the greatest of each window and 0: the search starts from 0",
            lambda pooling: np.maximum(pooling.windows(0).max(axis=0), 0),
        ),
        Way(
            "min-for-max",
            "the least of each window, not the greatest",
            lambda pooling: np.asarray(pooling.windows(np.inf).min(axis=0)),
        ),
        Way("average-for-max", "the average of each window, not the greatest", _mean_over(_padded)),
        Way(
            "average-for-max",
            "the average of each window's real cells, not the greatest",
            _mean_over(_real),
        ),
        Way(
            "largest-magnitude",
            "the greatest magnitude of each window",
            lambda pooling: np.abs(pooling.windows(0)).max(axis=0),
        ),
        Way("sum-for-max", "the sum of each window, not the greatest", FORWARD["sum"]),
        *(
            Way("one-cell", f"the {which} cell of each window, not the greatest", compute)
            for which, compute in (
                ("first", lambda pooling: np.asarray(pooling.windows(0)[0])),
                ("last", lambda pooling: np.asarray(pooling.windows(0)[-1])),
            )
        ),
    ],
    "avg": [
        Way(
            "padding-not-counted",
            "the average over the real cells of each window: padded ones are to be counted",
            _mean_over(_real),
        ),
        Way(
            "divided-by-kernel",
            "the sum of each window over the kernel's area: a window that `ceil_mode` cuts "
            "short has fewer cells",
            _mean_over(_area),
        ),
        Way("sum-for-average", "the sum of each window, not divided", FORWARD["sum"]),
        Way(
            "divided-by-side",
            "the sum of each window over the kernel's height",
            _mean_over(lambda pooling: float(pooling.kernel[0])),
        ),
        Way(
            "divided-by-side",
            "the sum of each window over the kernel's width",
            _mean_over(lambda pooling: float(pooling.kernel[1])),
        ),
        Way(
            "divided-by-stride",
            "the sum of each window over the product of the strides",
            _mean_over(lambda pooling: float(np.prod(pooling.stride))),
        ),
        Way("max-for-average", "the greatest of each window, not the average", _greatest(-np.inf)),
        Way(
            "max-for-average",
            "the greatest of each window and its padding, not the average",
            _greatest(0),
        ),
    ],
}


# --- gradients ---


def _to(mask: Callable[[Pooling], Mask]) -> Route:
    return lambda pooling: mask(pooling).astype(np.float64)


def _equally(pooling: Pooling) -> Exact:
    maximum = pooling.maximum()
    return np.asarray(maximum / maximum.sum(axis=0))


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


ROUTE: dict[str, Route] = {"max": to_the_first, "avg": averaging}

ROUTES = {
    "max": [
        Way(
            "ties-to-all",
            "the whole gradient of a window sent to every cell that is its maximum: of equal "
            "ones the first takes it",
            _to(Pooling.maximum),
        ),
        Way(
            "ties-to-last",
            "the gradient of a window sent to the last of equal maxima: the first takes it",
            _to(lambda pooling: last(pooling.maximum())),
        ),
        Way(
            "ties-shared",
            "the gradient of a window shared out among equal maxima: the first takes all",
            _equally,
        ),
        Way(
            "ties-to-first-by-column",
            "the gradient of a window sent to the first of equal maxima column by column: the "
            "first row by row takes it",
            _to(lambda pooling: _first_by_column(pooling)),
        ),
        Way(
            "padding-wins",
            "the expected one, but lost where padded zeros are the greatest of a window",
            _to(_of_padded),
        ),
        Way(
            "starts-from-zero",
            "the expected one, but lost where no cell of a window is above 0",
            _to(_of_positive),
        ),
        Way("min-for-max", "the gradient of a window sent to its least cell", _to(_least)),
        Way(
            "average-for-max",
            "the gradient of a window spread evenly, as an average's is",
            _evenly(_padded),
        ),
        Way(
            "average-for-max",
            "the gradient of a window spread evenly, over the kernel's area",
            _evenly(_area),
        ),
        Way(
            "whole-to-all",
            "the whole gradient of a window sent to every cell of it",
            _evenly(lambda _: 1.0),
        ),
        Way(
            "one-cell",
            "the gradient of a window sent to its first cell, not to the greatest",
            _to(lambda pooling: first(pooling.real() & (pooling.windows(0) == pooling.windows(0)))),
        ),
    ],
    "avg": [
        Way(
            "padding-not-counted",
            "the gradient of a window spread over its real cells: padded ones take their share",
            _evenly(_real),
        ),
        Way(
            "divided-by-kernel",
            "the gradient of a window over the kernel's area: a window that `ceil_mode` cuts "
            "short has fewer cells",
            _evenly(_area),
        ),
        Way(
            "not-divided",
            "the whole gradient of a window sent to every cell of it, not divided",
            _evenly(lambda _: 1.0),
        ),
        Way(
            "divided-by-side",
            "the gradient of a window over the kernel's height",
            _evenly(lambda pooling: float(pooling.kernel[0])),
        ),
        Way(
            "divided-by-side",
            "the gradient of a window over the kernel's width",
            _evenly(lambda pooling: float(pooling.kernel[1])),
        ),
        Way(
            "max-for-average",
            "the gradient of a window sent to its greatest cell, as a maximum's is",
            to_the_first,
        ),
        Way(
            "max-for-average",
            "the gradient of a window sent to every cell that is its maximum",
            _to(Pooling.maximum),
        ),
    ],
}


def _first_by_column(pooling: Pooling) -> Mask:
    height, width = pooling.kernel
    maximum = pooling.maximum()
    by_column = np.arange(height * width).reshape(height, width).T.ravel()
    return np.asarray(first(maximum[by_column])[np.argsort(by_column)])


# --- overlapping windows ---


def _overwritten(kind: str) -> Iterator[Way]:
    """Suppose gradients that are assigned where they should be added, or share one mask."""
    routes = {"max": {"": to_the_first, TIES: _to(Pooling.maximum)}, "avg": {"": averaging}}[kind]
    for (ties, route), which in product(routes.items(), ("last", "first")):
        yield Way(
            "overlaps-overwritten",
            f"the expected one with the {which} window's gradient alone where windows overlap: "
            f"assigned, where it should be added{ties}",
            lambda pooling, r=route, w=which: pooling.spread(
                r(pooling) * pooling.grad_output, overlaps=w
            ),
        )
        if kind == "max":
            yield Way(
                "overlaps-overwritten",
                f"the expected one with the gradient of the {which} window that sends any alone: "
                f"assigned, where it should be added{ties}",
                lambda pooling, r=route, w=which: _assigned_where_sent(pooling, r(pooling), w),
            )
    if kind == "avg":
        return
    for (ties, route), drawn, overlaps in product(
        routes.items(), ("any", "last"), ("add", "last")
    ):
        words = "in any window" if drawn == "any" else "in the last window over it"
        written = "" if overlaps == "add" else "; of these gradients the last is assigned"
        yield Way(
            "shared-mask",
            f"the gradient of every window over a cell that is the maximum {words}: overlapping "
            f"windows share one mask{ties}{written}",
            lambda pooling, r=route, d=drawn, o=overlaps: _shared_mask(pooling, r(pooling), d, o),
        )


TIES = "; besides, equal maxima all take it"


def _assigned_where_sent(pooling: Pooling, shares: Exact, which: str) -> Exact:
    sent = np.where(shares > 0, shares * pooling.grad_output, np.nan)
    return pooling.spread(sent, overlaps=which)


def _shared_mask(pooling: Pooling, shares: Exact, drawn: str, overlaps: str) -> Exact:
    """Mark each window's maximum in one mask of the image, and read every window from it."""
    mask = pooling.spread(shares, overlaps="add" if drawn == "any" else "last") > 0
    every = np.broadcast_to(pooling.grad_output, shares.shape)
    return mask * pooling.spread(every, overlaps=overlaps)


# --- windows ---


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
            lambda pooling, at=index: replace(
                pooling,
                grad_output=pooling.grad_output
                * (np.arange(len(pooling.x)) == at % len(pooling.x))[:, None, None, None],
            ),
        )
        for words, index in (("last", -1), ("first", 0))
    ),
]
