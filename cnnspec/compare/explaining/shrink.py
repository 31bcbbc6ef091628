"""shrink(): the smallest spec on which two backends still differ in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cnnspec.address import OPTIMIZER, Address, Layer
from cnnspec.compare.explaining.smaller import Entries, smaller, with_changes
from cnnspec.compare.referee import compare_choices
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.verdict import Verdict
from cnnspec.errors import BackendError, SpecError
from cnnspec.plan import Plan, resolve, resolve_to_train
from cnnspec.spec.composites import AnyEntry, Composite
from cnnspec.spec.model import ModelSpec

RUNS = 200
"""Comparisons, at most."""


@dataclass(frozen=True)
class Failure:
    """What must stay as it is while a spec shrinks."""

    part: str | Address
    """A kind of layer, or the address of what is no layer."""
    quantity: str | None
    """None: it could not be compared."""
    precision: str
    wrong_side: str | None
    cause: str | None


@dataclass(frozen=True)
class Shrunk:
    """A failure, and the smallest spec that was found to show it."""

    spec: ModelSpec
    verdict: Verdict
    failure: Failure
    runs: int
    """Comparisons that it took."""


def shrink(
    spec: ModelSpec,
    choices: tuple[BackendChoice, BackendChoice],
    *,
    runs: int = RUNS,
    on_run: Callable[[int], None] | None = None,
) -> Shrunk | None:
    """Make layers, channels, images, options and the batch smaller while the same failure holds.

    The spec's data is left out: the failure must show on the probes. None where it does not,
    or where there is none.
    """
    smallest = _without_data(spec)
    verdict = _compared(smallest, choices)
    failure = failure_of(verdict, resolve(smallest)) if verdict else None
    if verdict is None or failure is None:
        return None
    count, tried = 1, {smallest}
    found = True
    while found:
        found = False
        for candidate in smaller(smallest, failure.part):
            if candidate in tried or count == runs:
                continue
            tried.add(candidate)
            smaller_verdict = _compared(candidate, choices)
            if smaller_verdict is None:
                continue
            count += 1
            if on_run:
                on_run(count)
            if failure_of(smaller_verdict, resolve(candidate)) == failure:
                smallest, verdict, found = candidate, smaller_verdict, True
                break
    return Shrunk(smallest, verdict, failure, count)


def failure_of(verdict: Verdict, plan: Plan) -> Failure | None:
    """Return what is wrong first, without the names and numbers that a smaller spec changes."""

    def part(at: Address) -> str | Address:
        return plan.layer(at.path).kind if isinstance(at, Layer) else at

    for finding in verdict.findings:
        quantity = finding.quantity
        if finding.address == OPTIMIZER:  # `conv1.weight.exp_avg`: whichever parameter it is
            quantity = quantity.split(".", 2)[2] if quantity.count(".") > 1 else "weights"
        cause = finding.cause.code if finding.cause else None
        return Failure(
            part(finding.address), quantity, finding.precision, finding.wrong_side, cause
        )
    for item in verdict.coverage.not_compared:
        if not item.allowed:
            side = next((name for name in verdict.backends if item.why.startswith(name)), None)
            return Failure(part(item.address), None, "float64", side, None)
    return None


def _without_data(spec: ModelSpec) -> ModelSpec:
    training = spec.training.model_copy(update={"epochs": 1})
    layers = _all_free(spec.layers)
    return with_changes(spec, data=None, training=training, layers=layers)


def _without_widths(entry: AnyEntry) -> AnyEntry:
    """Return a layer that takes any width: asserted ones would be wrong in a smaller spec."""
    if isinstance(entry, Composite):
        for option, depth in entry.lists.items():
            inner = getattr(entry, option)
            free = _all_free(inner) if depth == 1 else tuple(map(_all_free, inner))
            entry = entry.model_copy(update={option: free})
        return entry
    asserted = [entry.input_width] if entry.input_width else []
    return entry.model_copy(update=dict.fromkeys(asserted))


def _all_free(entries: Sequence[AnyEntry]) -> Entries:
    return tuple(map(_without_widths, entries))


def _compared(spec: ModelSpec, choices: tuple[BackendChoice, BackendChoice]) -> Verdict | None:
    try:
        return compare_choices(resolve_to_train(spec), spec.training, *choices)
    except (SpecError, BackendError):  # the layers do not fit together, or not the backend
        return None
