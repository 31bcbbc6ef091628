"""Faults of convolutions and linear layers: changes of the problem that they solve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction
from cnnspec.compare.kinds.affine.convolution import Convolution
from cnnspec.numerics.budget import Exact

Observed = Observation[LayerSituation]
Change = Callable[[Convolution], Convolution | None]
"""None where it is not possible."""


@dataclass(frozen=True)
class Changed:
    """What a changed problem gives."""

    change: Change

    def __call__(self, observation: Observed) -> Prediction | None:
        """Predict what is observed; None where the change is not possible."""
        changed = self.change(Convolution.of(observation.situation))
        if changed is None:
            return None
        return _fitted(changed.predict(observation.quantity), observation)

    def beside(self, other: Any) -> Changed | None:
        """Make one change after the other."""
        return Changed(both(self.change, other.change)) if isinstance(other, Changed) else None


def _fitted(prediction: Prediction, observation: Observed) -> Prediction:
    """Leave out windows beyond the last one of an output that has the right shape."""
    value, budget = prediction
    shape = observation.wanted.shape
    if observation.found.shape != shape or value.ndim != len(shape):
        return prediction
    kept = tuple(slice(size) for size in shape)
    return Prediction(value[kept], budget[kept])


def spoiling(*quantities: str) -> Callable[[str, str, Change], Fault[LayerSituation]]:
    """Return what makes faults in some quantities: of a code, a sentence and a change."""

    def fault(code: str, sentence: str, change: Change) -> Fault[LayerSituation]:
        return Fault(code, quantities, sentence, Changed(change))

    return fault


output = spoiling("output")
grad_input = spoiling("grad_input")
gradients = spoiling("grad_input", "grad_weight", "grad_bias")
of_places = spoiling("output", "grad_input", "grad_weight")
of_weight = spoiling("output", "grad_input")
of_input = spoiling("output", "grad_weight")


def weight_change(change: Callable[[Exact], Exact]) -> Change:
    """Change the weight, where it keeps its shape."""

    def changed(problem: Convolution) -> Convolution | None:
        weight = change(problem.weight)
        if weight.shape != problem.weight.shape:
            return None
        return replace(problem, weight=weight)

    return changed


def only(axis: int, index: slice, name: Literal["x", "grad_output"]) -> Change:
    """Put zeros in place of all but some images, channels or windows."""

    def changed(problem: Convolution) -> Convolution:
        array = getattr(problem, name)
        kept = np.zeros_like(array)
        at = (slice(None),) * axis + (index,)
        kept[at] = array[at]
        return replace(problem, **{name: kept})

    return changed


def kept_alone(kept: Callable[[Exact], Exact], name: Literal["x", "grad_output"]) -> Change:
    """Put zeros in place of all but a share."""

    def changed(problem: Convolution) -> Convolution:
        return replace(problem, **{name: kept(getattr(problem, name))})  # type: ignore[arg-type]

    return changed


def both(one: Change, other: Change) -> Change:
    """Make one change after the other."""

    def changed(problem: Convolution) -> Convolution | None:
        after = one(problem)
        return None if after is None else other(after)

    return changed


FIRST, LAST = slice(0, 1), slice(-1, None)
BUT_FIRST, BUT_LAST = slice(1, None), slice(None, -1)
