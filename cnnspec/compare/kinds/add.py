"""What the referee knows of a sum of branches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction, computed
from cnnspec.compare.kinds.join import JoinKind, branch_of
from cnnspec.compare.kinds.layer import Arrays
from cnnspec.numerics.budget import Exact
from cnnspec.plan import PlannedLayer

Observed = Observation[LayerSituation]


def _of_branches(compute: Callable[[Arrays], Exact]) -> Callable[[Observed], Prediction]:
    """Predict what is made of what the branches give."""

    def predict(observation: Observed) -> Prediction:
        inputs = observation.situation.inputs
        size = compute([np.abs(x) for x in inputs])
        return computed(compute(inputs), size, len(inputs) + 1)

    return predict


def _gradient(
    compute: Callable[[Exact, Arrays, int], Exact],
) -> Callable[[Observed], Prediction]:
    """Predict what is made of the upstream gradient, the inputs, and the number of a branch."""

    def predict(observation: Observed) -> Prediction:
        situation, branch = observation.situation, branch_of(observation.quantity)
        value = compute(situation.grad_output, situation.inputs, branch)
        return computed(value, np.abs(value), len(situation.inputs))

    return predict


_LOST: Fault[LayerSituation] = Fault(
    "gradient-missing",
    ("grad_input",),
    "no gradient goes to this branch; each is due the whole gradient of the sum",
    _gradient(lambda g, inputs, branch: np.zeros_like(g)),
)

_FAULTS: tuple[Fault[LayerSituation], ...] = (
    Fault(
        "branches-multiplied",
        ("output",),
        "the branches are multiplied; their sum is wanted",
        _of_branches(lambda inputs: reduce(np.multiply, inputs)),
    ),
    Fault(
        "branches-maximum",
        ("output",),
        "the greatest of the branches is taken; their sum is wanted",
        _of_branches(lambda inputs: reduce(np.maximum, inputs)),
    ),
    Fault(
        "rectified",
        ("output",),
        "the sum is rectified, too: what is below 0 becomes 0",
        _of_branches(lambda inputs: np.maximum(reduce(np.add, inputs), 0)),
    ),
    Fault(
        "branches-multiplied",
        ("grad_input",),
        "the gradient is that of a product: it is multiplied by the other branches",
        _gradient(
            lambda g, inputs, branch: reduce(
                np.multiply, [x for number, x in enumerate(inputs) if number != branch], g
            )
        ),
    ),
    Fault(
        "branches-maximum",
        ("grad_input",),
        "the gradient goes to the greatest of the branches alone; each is due the whole of it",
        _gradient(lambda g, inputs, branch: g * (np.argmax(np.stack(inputs), axis=0) == branch)),
    ),
    Fault(
        "rectified",
        ("grad_input",),
        "the gradient passes only where the sum is above 0, as behind a relu",
        _gradient(lambda g, inputs, branch: g * (reduce(np.add, inputs) > 0)),
    ),
)


HELP = {
    "branch-left-out": "add every branch; one without layers is the input of the block",
    "gradient-missing": "return the gradient of the sum to every branch",
    "rectified": "leave the activation to the layer that follows",
    "branch-twice": "add each branch once",
    "branch-subtracted": "add every branch",
    "branches-multiplied": "add the branches; the gradient of the sum goes to each of them",
    "branches-maximum": "add the branches; the gradient of the sum goes to each of them",
}


class AddKind(JoinKind):
    """a + b + ..."""

    factors = (_LOST,)
    faults = _FAULTS
    help = HELP

    def roundings(self, at: PlannedLayer, images: int) -> dict[str, int]:
        return {"output": len(at.inputs) - 1, "grad_input": 0}

    def joined(self, inputs: Arrays) -> Exact:
        return reduce(np.add, inputs)

    def parted(self, at: PlannedLayer, grad_output: Exact) -> Arrays:
        return [grad_output] * len(at.inputs)

    def suspected(self, observations: Sequence[Observed]) -> Iterator[Fault[LayerSituation]]:
        yield from super().suspected(observations)
        if observations[0].quantity == "output":
            for branch, name in enumerate(observations[0].situation.at.inputs):
                yield from _of_branch(branch, name)


def _of_branch(branch: int, name: str) -> Iterator[Fault[LayerSituation]]:
    """Yield the mistakes that people make with one branch."""
    for code, factor, does in (
        ("branch-left-out", 0, "is left out of the sum"),
        ("branch-twice", 2, "is added twice"),
        ("branch-subtracted", -1, "is subtracted; all are to be added"),
    ):
        yield Fault(code, ("output",), f"what comes from {name} {does}", _weighted(branch, factor))


def _weighted(branch: int, factor: int) -> Callable[[Observed], Prediction]:
    """Predict the sum with a factor before one branch."""

    def predict(observation: Observed) -> Prediction:
        inputs = observation.situation.inputs
        terms = [factor * x if number == branch else x for number, x in enumerate(inputs)]
        size = reduce(np.add, map(np.abs, terms))
        return computed(reduce(np.add, terms), size, len(inputs) + 1)

    return predict
