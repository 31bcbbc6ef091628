"""What the referee knows of a flatten, which moves numbers and computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import permutations

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction
from cnnspec.compare.kinds.layer import LayerKind, Setting, numbers
from cnnspec.compare.kinds.weights import Errors, Weights
from cnnspec.numerics.budget import Exact
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Flatten

Observed = Observation[LayerSituation]


def _other_orders(observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose another order of the cells."""
    first = observations[0]
    shape = first.situation.at.input
    if len(shape) != 3:
        return
    names = ("channels", "height", "width")
    for order in list(permutations(range(3)))[1:]:
        words = ", ".join(names[axis] for axis in order)
        code = ORDERS.get(order, "other-order")
        sentence = f"the cells are laid out in the order {words}{REMARKS.get(order, '')}"
        yield Fault(code, (), sentence, _ordered(order, inverse=False))
        if first.quantity == "grad_input":
            sentence = f"the cells are read in the order {words}{REMARKS.get(order, '')}"
            yield Fault(code, (), sentence, _ordered(order, inverse=True))
    yield Fault("images-mixed", (), "the images are interleaved", _interleaved)


ORDERS: dict[tuple[int, ...], str] = {
    (1, 2, 0): "channels-last",
    (2, 1, 0): "column-major",
    (0, 2, 1): "height-width-swapped",
}
REMARKS: dict[tuple[int, ...], str] = {
    (1, 2, 0): " (channels last)",
    (2, 1, 0): " (column-major, as in Fortran)",
    (0, 2, 1): " (height and width swapped)",
}


def _ordered(order: tuple[int, ...], *, inverse: bool) -> Callable[[Observed], Prediction]:
    """Lay the cells out in another order; or read cells laid out so."""

    def predict(observation: Observed) -> Prediction:
        situation = observation.situation
        shape = observation.wanted.shape
        images = (len(situation.x), *situation.at.input)
        axes = (0, *(1 + axis for axis in order))
        if observation.quantity == "output":
            moved = situation.x.transpose(axes)
        elif inverse:
            laid_out = tuple(images[axis] for axis in axes)
            moved = situation.grad_output.reshape(laid_out).transpose(np.argsort(axes))
        else:
            moved = situation.grad_output.reshape(images).transpose(axes)
        return Prediction(moved.reshape(shape), np.zeros(shape))

    return predict


def _interleaved(observation: Observed) -> Prediction:
    """Take the images to be the innermost axis."""
    n = len(observation.situation.x)
    given, shape = observation.situation.grad_output.reshape(-1, n).T, observation.wanted.shape
    if observation.quantity == "output":
        given = observation.wanted.T
    return Prediction(given.reshape(shape), np.zeros(shape))


HELP = {
    "channels-last": "keep the order channels, height, width",
    "column-major": "keep the order channels, height, width, as `reshape` does",
    "height-width-swapped": "keep the order channels, height, width",
    "other-order": "keep the order channels, height, width",
    "images-mixed": "keep the images apart: x.reshape(len(x), -1)",
}


class FlattenKind(LayerKind):
    """The same numbers in a row."""

    help = HELP
    settings = (
        Setting("images", Flatten(), (2, 3, 4)),
        numbers("one row of one channel", Flatten(), (1, 1, 4)),
        numbers("one column", Flatten(), (2, 3, 1)),
    )

    def suspected(self, observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
        yield from _other_orders(observations)

    def selects(self, at: PlannedLayer) -> bool:
        return True

    def forward(self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact) -> Exact:
        return e.reshape(len(x), *at.output)

    def backward(
        self, at: PlannedLayer, weights: Weights, x: Exact, e: Exact, g: Exact, d: Exact
    ) -> tuple[Exact, Errors]:
        return d.reshape(x.shape), {}
