"""A computation as a table of named steps, of which a fault replaces some."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic

from cnnspec.compare.fault import Fault, Observation, Prediction, Situation
from cnnspec.compare.rounded import Rounded

Step = Callable[["Computation"], Any]
"""From what is given, and from other steps: `lambda at: at.momentum * at.old + at.g`."""

Steps = Mapping[str, Step]


Taken = dict[Step, dict[tuple[str, ...], dict[tuple[Step | None, ...], Any]]]
"""What steps gave: by the step, the names of all that lead to it, and the steps of these names."""


class Computation:
    """What was given, and the steps from there, each taken once, when it is first asked for."""

    def __init__(self, given: Mapping[str, Any], *steps: Steps, taken: Taken | None = None) -> None:
        """Later tables replace steps of earlier ones.

        What was `taken` by other computations from the same numbers is not taken again where
        all the steps that lead to it are the same: a fault leaves most of them as they are.
        """
        self._steps = {name: step for table in steps for name, step in table.items()}
        self._given = given
        self._known: dict[str, tuple[tuple[str, ...], Any]] = {}
        self._taken = {} if taken is None else taken
        self._led: list[set[str]] = [set()]

    def __getattr__(self, name: str) -> Any:
        """Return what was given under a name, or take the step of that name."""
        if name in self._given:
            return self._given[name]
        if name not in self._known:
            if name not in self._steps:
                raise AttributeError(name)
            self._known[name] = self._found(name) or self._take(name)
        led, value = self._known[name]
        self._led[-1].update(led)
        return value

    def _found(self, name: str) -> tuple[tuple[str, ...], Any] | None:
        """Return what another computation made of a step, if it came there by the same steps."""
        for led, values in self._taken.get(self._steps[name], {}).items():
            key = tuple(map(self._steps.get, led))
            if key in values:
                return led, values[key]
        return None

    def _take(self, name: str) -> tuple[tuple[str, ...], Any]:
        self._led.append({name})
        try:
            value = self._steps[name](self)
        finally:
            led = tuple(sorted(self._led.pop()))
        of_step = self._taken.setdefault(self._steps[name], {})
        of_step.setdefault(led, {})[tuple(map(self._steps.get, led))] = value
        return led, value


class Formula(Generic[Situation]):
    """A rule in named steps, from what a situation gives.

    A replaced step may ask for what is right by `at.right`.
    """

    def __init__(
        self,
        given: Callable[[Situation], dict[str, Any]],
        steps: Steps,
        quantities: Mapping[str, str] = MappingProxyType({}),
        *,
        remembers: bool = True,
    ) -> None:
        """`quantities` has the steps that give them, where they have other names.

        Of large arrays, what steps gave is not remembered from one fault to the next.
        """
        self._given: Callable[[Situation], dict[str, Any]] = given
        self.steps, self._quantities = steps, quantities
        self._remembers = remembers

    def prediction(self, found: Rounded, observation: Observation[Situation]) -> Prediction:
        """Return what a step gives as a prediction of what is observed."""
        shape = observation.wanted.shape
        return found.moved(lambda array: array.reshape(shape)).prediction()

    def changed(self, steps: Steps, observation: Observation[Situation]) -> Prediction:
        """Predict a quantity by the formula with some of its steps replaced."""
        given = self._given(observation.situation)
        taken: Taken = observation.taken if self._remembers else {}
        right = Computation(given, self.steps, taken=taken)
        computation = Computation(given | {"right": right}, self.steps, steps, taken=taken)
        quantity = observation.quantity
        return self.prediction(
            getattr(computation, self._quantities.get(quantity, quantity)), observation
        )

    def spoiling(self, *quantities: str) -> Callable[[str, str, Steps], Fault[Situation]]:
        """Return what makes faults in some quantities: of a code, a sentence and other steps."""

        def fault(code: str, sentence: str, steps: Steps) -> Fault[Situation]:
            return Fault(code, quantities, sentence, Changed(self, steps))

        return fault


@dataclass(frozen=True)
class Changed(Generic[Situation]):
    """A formula with some of its steps replaced."""

    formula: Formula[Situation]
    steps: Steps

    def __call__(self, observation: Observation[Situation]) -> Prediction:
        """Predict what is observed."""
        return self.formula.changed(self.steps, observation)


def steps_of(fault: Fault[Situation]) -> Steps:
    """Return the steps that a fault replaces."""
    assert isinstance(fault.change, Changed)
    return fault.change.steps


def beside(fault: Fault[Situation], other: Fault[Situation]) -> Fault[Situation]:
    """Return a fault that is made together with another one."""
    assert isinstance(fault.change, Changed)
    both = Changed(fault.change.formula, {**steps_of(other), **steps_of(fault)})
    sentence = f"{fault.sentence}. Besides, {other.sentence}"
    return Fault(fault.code, fault.quantities, sentence, both)
