"""Arrays of a wrong shape: what may have given just these sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.verdict.quantities import has_batch
from cnnspec.spec.layers.window import Windows
from cnnspec.spec.sizes import show
from cnnspec.trace import Array

Observed = Observation[LayerSituation]
Sizes = tuple[int | None, ...]
"""A height and a width; None where no window fits."""


def wrong_shape(
    observations: list[Observed], elsewhere: Sequence[Sequence[Observed]] = ()
) -> Iterator[Fault[LayerSituation]]:
    """Suppose nothing but the shape, which is wrong: no number can be held against another.

    What may have given it must not have given another one than was found `elsewhere`.
    """
    wrong = [o for o in observations if o.found.shape != o.wanted.shape]
    if not wrong:
        return
    shown = max(wrong, key=lambda observation: len(observation.situation.grad_output))
    if shown.found.size == 0 and shown.found.ndim < shown.wanted.ndim:
        yield Fault("missing", (), "the layer gives no such array", _as_found)
        return
    sentence = f"the shape is {show_shape(shown.found)}; wanted {show_shape(shown.wanted)}"
    yield Fault("shape", (), f"{sentence}{_looks_like(wrong, elsewhere)}", _as_found)


def show_shape(array: Array) -> str:
    """Write the shape of an array."""
    return show(array.shape) if array.ndim else "a single number"


def _as_found(observation: Observed) -> Prediction:
    """Take what was found for predicted: that its shape is wrong is all that is said."""
    found = observation.found.astype(np.float64)
    return Prediction(found, np.zeros(found.shape))


def _looks_like(wrong: list[Observed], elsewhere: Sequence[Sequence[Observed]]) -> str:
    """Say what gives just these sizes, on all probes, where something does."""
    axes = {(o.found.ndim > o.wanted.ndim) - (o.found.ndim < o.wanted.ndim) for o in wrong}
    if axes == {1}:
        return ": there is an axis too many"
    if axes == {-1}:
        return ": an axis is missing"
    if axes != {0}:
        return ""
    if wrong[0].wanted.ndim > 1 and _batch_is_fixed(wrong):
        return f": the batch is {wrong[0].found.shape[0]}, whatever is given"
    at = wrong[0].situation.at
    hints = HINTS.get(wrong[0].quantity, ()) if LAYERS[at.kind].windows(at) else ()
    for words, sizes in hints:
        fits = all(o.found.shape == (*o.wanted.shape[:2], *(sizes(o) or ())) for o in wrong)
        if fits and not any(_contradicts(o, sizes) for setting in elsewhere for o in setting):
            return f": {words}"
    return ""


def _contradicts(observation: Observed, sizes: Callable[[Observed], Sizes | None]) -> bool:
    """Tell whether what gives other sizes on this probe has not given them."""
    given = sizes(observation)
    return given is not None and observation.found.shape[2:] != given


def _batch_is_fixed(wrong: list[Observed]) -> bool:
    """Tell whether only the number of images is wrong, and always the same.

    A size of the layer in its place comes of another shape, and not of a batch that is fixed.
    """
    at = wrong[0].situation.at
    if not has_batch(wrong[0].quantity) or wrong[0].found.shape[0] in (*at.input, *at.output):
        return False
    rest = all(o.found.shape[1:] == o.wanted.shape[1:] for o in wrong)
    return rest and len({o.found.shape[0] for o in wrong}) == 1 < len(wrong)


def _windows(
    change: Callable[[Windows], Windows] | None = None, across: tuple[int, int] = (0, 1)
) -> Callable[[Observed], Sizes | None]:
    """Count windows that are changed, over the sizes that are told by their axes.

    None where the change changes nothing: it cannot be what is wrong.
    """

    def sizes(observation: Observed) -> Sizes | None:
        at = observation.situation.at
        right = LAYERS[at.kind].windows(at)
        changed = tuple(map(change, right)) if change else right
        counts = tuple(w.count(at.input[1:][axis]) for w, axis in zip(changed, across))
        return None if counts == at.output[1:] else counts

    return sizes


def _other(by: int) -> Callable[[Observed], Sizes | None]:
    return lambda observation: tuple(size + by for size in observation.wanted.shape[2:])


def _rows(observation: Observed) -> Sizes | None:
    height, width = observation.wanted.shape[2:]
    return None if height == width else (height, height)


def _columns(observation: Observed) -> Sizes | None:
    height, width = observation.wanted.shape[2:]
    return None if height == width else (width, width)


def _padded(observation: Observed) -> Sizes | None:
    """Return the size of the padded image."""
    at = observation.situation.at
    sizes = tuple(
        size + sum(w.padding) for size, w in zip(at.input[1:], LAYERS[at.kind].windows(at))
    )
    return None if sizes == at.input[1:] else sizes


def _emptied(observation: Observed) -> Sizes | None:
    """Return what is left of an image by a cut of `p:-p` where the padding is 0."""
    at = observation.situation.at
    return None if any(sum(w.padding) for w in LAYERS[at.kind].windows(at)) else (0, 0)


OF_WINDOWS = (
    (
        "the last row and column of windows are missing, the + 1 of their number may be forgotten",
        _other(-1),
    ),
    ("the padding may be left out", _windows(lambda w: replace(w, padding=(0, 0)))),
    ("the stride may be left out", _windows(lambda w: replace(w, stride=1))),
    (
        "the stride may be taken for the kernel's size",
        _windows(lambda w: replace(w, stride=w.kernel)),
    ),
    ("the number of windows may be rounded up", _windows(lambda w: replace(w, ceil_mode=True))),
    ("the number of rows may be taken for that of columns, too", _rows),
    ("the number of columns may be taken for that of rows, too", _columns),
    ("height and width may be swapped", _windows(across=(1, 0))),
    ("there is one row and one column of windows too many", _other(1)),
)
OF_IMAGES = (
    ("the padding may not be cut off", _padded),
    ("a cut of `p:-p` is empty where p = 0", _emptied),
    ("the height may be taken for the width, too", _rows),
    ("the width may be taken for the height, too", _columns),
)

HINTS = {"output": OF_WINDOWS, "grad_input": OF_IMAGES}
"""What to ask about where there are windows, and the height and width that it would give."""
