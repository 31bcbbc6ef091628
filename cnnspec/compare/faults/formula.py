"""The formula of a kind on ball numbers: what rounding may do, and what a fault makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic

import numpy as np

from cnnspec.compare.faults.fault import BESIDES, Fault, Observation, Prediction, Situation
from cnnspec.numerics import Arithmetic, Ball, Exact
from cnnspec.numerics.formula import Computation, Step, Steps, Taken

CHARGE = 2
"""Roundings of one operation of a right computation: how products are grouped is open."""
FAULTY = Arithmetic("float64", charge=4, overflow="alike")
"""That of a faulty computation, which may be written in many ways."""


class Formula(Generic[Situation]):
    """A rule in named steps, from what a situation gives.

    A replaced step may ask for what is right by `at.right`.
    """

    def __init__(
        self,
        given: Callable[[Situation, Arithmetic], dict[str, Any]],
        steps: Steps,
        quantities: Mapping[str, str] = MappingProxyType({}),
        *,
        remembers: bool = True,
    ) -> None:
        """`quantities` has the steps that give them, where they have other names.

        Of large arrays, what steps gave is not remembered from one fault to the next.
        """
        self._given: Callable[[Situation, Arithmetic], dict[str, Any]] = given
        self.steps, self._quantities = steps, quantities
        self._remembers = remembers

    def given(self, situation: Situation, arithmetic: Arithmetic) -> dict[str, Any]:
        """Return what a situation gives."""
        return self._given(situation, arithmetic) | {"arithmetic": arithmetic}

    def computation(
        self,
        situation: Situation,
        precision: str,
        off: Mapping[str, Any] = MappingProxyType({}),
    ) -> Computation:
        """Return the formula on balls that hold what a sane computation comes to.

        `off` is what given arrays are off by, by their names.
        """
        arithmetic = Arithmetic(precision, CHARGE)
        given = self.given(situation, arithmetic)
        for name, radius in off.items():
            given[name] = arithmetic.ball(given[name].value, _like(radius, given[name].value))
        return Computation(given, self.steps)

    def radii(
        self,
        situation: Situation,
        precision: str,
        quantities: Iterable[str],
        off: Mapping[str, Any] = MappingProxyType({}),
    ) -> dict[str, Exact]:
        """Bound the errors of quantities."""
        at = self.computation(situation, precision, off)
        return {name: getattr(at, self._quantities.get(name, name)).radius for name in quantities}

    def prediction(self, found: Ball, observation: Observation[Situation]) -> Prediction:
        """Return what a step gives as a prediction of what is observed."""
        shape = observation.wanted.shape
        return Prediction(found.value.reshape(shape), 2 * found.radius.reshape(shape))

    def changed(self, steps: Steps, observation: Observation[Situation]) -> Prediction:
        """Predict a quantity by the formula with some of its steps replaced."""
        given = self.given(observation.situation, FAULTY)
        taken: Taken = observation.taken if self._remembers else {}
        right = Computation(given, self.steps, taken=taken)
        computation = Computation(given | {"right": right}, self.steps, steps, taken=taken)
        quantity = observation.quantity
        return self.prediction(
            getattr(computation, self._quantities.get(quantity, quantity)), observation
        )

    def spoiling(
        self, *quantities: str, overflows: bool = False
    ) -> Callable[[str, str, Steps], Fault[Situation]]:
        """Return what makes faults in some quantities: of a code, a sentence and other steps."""

        def fault(code: str, sentence: str, steps: Steps) -> Fault[Situation]:
            return Fault(code, quantities, sentence, Changed(self, steps), overflows)

        return fault

    def replacing(self, step: str, quantity: str) -> Callable[[str, str, Step], Fault[Situation]]:
        """Return what makes faults in one quantity: of a code, a sentence and another step."""

        def fault(code: str, sentence: str, other: Step) -> Fault[Situation]:
            return self.spoiling(quantity)(code, sentence, {step: other})

        return fault


@dataclass(frozen=True)
class Changed(Generic[Situation]):
    """A formula with some of its steps replaced."""

    formula: Formula[Situation]
    steps: Steps

    def __call__(self, observation: Observation[Situation]) -> Prediction:
        """Predict what is observed."""
        return self.formula.changed(self.steps, observation)

    def beside(self, other: Any) -> Changed[Situation] | None:
        """Replace the steps of both, if no step is replaced by both."""
        if not isinstance(other, Changed) or other.formula is not self.formula:
            return None
        if self.steps.keys() & other.steps.keys():
            return None
        return Changed(self.formula, {**self.steps, **other.steps})


def steps_of(fault: Fault[Situation]) -> Steps:
    """Return the steps that a fault replaces."""
    assert isinstance(fault.change, Changed)
    return fault.change.steps


def beside(fault: Fault[Situation], other: Fault[Situation]) -> Fault[Situation]:
    """Return a fault that is made together with another one."""
    assert isinstance(fault.change, Changed)
    both = Changed(fault.change.formula, {**steps_of(other), **steps_of(fault)})
    sentence = f"{fault.sentence}{BESIDES}{other.sentence}"
    overflows = fault.overflows and other.overflows
    return Fault(fault.code, fault.quantities, sentence, both, overflows, other.code)


def _like(radius: Any, array: Exact) -> Exact:
    """Return a radius in the shape of an array, which may be that of flat images."""
    same = np.size(radius) == array.size
    return np.reshape(radius, array.shape) if same else np.broadcast_to(radius, array.shape)
