"""shrink(): the smallest spec on which two backends still differ in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from cnnspec.address import OPTIMIZER, Address, Layer
from cnnspec.compare.explaining.smaller import (
    Entries,
    fewer_layers,
    smaller_layers,
    with_changes,
)
from cnnspec.compare.referee import compare_choices
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.verdict import Verdict
from cnnspec.errors import BackendError, SpecError
from cnnspec.plan import Plan, resolve, resolve_to_train
from cnnspec.spec.composites import AnyEntry, Composite
from cnnspec.spec.model import ModelSpec

RUNS = 200
"""Comparisons, at most."""

Ways = Callable[[ModelSpec, str | Address], Iterator[ModelSpec]]
"""From a spec, and what fails in it, to smaller ones."""


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
    search = _Search(choices, runs, on_run, Shrunk(smallest, verdict, failure, 1), {smallest})
    while any(search.exhausted(ways) for ways in (fewer_layers, smaller_layers)):
        pass
    return search.found


@dataclass
class _Search:
    """The smallest spec so far, and all that were tried."""

    choices: tuple[BackendChoice, BackendChoice]
    runs: int
    on_run: Callable[[int], None] | None
    found: Shrunk
    tried: set[ModelSpec]

    def exhausted(self, ways: Ways) -> bool:
        """Take every way to a smaller spec that fails alike, until none does; tell if one did.

        After one that does, the next is tried: those before it have just failed.
        """
        ever, start = False, self._next(ways, 0)
        while start is not None:
            ever, start = True, self._next(ways, start)
            if start is None:
                start = self._next(ways, 0)
        return ever

    def _next(self, ways: Ways, start: int) -> int | None:
        """Take the first way that fails alike, from a number on, and return its number."""
        failure = self.found.failure
        for number, candidate in enumerate(ways(self.found.spec, failure.part)):
            if number < start or candidate in self.tried or self.found.runs == self.runs:
                continue
            self.tried.add(candidate)
            verdict = _compared(candidate, self.choices)
            if verdict is None:
                continue
            self.found = replace(self.found, runs=self.found.runs + 1)
            if self.on_run:
                self.on_run(self.found.runs)
            if failure_of(verdict, resolve(candidate)) == failure:
                self.found = replace(self.found, spec=candidate, verdict=verdict)
                return number
        return None


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
