"""What a fault is, what it is found from, and what is said where it is found."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cnnspec.backends.network import Labels
from cnnspec.compare.verdict import Cause
from cnnspec.compare.verdict.measure import measure
from cnnspec.compare.verdict.quantities import of_any
from cnnspec.numerics.budget import Exact, sum_budget, unit_roundoff
from cnnspec.plan import PlannedLayer
from cnnspec.spec.optimizers import AnyOptimizer
from cnnspec.spec.section import Kind
from cnnspec.trace import Array


@dataclass(frozen=True)
class LayerSituation:
    """What a layer was given. Arrays have the batch first."""

    at: PlannedLayer
    probe: str
    inputs: tuple[Exact, ...]
    grad_output: Exact
    parameters: Mapping[str, Exact]
    buffers: Mapping[str, Exact]
    """Before the pass."""
    noise: NDArray[np.bool] | None = None
    """The mask of a layer that draws one."""

    @property
    def x(self) -> Exact:
        """What a layer of one input was given."""
        (only,) = self.inputs
        return only

    @property
    def largest(self) -> float:
        """Return the greatest magnitude of what was given."""
        return max(map(_greatest, self._given))

    @property
    def numbers(self) -> int:
        """Return how many numbers were given."""
        return sum(array.size for array in self._given)

    @property
    def _given(self) -> tuple[Exact, ...]:
        return (*self.inputs, self.grad_output, *self.parameters.values())

    def magnitudes(self) -> LayerSituation:
        """Return the same with the absolute value of every number."""
        return replace(
            self,
            inputs=tuple(map(np.abs, self.inputs)),
            grad_output=np.abs(self.grad_output),
            parameters={name: np.abs(array) for name, array in self.parameters.items()},
        )


@dataclass(frozen=True)
class LossSituation:
    """What the loss was given."""

    options: Kind
    probe: str
    logits: Exact
    """(n, classes)"""
    labels: Labels

    @property
    def largest(self) -> float:
        """Return the greatest magnitude of what was given."""
        return _greatest(self.logits)

    @property
    def numbers(self) -> int:
        """Return how many numbers were given."""
        return self.logits.size


@dataclass(frozen=True)
class UpdateSituation:
    """What the optimizer was given for one parameter, in one step."""

    options: AnyOptimizer
    learning_rate: float
    step: int
    """From 1."""
    weights: Exact
    slots: Mapping[str, Exact]
    """Before the step, by the slot's name alone (`exp_avg`)."""
    gradient: Exact

    @property
    def largest(self) -> float:
        """Return the greatest magnitude of what was given."""
        return max(map(_greatest, (self.weights, self.gradient, *self.slots.values())))

    @property
    def numbers(self) -> int:
        """Return how many numbers were given."""
        return self.gradient.size


def _greatest(array: Exact) -> float:
    return float(np.max(np.abs(array), initial=0.0))


Situation = TypeVar("Situation", LayerSituation, LossSituation, UpdateSituation)

MODERATE = 16.0
"""The greatest number of what is given at which a first look is taken."""
LOOK = 1e4
"""How many budgets of a right number a faulty one's stays below there: no tolerance, only what
tells most faults from what was found before their bounds are computed."""

BESIDES = ". Besides, "
"""What stands between the sentences of two faults that are made at once."""


@dataclass(frozen=True)
class Observation(Generic[Situation]):
    """One quantity on one probe, in float64: what was found, and what is right."""

    situation: Situation
    quantity: str
    """`output`, `grad_input`, `grad_weight`, ...; `loss`, `grad_logits`; of an update ``
    (the weights) or a slot's name."""
    found: Array
    wanted: Exact
    budget: Exact
    """How far apart rounding may bring the two."""
    precision: str = "float64"
    """In which the found numbers seem to be computed. Budgets, and what faults allow, are those
    of float64: they grow with the rounding."""
    taken: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What formulas have made of the situation so far: faults have most of their steps in
    common (`cnnspec.compare.faults.formula`)."""

    @property
    def right(self) -> bool:
        """Whether rounding explains the difference."""
        return measure(self.found, *self.allowed(self.wanted, self.budget)).ok

    @cached_property
    def look(self) -> float:
        """Return how far off a number must be for a first look to tell that it is another one.

        There is none at numbers that lie far out, where a faulty formula may lose every digit.
        """
        if not self.situation.largest <= MODERATE:
            return math.inf
        budget = self.allowed(self.wanted, self.budget).budget
        rounding = unit_roundoff(self.precision) * np.abs(self.wanted)
        return LOOK * float(np.max(budget + rounding, initial=0.0))

    def bears_out(self, prediction: Prediction) -> bool:
        """Tell whether a prediction is what was found; its budget is looked at last."""
        found, value = self.found, prediction.value
        if not prediction.is_bounded:
            if found.shape != value.shape or not _overflow_alike(found, value):
                return False
            if math.isfinite(self.look) and (np.abs(found - value) > self.look).any():
                return False
        return gives(self.allowed(*prediction), found)

    def allowed(self, value: Exact, budget: Exact) -> Prediction:
        """Return numbers with the budget that they have in the precision of what was found."""
        if self.precision == "float64":
            return Prediction(value, budget)
        u = unit_roundoff(self.precision)
        own = u * np.abs(value) + float(np.finfo(self.precision).tiny)
        return Prediction(value, u / unit_roundoff("float64") * budget + own)


class Prediction:
    """What a fault would give, and how far rounding may bring a faulty implementation from it."""

    __slots__ = ("_budget", "value")

    def __init__(self, value: Exact, budget: Exact | Callable[[], Exact]) -> None:
        """A budget may be computed when it is asked for: most faults are told by their values."""
        self.value, self._budget = value, budget

    @property
    def budget(self) -> Exact:
        """Return how far rounding may bring a faulty implementation from `value`."""
        if callable(self._budget):
            self._budget = self._budget()
        return self._budget

    @property
    def is_bounded(self) -> bool:
        """Tell whether the budget is known already."""
        return not callable(self._budget)

    def __iter__(self) -> Iterator[Exact]:
        yield self.value
        yield self.budget


@dataclass(frozen=True)
class Fault(Generic[Situation]):
    """A mistake that people make."""

    code: str
    quantities: tuple[str, ...]
    """Those that it spoils; none where it is looked for in all. `grad_input` is each input's."""
    sentence: str
    change: Callable[[Observation[Situation]], Prediction | None]
    """What it would give; None where it is not possible, or would change nothing."""
    overflows: bool = False
    """Whether it is seen where numbers are infinite, or not a number, and may be nowhere else: by
    an overflow, or by 0 / 0."""
    besides: str = ""
    """The code of a second fault that is made together with it, if there is one."""
    says_found: bool = False
    """Whether it says no more than the numbers at hand show: others tell nothing against it."""

    def spoils(self, quantity: str) -> bool:
        """Tell whether people make it in a quantity."""
        return not self.quantities or not {quantity, of_any(quantity)}.isdisjoint(self.quantities)


@runtime_checkable
class Joined(Protocol):
    """A change that other changes of the same problem may be made together with."""

    def beside(self, other: Any) -> Any:
        """Return what both give together; None where they do not go together."""


def transformed(
    observation: Observation[Situation], transform: Callable[[Exact], Exact]
) -> Prediction:
    """Predict what is right, passed through a linear transform (a scale, another order)."""
    value = transform(observation.wanted)
    rounding = 4 * unit_roundoff("float64") * np.abs(value)
    return Prediction(value, np.abs(transform(observation.budget)) + rounding)


def computed(value: Exact, magnitude: Exact, roundings: int) -> Prediction:
    """Predict a sum of which each term meets at most so many roundings; 0: exact."""
    return Prediction(value, 2 * sum_budget(roundings, magnitude, value, "float64"))


def explains(fault: Fault[Situation], observations: list[Observation[Situation]]) -> bool:
    """Tell whether a fault gives what was found on every probe, and is seen on one of them.

    NaN and infinity stand for many numbers: one fault that overflows is as good as another. So a
    fault must give them just where they were found, and some finite number that is wrong; unless
    it is known by its overflow.
    """
    seen = False
    for observation in observations:
        prediction = fault.change(observation)
        if prediction and not observation.bears_out(prediction):
            return False
        right = observation.right
        if not prediction and not right:
            return False
        seen |= not right and (fault.overflows or _finite_is_wrong(observation))
    return seen


def is_chance(
    fault: Fault[Situation], elsewhere: Sequence[Sequence[Observation[Situation]]]
) -> bool:
    """Tell whether a fault that fits one setting is not there in the others.

    `elsewhere` is what was observed of the same quantity in each of them. A fault that changes
    nothing there may be made all the same; a second setting that it explains bears it out.
    """
    if fault.says_found or any(explains(fault, list(setting)) for setting in elsewhere):
        return False
    return any(
        (prediction := fault.change(observation)) and not observation.bears_out(prediction)
        for setting in elsewhere
        for observation in setting
        if np.isfinite(observation.found).all()
    )


def gives(prediction: Prediction, found: Array) -> bool:
    """Tell whether what was found is what was predicted, number by number."""
    if not measure(found, *prediction).ok:
        return False
    return _overflow_alike(found, prediction.value)


def _overflow_alike(found: Array, value: Exact) -> bool:
    """Tell whether arrays have the same infinities and NaN, which an infinite budget allows."""
    other = ~(np.isfinite(found) & np.isfinite(value))
    return not other.any() or np.array_equal(found[other], value[other], equal_nan=True)


def _finite_is_wrong(observation: Observation[Situation]) -> bool:
    """Tell whether the shape is wrong, or a number that is neither infinite nor NaN."""
    found, finite = observation.found, np.isfinite(observation.found)
    if found.shape != observation.wanted.shape:
        return True
    wanted, budget = observation.allowed(observation.wanted, observation.budget)
    return not measure(found[finite], wanted[finite], budget[finite]).ok


def first_cause(
    faults: Iterable[Fault[Situation]],
    observations: list[Observation[Situation]],
    help: Mapping[str, str],
    elsewhere: Sequence[Sequence[Observation[Situation]]] = (),
) -> Cause | None:
    """Return the first fault that explains everything that was observed of a quantity.

    `help` says what to do about it, by its code. What fits by chance, as other settings of the
    quantity show (`elsewhere`), is passed over. In a coarse precision several faults may explain
    the same: none is named then, unless they are one in other words.
    """
    if all(observation.right for observation in observations):
        return None
    coarse = any(observation.precision != "float64" for observation in observations)
    with np.errstate(all="ignore"):  # faults are made as they are looked for
        fitting = (
            fault
            for fault in faults
            if explains(fault, observations) and not is_chance(fault, elsewhere)
        )
        first = next(fitting, None)
        if first is None or (coarse and any(_differ(first, o, observations) for o in fitting)):
            return None
    return Cause(first.code, first.sentence, _help(first, help))


def _differ(
    one: Fault[Situation], other: Fault[Situation], observations: list[Observation[Situation]]
) -> bool:
    """Tell whether two faults give different numbers on some probe."""
    for observation in observations:
        first, second = one.change(observation), other.change(observation)
        if (first is None) != (second is None):
            return True
        if first and second:
            budget = first.budget + second.budget
            if not measure(first.value, second.value, budget).ok:
                return True
    return False


def _help(fault: Fault[Any], help: Mapping[str, str]) -> str:
    """Say what to do about a fault, or about two that say different things."""
    lines = (help.get(code, "") for code in (fault.code, fault.besides))
    return "; besides, ".join(dict.fromkeys(filter(None, lines)))
