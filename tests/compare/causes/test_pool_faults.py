"""Faulty pools, written with loops: each is named, on every probe."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from cnnspec.compare.budget import Exact
from cnnspec.compare.causes import LayerSituation
from cnnspec.spec.layers import Pool
from cnnspec.spec.sizes import pair
from tests.compare.causes.layer_probes import Faulty, Setting, setting

PLAIN = setting(Pool(kernel_size=2), (2, 4, 6))
OVERLAP = setting(Pool(kernel_size=3, stride=2), (2, 7, 5))
PADDED = setting(Pool(kernel_size=3, stride=2, padding=1), (2, 7, 6))
TALL = setting(Pool(kernel_size=(2, 3), stride=(1, 2)), (2, 7, 9))
AVERAGE = setting(Pool(kind="avg", kernel_size=(3, 2), stride=2), (2, 7, 6))
PADDED_AVERAGE = setting(Pool(kind="avg", kernel_size=3, stride=2, padding=1), (2, 7, 6))
CLIPPED = setting(Pool(kind="avg", kernel_size=2, ceil_mode=True), (2, 5, 7))

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
    (AVERAGE, "grad_input", lambda at, y: routed(at, first_maximum), "max-for-average"),
    (AVERAGE, "grad_input", lambda at, y: routed(at, over(6), add=False), "overlaps-overwritten"),
]


@pytest.mark.parametrize(("layer", "quantity", "faulty", "code"), FAULTS)
def test_fault_is_named(layer: Setting, quantity: str, faulty: Faulty, code: str) -> None:
    cause = layer.diagnose(quantity, faulty)
    assert cause is not None
    assert cause.code == code, cause.sentence


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
