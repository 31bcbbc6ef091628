"""Outputs that were never computed: a loop over windows that ends too early, or starts too late."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from cnnspec.compare.causes.cause import (
    Hypothesis,
    LayerSituation,
    Observation,
    Prediction,
    transformed,
)

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


def outputs_left_out(observations: list[Observed]) -> Iterator[Hypothesis[LayerSituation]]:
    """Suppose outputs that stay at 0, or at the bias."""
    first = observations[0]
    if first.quantity != "output" or first.wanted.ndim != 4:
        return
    biased = first.situation.at.kind == "conv" and "bias" in first.situation.parameters
    for where, places in PLACES.items():
        yield Hypothesis(
            "windows-left-out",
            f"the expected one, but 0 in {where}: a loop that ends too early?",
            _filled(places, biased=False),
        )
        if biased:
            yield Hypothesis(
                "windows-left-out",
                f"the expected one, but the bias alone in {where}: a loop that ends too early?",
                _filled(places, biased=True),
            )


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
