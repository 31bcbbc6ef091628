"""The formula of a kind on ball numbers: what rounding may do, and what a fault makes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
FEW = 2_000
"""Numbers of a layer's probe of which the steps of all faults may be kept in memory."""


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
        remembers: float = math.inf,
    ) -> None:
        """`quantities` has the steps that give them, where they have other names.

        What steps gave is remembered from one fault to the next where a situation has no more
        than so many numbers.
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
        return {name: getattr(at, self._step_of(name)).radius for name in quantities}

    def prediction(self, found: Ball, observation: Observation[Situation]) -> Prediction:
        """Return what a step gives as a prediction of what is observed."""
        shape = observation.wanted.shape
        return Prediction(found.value.reshape(shape), lambda: 2 * found.radius.reshape(shape))

    def changed(self, steps: Steps, observation: Observation[Situation]) -> Prediction:
        """Predict a quantity by the formula with some of its steps replaced."""
        at = self._with(steps, observation)
        return self.prediction(getattr(at, self._step_of(observation.quantity)), observation)

    def leading_to(self, steps: Steps, observation: Observation[Situation]) -> frozenset[str]:
        """Name the steps that lead to a quantity, some steps being replaced."""
        at = self._with(steps, observation)
        return at.leading_to(self._step_of(observation.quantity))

    def _step_of(self, quantity: str) -> str:
        return self._quantities.get(quantity, quantity)

    def _with(self, steps: Steps, observation: Observation[Situation]) -> Computation:
        given, taken = self._remembered(observation)
        return Computation(given, self.steps, steps, taken=taken)

    def _remembered(self, observation: Observation[Situation]) -> tuple[dict[str, Any], Taken]:
        """Return what every fault is given, and what other faults made of it."""
        remembers = observation.situation.numbers <= self._remembers
        memory = observation.taken if remembers else {}
        if self not in memory:
            given, taken = self.given(observation.situation, FAULTY), dict[Any, Any]()
            given["right"] = Computation(given, self.steps, taken=taken)
            memory[self] = given, taken
        found: tuple[dict[str, Any], Taken] = memory[self]
        return found

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


def pairs(
    faults: Sequence[Fault[Situation]],
    others: Sequence[Fault[Situation]],
    observation: Observation[Situation],
) -> Iterator[Fault[Situation]]:
    """Yield faults each together with each of others that changes anything beside it."""
    for fault in faults:
        assert isinstance(fault.change, Changed)
        own = fault.change.steps
        leading = fault.change.formula.leading_to(own, observation)
        if leading.isdisjoint(own):
            continue
        rest = leading - own.keys()
        yield from (beside(fault, other) for other in others if rest & steps_of(other).keys())


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
