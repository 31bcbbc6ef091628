"""What a pass leaves as it was: what it is given, its weights, and what other objects keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from cnnspec.compare.causes.help import known_cause
from cnnspec.compare.check.grading.grader import TWO, Grader
from cnnspec.compare.check.grading.known import DRAWN
from cnnspec.compare.check.grading.setting import SettingGrader
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.records import CheckFinding
from cnnspec.compare.verdict import Cause
from cnnspec.trace import Array

CHANGES_INPUT = known_cause("changes-input", "the array that it is given is overwritten")
UPDATES = known_cause(
    "updates-own-weights",
    "the backward pass updates the weights; that is the optimizer's work, after all gradients "
    "are known",
)
ACCUMULATES = known_cause(
    "not-repeatable",
    "the same call gives another result when it is made again: something is kept, or added "
    "up, between calls, or drawn at random, or read from memory that was never written (np.empty)",
)
OF_ONE_SIZE = known_cause(
    "kept-size",
    "images of another size than those before are given something else than by a new object: "
    "what hangs on the size is kept from the first pass",
)
SHARED = known_cause(
    "shared-state",
    "two objects of the class share what they keep: a forward pass of one changes what the other "
    "gives",
)
APART = known_cause(
    "objects-differ",
    "two objects that are given the same weights and the same input give different numbers: what "
    "they keep is shared, or comes from the constructor, or numbers are drawn, or read from memory "
    "that was never written (np.empty)",
)


def untouched(
    grader: SettingGrader,
    keys: Sequence[str],
    found: Sequence[Mapping[str, Array]],
    results: Results,
) -> Iterator[CheckFinding]:
    """Yield whether a pass left as it was what it must leave so."""
    given: dict[str, list[Mapping[str, Array]]] = {
        "own input": [{"after_x": probe.x} for probe in grader.probes],
        "own grad_output": [{"after_grad_output": p.grad_output} for p in grader.probes],
    }
    if grader.at.parameters:
        own = {f"after_{name}": grader.weights[name] for name in grader.at.parameters}
        given["own weights"] = [own] * len(grader.probes)
    for quantity, before in given.items():
        stage = "forward" if quantity == "own input" else "backward"
        same = all(
            np.array_equal(arrays[name], array, equal_nan=True)
            for was, arrays in zip(before, found)
            for name, array in was.items()
            if name in arrays
        )
        if not same:
            cause = UPDATES if quantity == "own weights" else CHANGES_INPUT
            yield CheckFinding(grader.name, quantity, False, cause=cause)
        elif any(results.succeeded(key, stage) for key in keys):
            yield CheckFinding(grader.name, quantity, True)
        else:
            yield grader.unreached_as(quantity)


def repeated(grader: Grader, key: str, results: Results) -> CheckFinding:
    """Hold that the same call gives the same again, whatever passes are in between."""
    finding = grader.unreached_as(grader.again)
    if not results.succeeded(f"{key}-first", "backward"):
        return finding
    error = _error(f"{key}-between", results) or _error(f"{key}-second", results)
    other = differing(grader, key, results)
    of_other_size = _after_another_size(grader, f"{key}-between", results)
    cause = OF_ONE_SIZE if of_other_size else None
    if other:
        cause = DRAWN if is_drawn(grader, key, results) else ACCUMULATES
    return replace(
        finding,
        ok=not (error or other or of_other_size),
        reached=True,
        message=error or _differs(other) or of_other_size,
        cause=None if error else cause,
    )


def differing(grader: Grader, key: str, results: Results) -> Sequence[str]:
    """Name the quantities that the same call of one object gives otherwise when made again."""
    return _unequal(grader, *(results.arrays(f"{key}-{time}") for time in ("second", "first")))


def is_drawn(grader: Grader, key: str, results: Results) -> bool:
    """Tell whether a forward pass draws numbers, and gives another output each time."""
    draws = results.said(f"{key}-first", "forward_draws")
    return bool(draws) and "output" in differing(grader, key, results)


def _unequal(
    grader: Grader, found: Mapping[str, Array], wanted: Mapping[str, Array]
) -> Sequence[str]:
    return [
        name
        for name in grader.quantities
        if name in wanted
        and not (name in found and np.array_equal(found[name], wanted[name], equal_nan=True))
    ]


def _after_another_size(grader: Grader, key: str, results: Results) -> str:
    """Say what images of another size give that a new object, which saw no others, does not.

    A class may be made for one size, and refuse another; it refuses it from the first then.
    """
    used, fresh = f"{key}-other-size", f"{key}-fresh"
    if _error(fresh, results) or results.error(fresh, "construct"):
        return ""
    if error := _error(used, results):
        return error
    return _differs(_unequal(grader, results.arrays(used), results.arrays(fresh)))


def kept_apart(grader: Grader, key: str, results: Results) -> CheckFinding:
    """Hold that a forward pass of another object changes nothing of what this one gives."""
    finding, two = grader.unreached_as(TWO), f"{key}-two"
    if not results.succeeded(f"{key}-{grader.first}", "backward"):
        return finding
    made = [results.error(f"{key}-{each}", "construct") for each in ("one", "other")]
    errors = (*made, _error(f"{two}-other", results), _error(two, results))
    if error := next(filter(None, errors), ""):
        return replace(finding, reached=True, message=error, cause=SHARED)
    before, after = results.arrays(f"{key}-{grader.first}"), results.arrays(two)
    other = [
        name
        for name in grader.quantities
        if name in before and name in after and not grader.is_same(name, after, before)
    ]
    cause = _of_two(grader, key, results, other) if other else None
    return replace(finding, ok=not other, reached=True, message=_differs(other), cause=cause)


def _of_two(grader: Grader, key: str, results: Results, other: Sequence[str]) -> Cause:
    """Blame what objects share only where they give the same if nothing is in between."""
    if "output" in other and is_drawn(grader, key, results):
        return DRAWN
    one = results.arrays(f"{key}-{results.said(key, 'repeated')}")
    another = results.arrays(f"{key}-first")
    by_itself = differing(grader, key, results)
    alike = any(
        name in one and name in another and grader.is_same(name, another, one)
        for name in other
        if name not in by_itself
    )
    return SHARED if alike else APART


def _differs(names: Sequence[str]) -> str:
    return f"differs in {', '.join(names)}" if names else ""


def _error(key: str, results: Results) -> str:
    return results.error(key, "forward") or results.error(key, "backward")
