"""Outputs that were never computed: a loop that ends too early, an array that is too small."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction, transformed

Observed = Observation[LayerSituation]
Place = tuple[slice | int, ...]

ALL = slice(None)
PLACES: dict[str, tuple[Place, ...]] = {
    "the last row and the last column": ((ALL, ALL, -1), (ALL, ALL, ALL, -1)),
    "the last row": ((ALL, ALL, -1),),
    "the last column": ((ALL, ALL, ALL, -1),),
    "the first row": ((ALL, ALL, 0),),
    "the first column": ((ALL, ALL, ALL, 0),),
    "the last image": ((-1,),),
    "all but the first image": ((slice(1, None),),),
    "the last channel": ((ALL, -1),),
    "all but the first channel": ((ALL, slice(1, None)),),
}


def outputs_left_out(observations: list[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose outputs that stay at 0, or at the bias."""
    first = observations[0]
    if first.quantity != "output" or first.wanted.ndim != 4:
        return
    biased = "bias" in first.situation.parameters
    for where, places in PLACES.items():
        yield Fault(
            "windows-left-out",
            (),
            f"the output is 0 in {where}: a loop may end too early",
            _filled(places, biased=False),
        )
        if biased:
            yield Fault(
                "windows-left-out",
                (),
                f"the output is the bias alone in {where}: a loop may end too early",
                _filled(places, biased=True),
            )


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


def _filled(places: tuple[Place, ...], *, biased: bool) -> Callable[[Observed], Prediction]:
    def predict(observation: Observed) -> Prediction:
        left_out = np.zeros(observation.wanted.shape, bool)
        for place in places:
            left_out[place] = True
        value, budget = transformed(observation, lambda array: np.where(left_out, 0, array))
        if biased:
            bias = observation.situation.parameters["bias"][:, None, None]
            value = np.where(left_out, bias, value)
        return Prediction(value, budget)

    return predict
