"""Grading: what somebody's class gave, beside what the textbook gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from cnnspec.compare.causes import diagnose_layer
from cnnspec.compare.check.grading.evaluation import evaluated, same_in_evaluation
from cnnspec.compare.check.grading.judged import Judged
from cnnspec.compare.check.grading.known import (
    DRAWN,
    KEPT,
    STALE,
    UPDATED,
    first_call_only,
    uses_first_weights,
    uses_updated_weights,
    works_alone,
)
from cnnspec.compare.check.grading.precision import in_its_precision
from cnnspec.compare.check.grading.setting import EVALUATION, Observed, SettingGrader
from cnnspec.compare.check.grading.state import differing, is_drawn, kept_apart, repeated, untouched
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.records import CheckFinding, NotSupported, NotTried
from cnnspec.compare.verdict import Cause
from cnnspec.compare.verdict.quantities import quantities_of
from cnnspec.trace import Array

REPORTED_BY = {"output": "forward", "grad_input": "backward"}
"""The finding that says that a stage failed; the others of the stage are not reached."""

OF_RIGHT_SHAPE = (
    "it was given a gradient of the shape that the output should have, and the output of the "
    "class has another: mend the output first"
)


class LayerGrader(SettingGrader):
    """Judges what a class gave in one setting."""

    def judged(self, key: str, results: Results) -> Iterator[Judged]:
        """Yield what is right and what is wrong in this setting, always as much of it."""
        error = results.error(key, "construct")
        if error:
            first, *others = self.unreached()
            yield Judged(self.failed(first.quantity, "construct", error))
            yield from map(Judged, others)
            return
        keys = [f"{key}-p{number}" for number in range(len(self.probes))]
        found = [results.arrays(each) for each in keys]
        aside = self.set_aside(key, results)
        for quantity in quantities_of(self.at):
            if quantity in aside:
                yield Judged(replace(self.unreached_as(quantity), offered=False))
            else:
                yield self._quantity(quantity, key, keys, found, results)
        if self.differs and EVALUATION in aside:
            yield Judged(replace(self.unreached_as(EVALUATION), offered=False))
        elif self.differs:
            yield self.evaluation(key, results)
        if not self.setting.numbers_only:
            yield from map(Judged, untouched(self, keys, found, results))
            yield Judged(self.repeatable(key, results))
            yield Judged(self.two_objects(key, results))

    def set_aside(self, key: str, results: Results) -> dict[str, NotSupported | NotTried]:
        """Return the quantities that are not judged: the class does not offer them, or hides them.

        What cannot be told of evaluation, and keeps no statistics, is for training alone.
        """
        aside: dict[str, NotSupported | NotTried] = {}
        told, forward = results.said(key, "told"), results.arrays(f"{key}-p0")
        if not self.differs or "output" not in forward:
            return aside
        missing = [name for name in self.at.buffers if name not in forward]
        for name in missing:
            aside[name] = (
                NotTried(name, f"nothing is called so; --map {name}=NAME says what is it")
                if told
                else NotSupported(self.name, "nothing in it is called so", name)
            )
        if not told:
            why = "it cannot be told that it is not training"
            aside[EVALUATION] = NotSupported(self.name, why, EVALUATION)
        elif missing:
            aside[EVALUATION] = NotTried(EVALUATION, f"it hangs on {' and '.join(missing)}")
        return aside

    def evaluation(self, key: str, results: Results) -> Judged:
        """Judge evaluation, where it is another function than training."""
        return evaluated(self, key, results)

    def repeatable(self, key: str, results: Results) -> CheckFinding:
        """Hold that the same call gives the same again."""
        return repeated(self, key, results)

    def two_objects(self, key: str, results: Results) -> CheckFinding:
        """Hold that a pass of one object leaves what another one keeps."""
        return kept_apart(self, key, results)

    def _quantity(
        self,
        quantity: str,
        key: str,
        keys: Sequence[str],
        found: Sequence[Mapping[str, Array]],
        results: Results,
    ) -> Judged:
        """Judge a quantity: it is right where it was seen on every probe, and right on each."""
        if quantity in REPORTED_BY:
            failure = self._failure(REPORTED_BY[quantity], key, found, results)
            if failure:
                return Judged(self.failed(quantity, REPORTED_BY[quantity], failure))
        stage = "forward" if quantity in ("output", *self.at.buffers) else "backward"
        seen = {n: self._observed(n, quantity, f) for n, f in enumerate(found) if quantity in f}
        # What a pass that raised has left half made is not what it gives.
        seen = {n: o for n, o in seen.items() if o.right or results.succeeded(keys[n], stage)}
        if seen:
            judged = Judged.of(self.unreached_as(quantity), list(seen.values()))
            if not judged.finding.ok:
                judged = judged.known_as(self._known(quantity, key, results, seen, found))
                budgets = partial(self.budgets_in, quantity, seen)
                judged = in_its_precision(judged, budgets, results.precisions(), diagnose_layer)
            if judged.finding.ok and quantity == "output" and not self.differs:
                judged = same_in_evaluation(self, judged, key, results)
            if not judged.finding.ok or len(seen) == len(keys):
                return judged
        if why := results.not_tried(key).get(quantity):
            return Judged(replace(self.unreached_as(quantity), offered=False, message=why))
        reached = [each for each in keys if results.succeeded(each, stage)]
        for each in reached:
            if unfit := results.unfit(each).get(quantity):
                return Judged(self.failed(quantity, "", f"is {unfit}"))
        if len(reached) == len(keys):
            returned = "" if quantity in self.at.buffers else " and no returned array"
            message = f"is not there: no attribute{returned} is called so"
            return Judged(self.failed(quantity, "", message))
        return Judged(self.unreached_as(quantity))

    def _failure(
        self, stage: str, key: str, found: Sequence[Mapping[str, Array]], results: Results
    ) -> str:
        """Say why a stage failed on the first probe where it did, and on which that was.

        A backward pass that raises on a gradient of the right shape may be right itself.
        """
        for number, arrays in enumerate(found):
            each = f"{key}-p{number}"
            error = results.error(each, stage)
            if not error:
                continue
            if stage == "backward" and results.raised(each, stage) and "output" in arrays:
                output = self._observed(number, "output", arrays)
                if output.found.shape != output.wanted.shape:
                    return OF_RIGHT_SHAPE
            error += works_alone(key, f"p{number}", stage, results)
            return error if number == 0 else f"{self.probes[number].name}: {error}"
        return ""

    def _observed(self, number: int, quantity: str, found: Mapping[str, Array]) -> Observed:
        return self.observed(self.probe(number, found), quantity, found[quantity])

    def _known(
        self,
        quantity: str,
        key: str,
        results: Results,
        seen: Mapping[int, Observed],
        found: Sequence[Mapping[str, Array]],
    ) -> Cause | None:
        """Name what the other arrays of this setting give away."""
        alone = results.arrays(f"{key}-first")
        repeated = results.said(key, "repeated")
        if repeated is not None and quantity in alone:
            number = int(repeated.removeprefix("p"))
            if number in seen and number > 0:
                observed = self._observed(number, quantity, alone)
                if first_call_only(seen[number], observed):
                    return KEPT
        if quantity == "grad_input" and all(
            results.said(f"{key}-p{number}", "updated_too_soon") for number in seen
        ):
            return UPDATED
        if quantity in differing(self, key, results) and is_drawn(self, key, results):
            return DRAWN
        made = results.arrays(key)
        kept = (name for name in self.at.parameters if f"made_{name}" in made)
        first = {name: made[f"made_{name}"] for name in kept}
        if first and uses_first_weights(list(seen.values()), first):
            return STALE
        after = [found[number] for number in seen]
        return UPDATED if uses_updated_weights(list(seen.values()), after) else None
