"""What the referee knows of branches beside each other: it only moves numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, permutations

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction, computed
from cnnspec.compare.kinds.join import JoinKind, branch_of
from cnnspec.compare.kinds.layer import Arrays
from cnnspec.numerics.budget import Exact
from cnnspec.plan import PlannedLayer

Observed = Observation[LayerSituation]

MOST_ORDERS = 24
"""Orders of branches that are tried: all of four."""


def _exactly(value: Exact) -> Prediction:
    return computed(value, np.abs(value), 0)


def _ends(at: PlannedLayer, order: Sequence[int] | None = None) -> list[int]:
    """Return where the channels of each branch end, in an order."""
    widths = [at.input_shapes[branch][0] for branch in order or range(len(at.inputs))]
    return list(accumulate(widths))


def _slice(at: PlannedLayer, grad: Exact, branch: int, order: Sequence[int] | None = None) -> Exact:
    """Return the channels of a branch, where all stand in an order."""
    place = list(order or range(len(at.inputs))).index(branch)
    end = _ends(at, order)[place]
    return grad[:, end - at.input_shapes[branch][0] : end]


def _other_orders(observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose that branches stand in another order."""
    at, quantity = observations[0].situation.at, observations[0].quantity
    for number, order in enumerate(permutations(range(len(at.inputs)))):
        if number == 0 or number >= MOST_ORDERS:
            continue
        said = ", ".join(at.inputs[branch] for branch in order)
        yield Fault(
            "branches-in-another-order",
            (),
            f"the channels are taken to stand in the order {said}",
            _in_order(order, quantity),
        )


def _in_order(order: Sequence[int], quantity: str) -> Callable[[Observed], Prediction | None]:
    def predict(observation: Observed) -> Prediction | None:
        situation = observation.situation
        if quantity == "output":
            value = np.concatenate([situation.inputs[branch] for branch in order], axis=1)
        else:
            value = _slice(situation.at, situation.grad_output, branch_of(quantity), order)
        return _exactly(value)

    return predict


def _repeated(observation: Observed) -> Prediction | None:
    """Predict the first branch in the place of every other of its width."""
    first, *others = observation.situation.inputs
    if any(x.shape != first.shape for x in others):
        return None
    return _exactly(np.concatenate([first] * (1 + len(others)), axis=1))


def _interleaved(observation: Observed) -> Prediction | None:
    """Predict the channels of all branches by turns, or the gradients of such channels."""
    situation = observation.situation
    first, *others = situation.inputs
    if any(x.shape != first.shape for x in others):
        return None
    if observation.quantity == "output":
        return _exactly(np.stack(situation.inputs, axis=2).reshape(observation.wanted.shape))
    by_turns = slice(branch_of(observation.quantity), None, 1 + len(others))
    return _exactly(situation.grad_output[:, by_turns])


_LOST: Fault[LayerSituation] = Fault(
    "gradient-missing",
    ("grad_input",),
    "no gradient goes to this branch; each is due that of its own channels",
    lambda observation: _exactly(np.zeros_like(observation.wanted)),
)

_FAULTS: tuple[Fault[LayerSituation], ...] = (
    Fault(
        "branch-twice",
        ("output",),
        "the first branch stands in the place of the others, too",
        _repeated,
    ),
    Fault(
        "channels-interleaved",
        (),
        "the channels of the branches stand by turns; all those of one branch belong together",
        _interleaved,
    ),
)

HELP = {
    "branches-in-another-order": "take the branches in the order in which the spec has them",
    "gradient-missing": "cut the gradient of the output where the channels of the branches end",
    "branch-twice": "give each branch its own channels",
    "channels-interleaved": "put all channels of a branch side by side",
}


class ConcatKind(JoinKind):
    """a, then b, and so on, along the channels or the features."""

    factors = (_LOST,)
    faults = _FAULTS
    help = HELP

    def joined(self, inputs: Arrays) -> Exact:
        return np.concatenate(inputs, axis=1)

    def parted(self, at: PlannedLayer, grad_output: Exact) -> Arrays:
        return np.split(grad_output, _ends(at)[:-1], axis=1)

    def selects(self, at: PlannedLayer) -> bool:
        return True

    def suspected(self, observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
        yield from super().suspected(observations)
        yield from _other_orders(observations)
