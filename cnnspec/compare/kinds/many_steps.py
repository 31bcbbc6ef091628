"""The rule of an optimizer, step after step: what errors and faults become by and by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np

from cnnspec.compare.faults.fault import Fault, Observation, Prediction, UpdateSituation
from cnnspec.compare.faults.formula import CHARGE, FAULTY, steps_of
from cnnspec.compare.kinds.optimizer import OptimizerKind
from cnnspec.compare.verdict.measure import measure
from cnnspec.numerics import Arithmetic, Ball, Exact
from cnnspec.numerics.formula import Computation, Steps, Taken

Observed = Observation[UpdateSituation]


def radii(kind: OptimizerKind, many: UpdateSituation, precision: str) -> Exact:
    """Bound the errors of the weights after each step.

    Of the situation, the gradient has a row for each step; the slots are as before the first.
    """
    walked = weights_after(kind, many, Arithmetic(precision, CHARGE))
    return np.stack([weights.radius for weights in walked])


def over_many(kind: OptimizerKind, fault: Fault[UpdateSituation]) -> Fault[UpdateSituation]:
    """Return a fault of one step as what it gives in many, which start from the same weights."""

    def change(observation: Observed) -> Prediction:
        found, rows = observation.found, list[tuple[Exact, Exact]]()
        steps, taken = steps_of(fault), observation.taken
        for weights in weights_after(kind, observation.situation, FAULTY, steps, taken):
            row = weights.value, 2 * weights.radius
            rows.append(row)
            if not measure(found[len(rows) - 1], *row).ok:
                break  # whatever follows, it is not this one
        missing = len(found) - len(rows)
        rows += [(np.full(found.shape[1:], np.nan), np.zeros(found.shape[1:]))] * missing
        value, budget = map(np.stack, zip(*rows))
        return Prediction(value, budget)

    return replace(fault, change=change)


def counted_for_each(kind: OptimizerKind, each: Sequence[UpdateSituation]) -> Prediction:
    """Return the weights of parameters after each step, where every parameter counts as a step."""
    value, budget = list[Exact](), list[Exact]()
    for before, many in enumerate(each):
        counted = partial(_counted, before=before, parameters=len(each))
        rows = [*weights_after(kind, many, FAULTY, counted=counted)]
        value.append(np.stack([row.value for row in rows]))
        budget.append(np.stack([2 * row.radius for row in rows]))
    return Prediction(np.concatenate(value, axis=1), np.concatenate(budget, axis=1))


def _counted(step: int, before: int, parameters: int) -> int:
    return (step - 1) * parameters + before + 1


def weights_after(
    kind: OptimizerKind,
    many: UpdateSituation,
    arithmetic: Arithmetic,
    changed: Steps = MappingProxyType({}),
    taken: Taken | None = None,
    counted: Callable[[int], int] = lambda step: step,
) -> Iterator[Ball]:
    """Yield the weights after each step, some steps of the rule being changed.

    `taken` is what other faults made of the first step, most of which end there; `counted` is what
    a step has for its number.
    """
    before: Mapping[str, Ball] = {}
    for step, gradient in enumerate(many.gradient, 1):
        at_step = replace(many, step=counted(step), gradient=gradient)
        given = kind.rule.given(at_step, arithmetic)
        given |= before
        first = taken if step == 1 else {}
        right = Computation(given, kind.rule.steps, taken=first)
        at = Computation(given | {"right": right}, kind.rule.steps, changed, taken=first)
        before = {name: getattr(at, after) for after, name in kind.before.items()}
        yield before[kind.before["weights"]]
