"""Grading an optimizer: the weights after each step, beside those of the textbook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from cnnspec.backends import loops
from cnnspec.compare.causes.help import known_cause
from cnnspec.compare.causes.optimizer import diagnose_many
from cnnspec.compare.check.grading.judged import Judged
from cnnspec.compare.check.grading.precision import in_its_precision
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.records import CheckFinding
from cnnspec.compare.faults.fault import Observation, UpdateSituation
from cnnspec.compare.kinds import OPTIMIZERS
from cnnspec.compare.kinds.many_steps import counted_for_each, radii
from cnnspec.compare.verdict import Cause
from cnnspec.compare.verdict.measure import measure
from cnnspec.numerics import Exact
from cnnspec.randomness import stream
from cnnspec.spec.optimizers import AnyOptimizer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

diagnose = diagnose_many

SHAPES: Mapping[str, Shape] = {"W1": (4, 4), "b1": (4,), "W2": (4, 4), "b2": (4,)}
"""Of the weights: two layers, alike: what is kept by a shape is kept of both."""

STEPS = 6

WEIGHTS, GRADIENTS, BESIDE = "update", "own gradients", "two objects"
"""What is looked at."""

CHANGES_GRADIENTS = known_cause("changes-input", "the gradients that it is given are overwritten")
SHARED = known_cause(
    "shared-state",
    "the steps of another object of the class change those of this one: what it keeps is shared",
)


LEFT_OUT = known_cause("parameters-left-out", "some of the parameters are never updated")


class OptimizerGrader:
    """One setting: weights, gradients of some steps, and what is right after each."""

    def __init__(self, name: str, options: AnyOptimizer) -> None:
        self.setting, self.options = name, options
        random = stream(0, "check", "optimizer")
        self.start = {each: random.normal(size=shape) for each, shape in SHAPES.items()}
        self.gradients = {each: _gradients(random, shape) for each, shape in SHAPES.items()}

    def unreached(self) -> list[CheckFinding]:
        """Return what would have been looked at."""
        names = WEIGHTS, GRADIENTS, BESIDE
        return [CheckFinding(self.setting, name, False, reached=False) for name in names]

    def judged(self, key: str, results: Results) -> Iterator[Judged]:
        """Yield what is right and what is wrong in this setting, always as much of it."""
        weights, own, beside = self.unreached()
        alone = results.arrays(key)
        if error := results.error(key, "update"):
            failed = replace(weights, reached=True, stage="update", message=error)
            yield from map(Judged, (failed, own, beside))
            return
        if unfit := results.unfit(key):
            name, words = next(iter(unfit.items()))
            unfit_one = replace(weights, reached=True, message=f"{name} is {words}")
            yield from map(Judged, (unfit_one, own, beside))
            return
        judged = self._weights(weights, alone)
        apart = self._beside(beside, key, results, alone)
        yield judged.known_as(apart.cause or self._known(alone))
        kept = all(np.array_equal(alone[f"after_{n}"], rows) for n, rows in self.gradients.items())
        cause = None if kept else CHANGES_GRADIENTS
        yield Judged(replace(own, ok=kept, reached=True, cause=cause))
        yield Judged(apart)

    def right(self, key: str, results: Results) -> bool:
        """Tell whether the weights are right, if they are there."""
        alone = results.arrays(key)
        if not all(name in alone for name in SHAPES):
            return False
        return self._weights(self.unreached()[0], alone).finding.ok

    def _weights(self, finding: CheckFinding, alone: Mapping[str, Array]) -> Judged:
        found = _flat({name: alone[name] for name in SHAPES})
        kind = OPTIMIZERS[self.options.keyword]
        given = self._given()
        observed = Observation(
            given, WEIGHTS, found, self._wanted(), 2 * radii(kind, given, "float64")
        )
        measured = measure(observed.found, observed.wanted, observed.budget)
        finding = replace(
            finding,
            ok=measured.ok,
            reached=True,
            max_abs=measured.max_abs,
            budget=measured.budget,
            example="" if measured.ok else _example(observed, measured.position),
        )
        judged = Judged(finding, () if measured.ok else (observed,))
        return in_its_precision(judged, lambda precision: [radii(kind, given, precision)])

    def _known(self, alone: Mapping[str, Array]) -> Cause | None:
        """Name what shows in several parameters alone."""
        still = [np.array_equal(alone[name][-1], self.start[name]) for name in SHAPES]
        if any(still) and not all(still):
            return LEFT_OUT
        kind = OPTIMIZERS[self.options.keyword]
        if kind.counted_for_each is None:
            return None
        given = counted_for_each(kind, [self._given([name]) for name in SHAPES])
        found = _flat({name: alone[name] for name in SHAPES})
        return kind.counted_for_each if measure(found, *given).ok else None

    def _given(self, names: Iterable[str] = tuple(SHAPES)) -> UpdateSituation:
        """Return what is given of some parameters, laid beside each other."""
        gradients = {name: self.gradients[name] for name in names}
        start = np.concatenate([self.start[name].ravel() for name in gradients])
        slots = {slot: np.zeros_like(start) for slot in self.options.slots}
        rate = self.options.learning_rate
        return UpdateSituation(self.options, rate, 1, start, slots, _flat(gradients))

    def _wanted(self) -> Exact:
        """Ask the textbook's loops."""
        weights = {name: array.copy() for name, array in self.start.items()}
        optimizer = loops.OPTIMIZERS[self.options.keyword](self.options, weights)
        rows = []
        for step in range(STEPS):
            gradients = {name: array[step] for name, array in self.gradients.items()}
            optimizer.step(weights, gradients, self.options.learning_rate, step + 1)
            rows.append(_flat({name: array[None].copy() for name, array in weights.items()}))
        return np.concatenate(rows)

    def _beside(
        self, finding: CheckFinding, key: str, results: Results, alone: Mapping[str, Array]
    ) -> CheckFinding:
        """Hold that an object by turns with another does as it did alone."""
        for each in (f"{key}-beside", f"{key}-other"):
            if error := results.error(each, "update"):
                return replace(finding, reached=True, stage="update", message=error)
        anew = results.arrays(f"{key}-beside")
        if not anew:
            return finding
        same = all(np.array_equal(anew[name], alone[name], equal_nan=True) for name in SHAPES)
        return replace(finding, ok=same, reached=True, cause=None if same else SHARED)


def _gradients(random: np.random.Generator, shape: Shape) -> Array:
    """Draw gradients of all steps: of both signs, over four decades, some 0 at first or always."""
    rows = random.normal(size=(STEPS, *shape)) * 10.0 ** random.uniform(-3, 1, (STEPS, *shape))
    rows.reshape(STEPS, -1)[:, 0] = 0
    rows.reshape(STEPS, -1)[0, 1] = 0
    return rows


def _flat(arrays: Mapping[str, Array]) -> Exact:
    """Lay arrays (steps, ...) beside each other."""
    return np.concatenate([array.reshape(len(array), -1) for array in arrays.values()], axis=1)


def _example(observed: Observation[UpdateSituation], position: tuple[int, ...]) -> str:
    """Show the worst number: after which step, and where it stands."""
    step, at = position
    places = [(name, index) for name, shape in SHAPES.items() for index in np.ndindex(shape)]
    name, index = places[at]
    found, wanted = observed.found[position], observed.wanted[position]
    return f"after step {step + 1}, {name} at {[*index]}: found {found:.6g}, wanted {wanted:.6g}"
