"""One array returned in place of another: of several gradients, the wrong one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.verdict.quantities import quantities_of
from cnnspec.numerics.budget import Exact

Observed = Observation[LayerSituation]
Found = Callable[[LayerSituation], Prediction | None]


def confused(observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose that what is returned is another quantity, or something that was given."""
    first = observations[0]
    at, wanted = first.situation.at, first.quantity
    if len(at.inputs) > 1:
        return
    for quantity in quantities_of(at):
        if quantity != wanted:
            yield from _in_place(quantity, wanted, _computed(quantity))
    yield from _in_place("input", wanted, _given(lambda situation: situation.x))
    yield from _in_place("grad_output", wanted, _given(lambda situation: situation.grad_output))
    for name in at.parameters:
        yield from _in_place(name, wanted, _parameter(name))


def _in_place(name: str, wanted: str, found: Found) -> Iterator[Fault[LayerSituation]]:
    """Yield an array as it is, and with its axes turned round, as layouts of weights differ."""
    sentence = f"{_words(name)} is returned; {_words(wanted)} is wanted"

    def predict(observed: Observed) -> Prediction | None:
        return found(observed.situation)

    def turned(observed: Observed) -> Prediction | None:
        given = predict(observed)
        return None if given is None else Prediction(given.value.T, given.budget.T)

    for change in (predict, turned):
        yield Fault("another-quantity", (), sentence, change)


def _words(name: str) -> str:
    """Say what an array is."""
    if name == "grad_output":
        return "the upstream gradient"
    return f"the gradient of the {name[5:]}" if name.startswith("grad_") else f"the {name}"


def _computed(quantity: str) -> Found:
    return lambda situation: LAYERS[situation.at.kind].gives(situation, quantity)


def _given(array: Callable[[LayerSituation], Exact]) -> Found:
    def found(situation: LayerSituation) -> Prediction:
        value = np.asarray(array(situation), np.float64)
        return Prediction(value, np.zeros(value.shape))

    return found


def _parameter(name: str) -> Found:
    return _given(lambda situation: situation.parameters[name])
