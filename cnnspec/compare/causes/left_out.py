"""Numbers that were never computed: a loop that ends too early, an array that is too small."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction, transformed
from cnnspec.compare.kinds import LAYERS

Observed = Observation[LayerSituation]
Place = Callable[[tuple[int, ...]], NDArray[np.bool]]
"""Marks what is left out of an array of some shape."""

ONE = {
    "images": ("image", "images-left-out"),
    "height": ("row", "windows-left-out"),
    "width": ("column", "windows-left-out"),
    "kernel height": ("row of each kernel", "taps-left-out"),
    "kernel width": ("column of each kernel", "taps-left-out"),
}
"""What one place along an axis is called, and the code of what is left out; others drop an s."""

EARLY = "a loop may end too early"
LATE = "a loop may begin too late"
AT_ONCE = "does the loop return in its first round?"
ANEW = "each round may overwrite what the rounds before it gave"


def numbers_left_out(observations: list[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose numbers that stay at 0, or at the bias."""
    first = observations[0]
    bias = first.situation.parameters.get("bias")
    biased = first.quantity == "output" and bias is not None and bias.ndim == 1
    what = "output" if first.quantity == "output" else "gradient"
    for code, where, place in _places(first):
        yield Fault(code, (), f"the {what} is 0 {where}", _filled(place, biased=False))
        if biased:
            sentence = f"the {what} is the bias alone {where}"
            yield Fault(code, (), sentence, _filled(place, biased=True))


def _places(first: Observed) -> Iterator[tuple[str, str, Place]]:
    """Yield a code, where numbers are left out and why, and the places."""
    axes = LAYERS[first.situation.at.kind].axes(first.situation.at, first.quantity)
    if not axes or len(axes) != first.wanted.ndim:
        return
    named = [ONE.get(name, (name.removesuffix("s"), "channels-left-out")) for name in axes]
    if len(axes) == 4 and axes[-2:] == ("height", "width"):
        rim = {2: slice(-1, None), 3: slice(-1, None)}
        where = f"in the last row and the last column: {EARLY}"
        yield "windows-left-out", where, _any_of(rim)
        yield "windows-left-out", f"in all but the first window: {AT_ONCE}", _all_but({2: 0, 3: 0})
        yield "windows-left-out", f"in the last cell of each channel: {EARLY}", _last_of_each
    for axis, (name, code) in enumerate(named):
        yield code, f"in the last {name}: {EARLY}", _any_of({axis: slice(-1, None)})
        yield code, f"in the first {name}: {LATE}", _any_of({axis: slice(0, 1)})
        yield code, f"in all but the first {name}: {AT_ONCE}", _all_but({axis: 0})
        yield code, f"in all but the last {name}: {ANEW}", _all_but({axis: -1})
    yield named[-1][1], f"in the last number of all: {EARLY}", _only_number(-1)
    for axis in range(1, len(axes)):
        words = " of the ".join(f"first {name}" for name, _ in named[axis::-1])
        place = _all_but(dict.fromkeys(range(axis + 1), 0))
        yield named[axis][1], f"in all but the {words}: {AT_ONCE}", place


def _any_of(places: dict[int, slice]) -> Place:
    """Mark some places along each of some axes."""

    def mark(shape: tuple[int, ...]) -> NDArray[np.bool]:
        left_out = np.zeros(shape, bool)
        for axis, place in places.items():
            left_out[(slice(None),) * axis + (place,)] = True
        return left_out

    return mark


def _all_but(kept: dict[int, int]) -> Place:
    """Mark all but one place along some axes."""

    def mark(shape: tuple[int, ...]) -> NDArray[np.bool]:
        left_out = np.ones(shape, bool)
        left_out[tuple(kept.get(axis, slice(None)) for axis in range(len(shape)))] = False
        return left_out

    return mark


def _last_of_each(shape: tuple[int, ...]) -> NDArray[np.bool]:
    """Mark the last row's last column of every channel and image."""
    left_out = np.zeros(shape, bool)
    left_out[..., -1:, -1:] = True
    return left_out


def _only_number(number: int) -> Place:
    def mark(shape: tuple[int, ...]) -> NDArray[np.bool]:
        left_out = np.zeros(shape, bool)
        left_out.flat[number] = True
        return left_out

    return mark


def windows_missing(observations: list[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose an output that is the right one but for its last rows or columns of windows."""
    if observations[0].quantity != "output":
        return
    wrong = [o for o in observations if o.found.shape != o.wanted.shape]
    fewer = {_fewer(observation) for observation in wrong}
    if not fewer or None in fewer:
        return
    what = "the last rows and columns of windows are missing"
    if fewer == {(1, 1)}:
        what = (
            "the last row and the last column of windows are missing: the + 1 of their number "
            "may be forgotten"
        )
    elif all(pair is not None and pair[0] == 0 for pair in fewer):
        square = all(o.found.shape[2] == o.found.shape[3] for o in wrong)
        what = "the last columns of windows are missing"
        what += ": their number may be taken for that of the rows" if square else ""
    yield Fault("windows-missing", (), what, _cut)


def _fewer(observation: Observed) -> tuple[int, int] | None:
    """Return how many rows and columns of windows are not there; None if more is wrong."""
    found, wanted = observation.found.shape, observation.wanted.shape
    if len(found) != 4 or found[:2] != wanted[:2]:
        return None
    rows, columns = wanted[2] - found[2], wanted[3] - found[3]
    return (rows, columns) if rows >= 0 and columns >= 0 else None


def _cut(observation: Observed) -> Prediction | None:
    if _fewer(observation) is None:
        return None
    _, _, rows, columns = observation.found.shape
    return transformed(observation, lambda array: array[:, :, :rows, :columns])


def _filled(place: Place, *, biased: bool) -> Callable[[Observed], Prediction]:
    def predict(observation: Observed) -> Prediction:
        left_out = place(observation.wanted.shape)
        value, budget = transformed(observation, lambda array: np.where(left_out, 0, array))
        if biased:
            bias = observation.situation.parameters["bias"]
            bias = bias.reshape(-1, *(1,) * (observation.wanted.ndim - 2))
            value = np.where(left_out, bias, value)
        return Prediction(value, budget)

    return predict
