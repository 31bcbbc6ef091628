"""Pools: settings, conventions by hand, and faults that are named, written with loops."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from cnnspec.compare.faults.fault import LayerSituation
from cnnspec.errors import ShapeError, SpecError
from cnnspec.numerics.budget import Exact
from cnnspec.plan import resolve
from cnnspec.spec.layers import Flatten, Pool
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.sizes import pair
from tests.cases import Case, each_backend, run
from tests.compare.causes.layer_probes import Faulty, Setting, setting
from tests.room import LayerRoom

SETTINGS = {
    "plain": ({"kernel_size": 2}, (2, 4, 6)),
    "one-cell": ({"kernel_size": 1}, (2, 3, 2)),
    "whole-image": ({"kernel_size": (3, 5)}, (2, 3, 5)),
    "tall-kernel": ({"kernel_size": (3, 1)}, (2, 6, 3)),
    "wide-kernel": ({"kernel_size": (1, 3)}, (2, 2, 6)),
    "leaves-cells": ({"kernel_size": 2}, (2, 5, 7)),
    "overlap": ({"kernel_size": 3, "stride": 2}, (2, 5, 7)),
    "overlap-by-all-but-one": ({"kernel_size": (3, 2), "stride": 1}, (2, 5, 4)),
    "overlap-one-axis": ({"kernel_size": 3, "stride": (1, 3)}, (2, 5, 6)),
    "stride-over-kernel": ({"kernel_size": 2, "stride": 3}, (2, 6, 8)),
    "stride-over-kernel-ceil": ({"kernel_size": 2, "stride": 3, "ceil_mode": True}, (2, 7, 6)),
    "padding": ({"kernel_size": 3, "padding": 1}, (2, 5, 4)),
    "padding-half-of-even": ({"kernel_size": 2, "padding": 1}, (2, 4, 3)),
    "padding-tall": ({"kernel_size": (4, 2), "stride": 2, "padding": (2, 0)}, (2, 5, 4)),
    "padding-wide": ({"kernel_size": (2, 3), "stride": (2, 1), "padding": (0, 1)}, (2, 4, 3)),
    "padding-overlap": ({"kernel_size": 3, "stride": 1, "padding": 1}, (2, 3, 4)),
    "padding-around-one-pixel": ({"kernel_size": 3, "padding": 1}, (2, 1, 1)),
    "ceil": ({"kernel_size": 2, "ceil_mode": True}, (2, 5, 4)),
    "ceil-overlap": ({"kernel_size": 3, "stride": 2, "ceil_mode": True}, (2, 6, 5)),
    "ceil-that-fits": ({"kernel_size": 2, "ceil_mode": True}, (2, 4, 6)),
    "ceil-pair": ({"kernel_size": (2, 4), "stride": (3, 2), "ceil_mode": True}, (2, 6, 7)),
    "ceil-padding": (
        {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
        (2, 6, 4),
    ),
    "ceil-padding-drops-window": ({"kernel_size": 2, "padding": 1, "ceil_mode": True}, (2, 3, 5)),
    "ceil-padding-pair": (
        {"kernel_size": (4, 3), "stride": (3, 2), "padding": (2, 1), "ceil_mode": True},
        (2, 5, 6),
    ),
}

CASES = {
    f"{kind}-{name}": Case(Pool(kind=kind, **options), shape)
    for kind in ("max", "avg")
    for name, (options, shape) in SETTINGS.items()
}

PLAIN = setting(Pool(kernel_size=2), (2, 4, 6))
OVERLAP = setting(Pool(kernel_size=3, stride=2), (2, 7, 5))
PADDED = setting(Pool(kernel_size=3, stride=2, padding=1), (2, 7, 6))
TALL = setting(Pool(kernel_size=(2, 3), stride=(1, 2)), (2, 7, 9))
AVERAGE = setting(Pool(kind="avg", kernel_size=(3, 2), stride=2), (2, 7, 6))
PADDED_AVERAGE = setting(Pool(kind="avg", kernel_size=3, stride=2, padding=1), (2, 7, 6))
CLIPPED = setting(Pool(kind="avg", kernel_size=2, ceil_mode=True), (2, 5, 7))


PROBED = {"max": OVERLAP, "average": PADDED_AVERAGE}

Window = tuple[tuple[int, int, int, int], tuple[slice, slice], Exact]


def windows(
    at: LayerSituation, stride: tuple[int, int] | None = None, shift: int = 0
) -> Iterator[Window]:
    """Each output cell, the rows and columns that it sees, and its real cells."""
    layer = at.at.layer
    assert isinstance(layer, Pool)
    (kh, kw), (ph, pw) = pair(layer.kernel_size), pair(layer.padding)
    sh, sw = stride or layer.strides()
    for n, c, i, j in np.ndindex(at.grad_output.shape):
        top, left = i * sh - ph + shift, j * sw - pw + shift
        seen = (slice(max(top, 0), top + kh), slice(max(left, 0), left + kw))
        yield (n, c, i, j), seen, at.x[(n, c, *seen)]


def pooled(
    at: LayerSituation,
    of: Callable[[Exact], float],
    stride: tuple[int, int] | None = None,
    shift: int = 0,
) -> Exact:
    y = np.zeros_like(at.grad_output)
    for cell, _, window in windows(at, stride, shift):
        y[cell] = of(window)
    return y


def with_padding(window: Exact) -> float:
    """The maximum of a window of nine, of which those that are missing are zeros."""
    return float(max(window.max(), 0.0) if window.size < 9 else window.max())


def routed(at: LayerSituation, share: Callable[[Exact], Exact], *, add: bool = True) -> Exact:
    """Each window sends its gradient times `share` to its cells."""
    grad = np.zeros_like(at.x)
    for (n, c, i, j), seen, window in windows(at):
        sent = share(window) * at.grad_output[n, c, i, j]
        grad[(n, c, *seen)] = sent + (grad[(n, c, *seen)] if add else 0)
    return grad


def every_maximum(window: Exact) -> Exact:
    return (window == window.max()) * 1.0


def first_maximum(window: Exact) -> Exact:
    share = np.zeros_like(window)
    share.flat[np.argmax(window)] = 1
    return share


def last_maximum(window: Exact) -> Exact:
    return first_maximum(window[::-1, ::-1])[::-1, ::-1]


def shared(window: Exact) -> Exact:
    return every_maximum(window) / np.sum(every_maximum(window))


def least(window: Exact) -> Exact:
    return first_maximum(-window)


def shared_mask(at: LayerSituation, share: Callable[[Exact], Exact], *, add: bool = True) -> Exact:
    """The notebook's: one mask of the image, that all windows write and then read."""
    mask = np.zeros_like(at.x, bool)
    for (n, c, _, _), seen, window in windows(at):
        mask[(n, c, *seen)] |= share(window) > 0
    grad = np.zeros_like(at.x)
    for cell, seen, _ in windows(at):
        where = (*cell[:2], *seen)
        sent = mask[where] * at.grad_output[cell]
        grad[where] = sent + (grad[where] if add else 0)
    return grad


def last_mask(at: LayerSituation) -> Exact:
    mask = np.zeros_like(at.x, bool)
    for (n, c, _, _), seen, window in windows(at):
        mask[(n, c, *seen)] = every_maximum(window) > 0
    grad = np.zeros_like(at.x)
    for cell, seen, _ in windows(at):
        where = (*cell[:2], *seen)
        grad[where] += mask[where] * at.grad_output[cell]
    return grad


def assigned_to_the_maximum(at: LayerSituation) -> Exact:
    grad = np.zeros_like(at.x)
    for cell, (rows, columns), window in windows(at):
        k, l = np.unravel_index(np.argmax(window), window.shape)
        grad[(*cell[:2], rows.start + k, columns.start + l)] = at.grad_output[cell]
    return grad


def lost_to_padding(at: LayerSituation) -> Exact:
    """Padded zeros take part, and what they take is cut off."""
    padded = np.pad(at.x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    grad = np.zeros_like(padded)
    for n, c, i, j in np.ndindex(at.grad_output.shape):
        window = (n, c, slice(2 * i, 2 * i + 3), slice(2 * j, 2 * j + 3))
        grad[window] += first_maximum(padded[window]) * at.grad_output[n, c, i, j]
    return grad[:, :, 1:-1, 1:-1]


def by_first_channel(at: LayerSituation) -> Exact:
    grad = np.zeros_like(at.x)
    for (n, c, i, j), (rows, columns), _ in windows(at):
        first = first_maximum(at.x[n, 0, rows, columns])
        grad[n, c, rows, columns] += first * at.grad_output[n, c, i, j]
    return grad


def over(number: float) -> Callable[[Exact], Exact]:
    return lambda window: np.full_like(window, 1 / number)


def repeated(at: LayerSituation) -> Exact:
    """Repeat the gradients by the stride; one mask says which cells take theirs."""
    layer = at.at.layer
    assert isinstance(layer, Pool)
    wide = at.grad_output.repeat(layer.strides()[0], 2).repeat(layer.strides()[1], 3)
    ones = replace(at, grad_output=np.ones_like(at.grad_output))
    grad, mask = np.zeros_like(at.x), routed(ones, first_maximum)
    rows, columns = (min(*sides) for sides in zip(wide.shape[2:], at.x.shape[2:]))
    grad[:, :, :rows, :columns] = wide[:, :, :rows, :columns]
    return grad * (mask > 0)


def misplaced(at: LayerSituation) -> Exact:
    """Read the row and the column of a maximum by the height of the kernel."""
    grad, last = np.zeros_like(at.x), np.subtract(at.x.shape[2:], 1)
    for (n, c, i, j), seen, window in windows(at):
        start = [axis.start for axis in seen]
        row, column = np.minimum(np.add(start, divmod(np.argmax(window), len(window))), last)
        grad[n, c, row, column] += at.grad_output[n, c, i, j]
    return grad


def over_channels(reduced: Callable[..., Exact]) -> Exact:
    return np.repeat(reduced(axis=1, keepdims=True), 2, axis=1)


def of_share(at: LayerSituation, share: tuple[slice, ...] | slice) -> Exact:
    """Send back a share of the upstream gradient alone, as a loop that returns early does."""
    kept = np.zeros_like(at.grad_output)
    kept[share] = at.grad_output[share]
    return routed(replace(at, grad_output=kept), first_maximum)


FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (PADDED, "output", lambda at, y: pooled(at, with_padding), "padding-wins"),
    (PLAIN, "output", lambda at, y: np.maximum(y["output"], 0), "starts-from-zero"),
    (PLAIN, "output", lambda at, y: pooled(at, np.min), "min-for-max"),
    (OVERLAP, "output", lambda at, y: pooled(at, np.mean), "average-for-max"),
    (PADDED, "output", lambda at, y: pooled(at, np.mean), "average-for-max"),
    (PADDED, "output", lambda at, y: pooled(at, lambda w: abs(w).max()), "largest-magnitude"),
    (TALL, "output", lambda at, y: pooled(at, np.max, stride=(1, 1)), "stride-ignored"),
    (PADDED, "output", lambda at, y: pooled(at, np.max, shift=1), "padding-ignored"),
    (PADDED, "output", lambda at, y: pooled(at, np.max, shift=-1), "padding-other-side"),
    (PLAIN, "grad_input", lambda at, y: routed(at, every_maximum), "ties-to-all"),
    (PLAIN, "grad_input", lambda at, y: routed(at, last_maximum), "ties-to-last"),
    (PLAIN, "grad_input", lambda at, y: routed(at, shared), "ties-shared"),
    (
        PLAIN,
        "grad_input",
        lambda at, y: routed(at, lambda w: first_maximum(w.T).T),
        "ties-to-first-by-column",
    ),
    (OVERLAP, "grad_input", lambda at, y: routed(at, every_maximum), "ties-to-all"),
    (PADDED, "grad_input", lambda at, y: lost_to_padding(at), "padding-wins"),
    (PLAIN, "grad_input", lambda at, y: routed(at, least), "min-for-max"),
    (PLAIN, "grad_input", lambda at, y: routed(at, over(4)), "average-for-max"),
    (PLAIN, "grad_input", lambda at, y: routed(at, over(1)), "whole-to-all"),
    (PLAIN, "grad_input", lambda at, y: 0 * y["grad_input"], "all-zeros"),
    (OVERLAP, "grad_input", lambda at, y: repeated(at), "shared-mask"),
    (TALL, "grad_input", lambda at, y: misplaced(at), "height-width-swapped"),
    (PLAIN, "output", lambda at, y: over_channels(y["output"].max), "channels-mixed"),
    (PLAIN, "grad_input", lambda at, y: of_share(at, np.s_[:, :, :1, :1]), "windows-left-out"),
    (OVERLAP, "grad_input", lambda at, y: of_share(at, np.s_[:, :, :1, :1]), "windows-left-out"),
    (PLAIN, "grad_input", lambda at, y: of_share(at, np.s_[:, :, -1:, -1:]), "windows-left-out"),
    (PLAIN, "grad_input", lambda at, y: of_share(at, np.s_[:1, :1, :1, :1]), "windows-left-out"),
    (PLAIN, "grad_input", lambda at, y: of_share(at, np.s_[:, :, :1]), "windows-left-out"),
    (PLAIN, "grad_input", lambda at, y: of_share(at, np.s_[:, :1]), "channels-left-out"),
    (PLAIN, "grad_input", lambda at, y: of_share(at, np.s_[:1]), "images-left-out"),
    (
        OVERLAP,
        "grad_input",
        lambda at, y: routed(at, first_maximum, add=False),
        "overlaps-overwritten",
    ),
    (
        OVERLAP,
        "grad_input",
        lambda at, y: routed(at, every_maximum, add=False),
        "overlaps-overwritten",
    ),
    (OVERLAP, "grad_input", lambda at, y: assigned_to_the_maximum(at), "overlaps-overwritten"),
    (OVERLAP, "grad_input", lambda at, y: shared_mask(at, every_maximum), "shared-mask"),
    (OVERLAP, "grad_input", lambda at, y: shared_mask(at, first_maximum), "shared-mask"),
    (
        OVERLAP,
        "grad_input",
        lambda at, y: shared_mask(at, every_maximum, add=False),
        "shared-mask",
    ),
    (TALL, "grad_input", lambda at, y: last_mask(at), "shared-mask"),
    (PADDED_AVERAGE, "output", lambda at, y: pooled(at, np.mean), "padding-not-counted"),
    (CLIPPED, "output", lambda at, y: pooled(at, lambda w: w.sum() / 4), "divided-by-kernel"),
    (PADDED_AVERAGE, "output", lambda at, y: pooled(at, np.sum), "scale"),
    (CLIPPED, "output", lambda at, y: pooled(at, np.sum), "sum-for-average"),
    (AVERAGE, "output", lambda at, y: pooled(at, np.max), "max-for-average"),
    (AVERAGE, "output", lambda at, y: pooled(at, np.mean, stride=(1, 1)), "stride-ignored"),
    (
        PADDED_AVERAGE,
        "grad_input",
        lambda at, y: routed(at, lambda w: over(w.size)(w)),
        "padding-not-counted",
    ),
    (CLIPPED, "grad_input", lambda at, y: routed(at, over(4)), "divided-by-kernel"),
    (CLIPPED, "grad_input", lambda at, y: routed(at, over(1)), "not-divided"),
    (
        CLIPPED,
        "grad_input",
        lambda at, y: routed(at, lambda w: over(w.size**2)(w)),
        "divided-twice",
    ),
    (
        CLIPPED,
        "output",
        lambda at, y: pooled(at, lambda w: w.mean() / w.size),
        "divided-twice",
    ),
    (PLAIN, "grad_input", lambda at, y: by_first_channel(at), "argmax-of-one-channel"),
    (
        AVERAGE,
        "grad_input",
        lambda at, y: routed(at, over(math.prod(at.at.output[1:]))),
        "divided-by-windows",
    ),
    (AVERAGE, "grad_input", lambda at, y: routed(at, first_maximum), "max-for-average"),
    (AVERAGE, "grad_input", lambda at, y: routed(at, over(6), add=False), "overlaps-overwritten"),
]

CALLED = {
    **{"MaxPool2d": "pool", "max_pool2d": "pool", "maxpool": "pool"},
    **{"AvgPool2d": "pool: {kind: avg, ...}", "avg_pool2d": "pool: {kind: avg, ...}"},
    "MaxPool2d(2)": "pool: {kernel_size: 2}",
    "AvgPool2d(2, stride=1)": "pool: {kind: avg, kernel_size: 2, stride: 1}",
}

ROOM = LayerRoom(CASES, PROBED, FAULTS, called=CALLED)

each_kind = pytest.mark.parametrize("kind", ["max", "avg"])


def test_sentences_of_the_notebook() -> None:
    cause = PLAIN.diagnose("grad_input", lambda at, y: routed(at, every_maximum))
    assert cause is not None
    assert cause.sentence == (
        "the gradient of each window goes to every cell that equals the maximum; only the first "
        "may take it"
    )
    cause = OVERLAP.diagnose("grad_input", lambda at, y: shared_mask(at, every_maximum))
    assert cause is not None
    assert cause.sentence == (
        "every window over a cell that is the maximum in any window sends its gradient there: "
        "overlapping windows share one mask. Besides, equal maxima all take it"
    )


# Max pool: the first maximum in scan order takes the gradient.


@each_backend
@pytest.mark.parametrize(
    ("image", "grad_input"),
    [
        ([[1, 1], [1, 1]], [[5, 0], [0, 0]]),
        ([[0, 1], [1, 0]], [[0, 5], [0, 0]]),
        ([[0, 0], [1, 1]], [[0, 0], [5, 0]]),
        ([[0, 1], [0, 1]], [[0, 5], [0, 0]]),
        ([[0.0, -0.0], [-1, 0]], [[5, 0], [0, 0]]),
        ([[-0.0, 0.0], [-1, 0]], [[5, 0], [0, 0]]),
    ],
)
def test_first_maximum_takes_the_gradient(
    backend: str, image: list[list[float]], grad_input: list[list[float]]
) -> None:
    output, found = run(backend, Pool(kernel_size=2), image, [[5]])
    assert output == [[max(map(max, image))]]
    assert found == grad_input


@each_backend
def test_each_of_overlapping_windows_has_its_own_first_maximum(backend: str) -> None:
    pool = Pool(kernel_size=2, stride=1)
    _, grad_input = run(backend, pool, [[7] * 3] * 3, [[1, 2], [4, 8]])
    assert grad_input == [[1, 2, 0], [4, 8, 0], [0, 0, 0]]
    _, grad_input = run(backend, pool, [[0, 0, 0], [0, 9, 0], [0, 0, 0]], [[1, 2], [4, 8]])
    assert grad_input == [[0, 0, 0], [0, 15, 0], [0, 0, 0]]


@each_backend
def test_first_maximum_among_real_cells_of_a_clipped_window(backend: str) -> None:
    pool = Pool(kernel_size=3, stride=2, padding=1, ceil_mode=True)
    output, grad_input = run(backend, pool, [[3, 3], [3, 3]], [[1, 2], [4, 8]])
    assert output == [[3, 3], [3, 3]]
    assert grad_input == [[1, 2], [4, 8]]


# Max pool: padding is at most half the kernel, and padded cells never win.


@each_kind
@pytest.mark.parametrize(("kernel", "padding"), [(1, 1), (2, 2), (3, 2), ((4, 3), (1, 2))])
def test_padding_of_more_than_half_the_kernel_is_refused(
    kind: str, kernel: int | tuple[int, int], padding: int | tuple[int, int]
) -> None:
    pool = Pool(kind=kind, kernel_size=kernel, padding=padding)
    with pytest.raises(ShapeError, match="more than half of the kernel"):
        pool.output_shape((1, 8, 8))
    with pytest.raises(SpecError, match="more than half of the kernel"):
        resolve(ModelSpec(input=(1, 8, 8), layers=[pool, Flatten()]))


@each_backend
@each_kind
@pytest.mark.parametrize(("kernel", "padding"), [(2, 1), (3, 1), (4, 2), (5, 2)])
def test_padding_of_half_the_kernel_is_taken(
    backend: str, kind: str, kernel: int, padding: int
) -> None:
    pool = Pool(kind=kind, kernel_size=kernel, padding=padding, stride=1)
    output, _ = run(backend, pool, [[-1.0] * 4] * 4)
    assert len(output) == 4 + 2 * padding - kernel + 1


@each_backend
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_padded_cells_never_win(backend: str, ceil_mode: bool) -> None:
    pool = Pool(kernel_size=3, stride=2, padding=1, ceil_mode=ceil_mode)
    image = [[-5, -3, -4, -6], [-2, -9, -8, -7], [-5, -6, -1, -9], [-7, -8, -9, -3]]
    # Without ceil_mode the windows start at -1 and 1; with it, one more starts at 3.
    windows = [[-2, -3, -6], [-2, -1, -3], [-7, -3, -3]]
    kept = 3 if ceil_mode else 2
    output, grad_input = run(backend, pool, image)
    assert output == [row[:kept] for row in windows[:kept]]
    assert sum(map(sum, grad_input)) == kept**2


@each_backend
def test_padded_cells_never_win_against_minus_infinity(backend: str) -> None:
    pool = Pool(kernel_size=2, stride=2, padding=1)
    output, grad_input = run(backend, pool, [[-math.inf] * 2] * 2, [[1, 2], [4, 8]])
    assert output == [[-math.inf] * 2] * 2
    assert grad_input == [[1, 2], [4, 8]]


# Average pool: padding is counted, what lies beyond the padding is not.


@each_backend
def test_average_counts_the_padding(backend: str) -> None:
    pool = Pool(kind="avg", kernel_size=2, padding=1)
    output, grad_input = run(backend, pool, [[4, 8], [12, 16]], [[1, 2], [4, 8]])
    assert output == [[1, 2], [3, 4]]
    assert grad_input == [[0.25, 0.5], [1, 2]]


@each_backend
def test_average_of_a_window_over_the_edge(backend: str) -> None:
    pool = Pool(kind="avg", kernel_size=2, ceil_mode=True)
    image = [[1, 3, 5], [5, 7, 9], [2, 4, 8]]
    output, grad_input = run(backend, pool, image, [[4, 2], [6, 1]])
    assert output == [[4, 7], [3, 8]]
    assert grad_input == [[1, 1, 1], [1, 1, 1], [3, 3, 1]]


@each_backend
def test_average_of_a_window_over_the_padding(backend: str) -> None:
    # The padded row is [0 0 4 8 4 8 9 0 0], and windows start at 0, 2, 4 and 6. The last
    # has one real and two padded cells, and a fourth that lies beyond: it divides by 3.
    pool = Pool(kind="avg", kernel_size=(1, 4), stride=(1, 2), padding=(0, 2), ceil_mode=True)
    output, grad_input = run(backend, pool, [[4, 8, 4, 8, 9]], [[4, 8, 12, 6]])
    assert output == [[3, 6, 5.25, 3]]
    assert grad_input == [[1 + 2, 1 + 2, 2 + 3, 2 + 3, 3 + 2]]
