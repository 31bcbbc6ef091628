"""What an optimizer is given for one step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from cnnspec.compare.faults.fault import UpdateSituation
from cnnspec.compare.kinds import OPTIMIZERS
from cnnspec.numerics import Exact
from cnnspec.plan import Plan
from cnnspec.spec.optimizers import AnyOptimizer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array, State

SLICE = 1000
"""Numbers of each parameter of which is kept what became of them."""

TOGETHER = 100_000
"""Of so many weights, updates are bounded together: most parameters are small."""


@dataclass(frozen=True)
class GivenUpdate:
    """What both optimizers are given for one step."""

    weights: State
    slots: State
    gradients: State
    learning_rate: float
    step: int

    def sliced(self) -> GivenUpdate:
        """Return the first numbers of each array alone: an optimizer treats every number alone."""
        parts = (self.weights, self.slots, self.gradients)
        weights, slots, gradients = (
            {name: flat(array) for name, array in state.items()} for state in parts
        )
        return GivenUpdate(weights, slots, gradients, self.learning_rate, self.step)

    def filled(self, shapes: Mapping[str, Shape]) -> GivenUpdate:
        """Return arrays of whole shapes that begin with these numbers, and go on with zeros."""

        def whole(name: str, array: Array) -> Array:
            filled = np.zeros(shapes[name], array.dtype)
            filled.reshape(-1)[: array.size] = array
            return filled

        parts = (self.weights, self.slots, self.gradients)
        weights, slots, gradients = (
            {name: whole(name, array) for name, array in state.items()} for state in parts
        )
        return GivenUpdate(weights, slots, gradients, self.learning_rate, self.step)

    def of(self, options: AnyOptimizer, parameter: str) -> UpdateSituation:
        """Return what is given for one parameter."""
        return UpdateSituation(
            options,
            self.learning_rate,
            self.step,
            self.weights[parameter].astype(np.float64),
            slots_of_one(self.slots, parameter),
            self.gradients[parameter].astype(np.float64),
        )

    def budgets(
        self,
        plan: Plan,
        options: AnyOptimizer,
        precision: str,
        gradient_errors: Mapping[str, Exact] = MappingProxyType({}),
    ) -> dict[str, Exact]:
        """Bound the errors of this update, for each weight and slot by its name.

        `gradient_errors` are what the gradients themselves may be off by.
        """
        bounds: dict[str, Exact] = {}
        shapes = {name: self.weights[name].shape for name in plan.parameters}
        for names in _together(shapes):
            given = _joined([self.of(options, name) for name in names])
            errors = [
                np.broadcast_to(gradient_errors.get(name, 0.0), shapes[name]) for name in names
            ]
            found = OPTIMIZERS[options.keyword].budgets(given, precision, _flat(errors))
            start = 0
            for name in names:
                here = slice(start, start + math.prod(shapes[name]))
                start = here.stop
                # Slots first: where one is wrong, the weights are wrong because of it.
                for slot in sorted(found, key=lambda slot: not slot):
                    full = f"{name}.{slot}" if slot else name
                    bounds[full] = found[slot][here].reshape(shapes[name])
        return bounds


def _together(shapes: Mapping[str, Shape]) -> Iterator[list[str]]:
    """Yield parameters that are bounded together: the rule is for each number by itself."""
    names: list[str] = []
    numbers = 0
    for name, shape in shapes.items():
        numbers += math.prod(shape)
        if names and numbers > TOGETHER:
            yield names
            names, numbers = [], math.prod(shape)
        names.append(name)
    if names:
        yield names


def _joined(given: Sequence[UpdateSituation]) -> UpdateSituation:
    """Return what several parameters are given as if they were one."""
    first = given[0]
    return replace(
        first,
        weights=_flat([at.weights for at in given]),
        slots={slot: _flat([at.slots[slot] for at in given]) for slot in first.slots},
        gradient=_flat([at.gradient for at in given]),
    )


def _flat(arrays: Sequence[Exact]) -> Exact:
    return np.concatenate([array.ravel() for array in arrays])


def flat(array: Array) -> Array:
    """Return the first numbers of an array."""
    return array.ravel()[:SLICE]


def slots_of_one(slots: Mapping[str, Array], parameter: str) -> dict[str, Exact]:
    """Return the slots of one parameter by their own names (`exp_avg`)."""
    prefix = f"{parameter}."
    return {
        slot.removeprefix(prefix): array.astype(np.float64)
        for slot, array in slots.items()
        if slot.startswith(prefix)
    }
