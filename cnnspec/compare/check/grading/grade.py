"""Grading: what somebody's class gave, beside what the textbook gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from cnnspec.backends import LOOPS
from cnnspec.compare.bounds.layers import layer_budgets, layer_situation, own_arrays
from cnnspec.compare.causes.help import known_cause
from cnnspec.compare.check.grading.judged import Judged
from cnnspec.compare.check.grading.known import KEPT, UPDATED, first_call_only, uses_updated_weights
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.records import CheckFinding
from cnnspec.compare.check.settings import LAYER, plan_of, probes_of
from cnnspec.compare.faults.fault import LayerSituation, Observation
from cnnspec.compare.judging.judge import Judge
from cnnspec.compare.kinds.layer import Setting
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.sides.side import probe_weights
from cnnspec.compare.verdict import Cause
from cnnspec.compare.verdict.quantities import quantities_of
from cnnspec.numerics.budget import Exact
from cnnspec.spec.training import Training
from cnnspec.trace import Array

Observed = Observation[LayerSituation]

CHANGES_INPUT = known_cause("changes-input", "the array that it is given is overwritten")
UPDATES = known_cause(
    "updates-own-weights",
    "the backward pass updates the weights; that is the optimizer's work, after all gradients "
    "are known",
)
ACCUMULATES = known_cause(
    "not-repeatable",
    "the same call gives another result when it is made again: something is kept, or added "
    "up, between calls",
)
REPORTED_BY = {"output": "forward", "grad_input": "backward"}
"""The finding that says that a stage failed; the others of the stage are not reached."""


class LayerGrader:
    """One setting: what a class is given in it, and what is right."""

    evaluates: ClassVar[bool] = False
    """Whether it is tried in evaluation, too."""
    again: ClassVar[str] = "same-again"
    """What is looked at of a call that is made again."""
    more: ClassVar[Sequence[str]] = ()
    """What else is looked at."""
    by_chance: ClassVar[Sequence[str]] = ()
    """What is seen the better the more is drawn: of fewer masks, it may seem right."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        plan = plan_of(setting)
        self.at = plan.layer(LAYER)
        state = probe_weights(plan, 0)
        self._judge = Judge(plan, Training(), LOOPS, state)
        parameters, buffers = own_arrays(self._judge.side, self.at)
        self.weights = parameters | buffers
        self.probes: Sequence[LayerProbe] = tuple(probes_of(setting, plan))

    def request(self, key: str) -> dict[str, Any]:
        """Return what the process in which the class runs must know."""
        options = self.setting.layer.model_dump(exclude_defaults=True)
        return {
            "key": key,
            "options": options,
            "input": self.at.input,
            "output": self.at.output,
            "probes": [f"p{number}" for number in range(len(self.probes))],
            "evaluates": self.evaluates,
        }

    def unreached(self) -> list[CheckFinding]:
        """Return what would have been looked at."""
        own = ["own input", "own grad_output", *(["own weights"] if self.at.parameters else [])]
        names = *quantities_of(self.at), *own, self.again, *self.more
        return [self.unreached_as(name) for name in names]

    def judged(self, key: str, results: Results) -> Iterator[Judged]:
        """Yield what is right and what is wrong in this setting, always as much of it."""
        error = results.error(key, "construct")
        if error:
            first, *others = self.unreached()
            yield Judged(self._failed(first.quantity, "construct", error))
            yield from map(Judged, others)
            return
        keys = [f"{key}-p{number}" for number in range(len(self.probes))]
        found = [results.arrays(each) for each in keys]
        for quantity in quantities_of(self.at):
            yield self._quantity(quantity, key, keys, found, results)
        yield from map(Judged, self._untouched(keys, found, results))
        yield Judged(self.repeatable(key, results))

    def probe(self, number: int, found: Mapping[str, Array]) -> LayerProbe:
        """Return what a class was given, with the mask that can be read off what it gave."""
        return self.probes[number]

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
            failure = self._failure(REPORTED_BY[quantity], key, keys, results)
            if failure:
                return Judged(self._failed(quantity, REPORTED_BY[quantity], failure))
        seen = {n: self._observed(n, quantity, f) for n, f in enumerate(found) if quantity in f}
        if seen:
            judged = Judged.of(self.unreached_as(quantity), list(seen.values()))
            if not judged.finding.ok:
                judged = judged.within_float32(self._budgets_of_float32(quantity, seen))
                return judged.known_as(self._known(quantity, key, results, seen, found))
            if len(seen) == len(keys):
                return judged
        if why := results.not_tried(key).get(quantity):
            return Judged(replace(self.unreached_as(quantity), offered=False, message=why))
        stage = "forward" if quantity in ("output", *self.at.buffers) else "backward"
        reached = [each for each in keys if results.succeeded(each, stage)]
        for each in reached:
            if unfit := results.unfit(each).get(quantity):
                return Judged(self._failed(quantity, "", f"is {unfit}"))
        if len(reached) == len(keys):
            returned = "" if quantity in self.at.buffers else " and no returned array"
            message = f"is not there: no attribute{returned} is called so"
            return Judged(self._failed(quantity, "", message))
        return Judged(self.unreached_as(quantity))

    def _failure(self, stage: str, key: str, keys: Sequence[str], results: Results) -> str:
        """Say why a stage failed on the first probe where it did, and on which that was."""
        for number, each in enumerate(keys):
            error = results.error(each, stage)
            if not error:
                continue
            was_alone = results.said(key, "fresh") == f"p{number}"
            if was_alone and results.succeeded(f"{key}-fresh", stage):
                error += "; as the first call it works: something is kept between calls"
            return error if number == 0 else f"{self.probes[number].name}: {error}"
        return ""

    def _observed(self, number: int, quantity: str, found: Mapping[str, Array]) -> Observed:
        probe = self.probe(number, found)
        truth = self._judge.replay(probe)
        budget = layer_budgets(self._judge.side, probe, truth)[quantity]
        situation = layer_situation(self._judge.side, probe)
        wanted = truth[quantity].astype(np.float64)
        return Observation(situation, quantity, found[quantity], wanted, 2 * budget)

    def _budgets_of_float32(self, quantity: str, seen: Mapping[int, Observed]) -> list[Exact]:
        probes = [
            replace(self.probes[number], noise=observed.situation.noise)
            for number, observed in seen.items()
        ]
        side = self._judge.side
        return [
            layer_budgets(side, probe, self._judge.replay(probe), "float32")[quantity]
            for probe in probes
        ]

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
        after = [found[number] for number in seen]
        return UPDATED if uses_updated_weights(list(seen.values()), after) else None

    def _untouched(
        self, keys: Sequence[str], found: Sequence[Mapping[str, Array]], results: Results
    ) -> Iterator[CheckFinding]:
        """Yield whether a pass left as it was what it must leave so."""
        given: dict[str, list[Mapping[str, Array]]] = {
            "own input": [{"after_x": probe.x} for probe in self.probes],
            "own grad_output": [{"after_grad_output": p.grad_output} for p in self.probes],
        }
        if self.at.parameters:
            own = {f"after_{name}": self.weights[name] for name in self.at.parameters}
            given["own weights"] = [own] * len(self.probes)
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
                yield CheckFinding(self.setting.name, quantity, False, cause=cause)
            elif any(results.succeeded(key, stage) for key in keys):
                yield CheckFinding(self.setting.name, quantity, True)
            else:
                yield self.unreached_as(quantity)

    def repeatable(self, key: str, results: Results) -> CheckFinding:
        """Hold that the same call gives the same again."""
        if not results.succeeded(f"{key}-first", "backward"):
            return self.unreached_as(self.again)
        error = results.error(f"{key}-second", "forward") or results.error(
            f"{key}-second", "backward"
        )
        first, second = (results.arrays(f"{key}-{time}") for time in ("first", "second"))
        names = [name for name in quantities_of(self.at) if name in first]
        other = [
            name
            for name in names
            if name not in second or not np.array_equal(first[name], second[name], equal_nan=True)
        ]
        message = f"differs in {', '.join(other)}" if other else ""
        return CheckFinding(
            self.setting.name,
            self.again,
            not other and not error,
            message=error or message,
            cause=ACCUMULATES if other and not error else None,
        )

    def _failed(self, quantity: str, stage: str, message: str) -> CheckFinding:
        return CheckFinding(self.setting.name, quantity, False, stage=stage, message=message)

    def unreached_as(self, quantity: str) -> CheckFinding:
        """Return what was not reached of something that is looked at."""
        return CheckFinding(self.setting.name, quantity, False, reached=False)
