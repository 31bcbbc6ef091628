"""Classes that compute in fewer bits than they are given: judged by what those explain.

float32 is a style. A class is judged as one that computes in it where its numbers are float32
numbers; or where its own files name float32, no fault on the list gives its numbers, and they are
no further off than float32 explains. What is only so near may be wrong by anything so small.
float16 is a fault: its own numbers have that name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from cnnspec.compare.check.grading.judged import Diagnose, Judged
from cnnspec.compare.verdict.measure import measure
from cnnspec.numerics.budget import Exact
from cnnspec.trace import Array

Budgets = Callable[[str], Sequence[Exact]]
"""What rounding explains in a precision, on each probe on which something was observed."""

IN_FLOAT32 = "computes in float32, although it is given float64"
PARTLY_FLOAT32 = (
    "computes a part of it in float32, which its files name: judged by what float32 explains; "
    "a fault that is smaller cannot be told from rounding"
)
LIKE_FLOAT32 = (
    "no further off than rounding to float32 explains, but no float32 numbers: "
    "is a part of it computed in float32, or a term so small?"
)
MANY = 16
"""Numbers that rounding, which has no preference, hardly puts off to one side all together."""

LIKE_FLOAT16 = (
    "no further off than rounding to float16 explains: is a part of it computed in float16?"
)


def in_its_precision(
    judged: Judged,
    budgets: Budgets,
    named: Collection[str] = (),
    diagnose: Diagnose | None = None,
) -> Judged:
    """Take numbers for right that are float32's own, and as near as those can be.

    Numbers of float64 that are float32 numbers to the last bit are so by no accident. `named` are
    the precisions that the files of a class name.
    """
    if judged.finding.ok:
        return judged
    if _near(judged, budgets("float32")):
        right = replace(judged.finding, ok=True, example="", shown=None)
        if all(_of_float32(observation.found) for observation in judged.observations):
            return Judged(right, note=IN_FLOAT32)
        if "float32" in named and not _has_cause(judged, diagnose):
            return Judged(right, note=PARTLY_FLOAT32)
        return replace(judged, unless_known=LIKE_FLOAT32)
    if "float32" in named or all(_of_float32(at.found) for at in judged.observations):
        judged = replace(judged, in_float32=True)
    if "float16" in named and _near(judged, budgets("float16")) and _to_both_sides(judged):
        return replace(judged, unless_known=LIKE_FLOAT16)
    return judged


def _has_cause(judged: Judged, diagnose: Diagnose | None) -> bool:
    if judged.known or diagnose is None:
        return judged.known is not None
    return diagnose(list(judged.observations), two=True) is not None


def _near(judged: Judged, budgets: Sequence[Exact]) -> bool:
    return all(
        measure(observation.found, observation.wanted, budget).ok
        for observation, budget in zip(judged.observations, budgets)
    )


def _to_both_sides(judged: Judged) -> bool:
    """Tell whether numbers are off to both sides, as rounding has them, if there are many."""
    off = [np.sign(each.found - each.wanted).ravel() for each in judged.observations]
    signs = np.concatenate(off)
    up, down = int(np.sum(signs > 0)), int(np.sum(signs < 0))
    return up + down < MANY or min(up, down) > 0


def _of_float32(found: Array) -> bool:
    with np.errstate(over="ignore"):
        rounded = found.astype(np.float32).astype(np.float64)
    return np.array_equal(found, rounded, equal_nan=True)
