"""Grading: what somebody's class gave, beside what the textbook gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cnnspec.backends.loops.learning import cross_entropy
from cnnspec.backends.network import Labels
from cnnspec.compare.budget import Exact, cross_entropy_budgets
from cnnspec.compare.causes import (
    Cause,
    LayerSituation,
    LossSituation,
    Observation,
    diagnose_layer,
    diagnose_loss,
)
from cnnspec.compare.check.records import CheckFinding
from cnnspec.compare.check.run import Results
from cnnspec.compare.check.settings import LAYER, Setting
from cnnspec.compare.judge import Judge
from cnnspec.compare.measure import Measured, measure
from cnnspec.compare.observe import layer_situation
from cnnspec.compare.probes import LayerProbe
from cnnspec.compare.replay_layers import layer_budgets, own_arrays
from cnnspec.compare.side import probe_weights, quantities_of
from cnnspec.spec.training import Training
from cnnspec.trace import Array

UNTOUCHED = {
    "own input": ("after_x", Cause("changes-input", "the array it was given, overwritten")),
    "own grad_output": (
        "after_grad_output",
        Cause("changes-input", "the array it was given, overwritten"),
    ),
}
"""What a pass must leave as it was."""

UPDATES = Cause(
    "updates-own-weights",
    "changed by its own backward pass: to update is the optimizer's work, after all gradients "
    "are known",
)
ACCUMULATES = Cause(
    "not-repeatable",
    "another result from the same call made again: something is kept, or added up, between calls",
)


class LayerGrader:
    """One setting: what a class is given in it, and what is right."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.notes: list[str] = []
        plan = setting.plan()
        self.at = plan.layer(LAYER)
        state = probe_weights(plan, 0)
        self._judge = Judge(plan, Training(), "loops", state)
        parameters, buffers = own_arrays(self._judge.side, self.at)
        self.weights = parameters | buffers
        self.probes: Sequence[LayerProbe] = tuple(setting.probes(plan))

    def request(self, key: str) -> dict[str, Any]:
        """Return what the process in which the class runs must know."""
        options = self.setting.layer.model_dump(exclude_defaults=True)
        return {
            "key": key,
            "options": options,
            "input": self.at.input,
            "output": self.at.output,
            "probes": [f"p{number}" for number in range(len(self.probes))],
        }

    def findings(self, key: str, results: Results) -> Iterator[CheckFinding]:
        """Yield what is right and what is wrong in this setting."""
        construct = results.errors(key).get("construct")
        if construct:
            yield self._finding("output", False, construct)
            return
        keys = [f"{key}-p{number}" for number in range(len(self.probes))]
        found = [results.arrays(each) for each in keys]
        stages: dict[str, str] = {}
        for each in reversed(keys):  # the first probe's error counts
            stages |= results.errors(each)
        if "forward" in stages:
            yield self._finding("output", False, stages["forward"])
            return
        observed = self._observations(found)
        for quantity, observations in observed.items():
            if "backward" in stages and quantity != "output" and quantity not in self.at.buffers:
                yield self._finding(quantity, False, stages["backward"])
            else:
                yield self._judged(quantity, observations)
        yield from self._untouched(found)
        if "backward" not in stages:
            yield self._repeatable(results.arrays(f"{key}-first"), results.arrays(f"{key}-second"))

    def _observations(
        self, found: Sequence[Mapping[str, Array]]
    ) -> dict[str, list[Observation[LayerSituation]]]:
        observed: dict[str, list[Observation[LayerSituation]]] = {}
        for probe, arrays in zip(self.probes, found):
            truth = self._judge.replay(probe)
            budgets = layer_budgets(self._judge.side, probe, truth)
            situation = layer_situation(self._judge.side, probe)
            for quantity in quantities_of(self.at):
                observed.setdefault(quantity, []).append(
                    Observation(
                        situation,
                        quantity,
                        arrays.get(quantity, np.empty(0)),
                        truth[quantity].astype(np.float64),
                        2 * budgets[quantity],
                    )
                )
        return observed

    def _judged(
        self, quantity: str, observations: list[Observation[LayerSituation]]
    ) -> CheckFinding:
        measured = [_measured(at) for at in observations]
        worst = max(range(len(measured)), key=lambda n: measured[n].ratio)
        if measured[worst].ratio <= 1:
            return self._finding(quantity, True, measured=measured[worst])
        if all(at.found.size == 0 < at.wanted.size for at in observations):
            what = "is not there: no attribute and no returned array is called so"
            return self._finding(quantity, False, what)
        if self._within_float32(quantity, observations):
            self.notes.append("computes in float32, although it is given float64")
            return self._finding(quantity, True, measured=measured[worst])
        cause = diagnose_layer(observations)
        shown = _largest_wrong(observations, measured)
        example = _example(observations[shown], measured[shown])
        return self._finding(quantity, False, "", cause, measured[worst], example)

    def _within_float32(
        self, quantity: str, observations: list[Observation[LayerSituation]]
    ) -> bool:
        for probe, observation in zip(self.probes, observations):
            truth = self._judge.replay(probe)
            budget = layer_budgets(self._judge.side, probe, truth, "float32")[quantity]
            if not measure(observation.found, observation.wanted, budget).ratio <= 1:
                return False
        return True

    def _untouched(self, found: Sequence[Mapping[str, Array]]) -> Iterator[CheckFinding]:
        given = {"own input": "x", "own grad_output": "grad_output"}
        for quantity, (key, cause) in UNTOUCHED.items():
            same = all(
                np.array_equal(arrays[key], getattr(probe, given[quantity]), equal_nan=True)
                for probe, arrays in zip(self.probes, found)
                if key in arrays
            )
            yield self._finding(quantity, same, cause=None if same else cause)
        if self.at.parameters:
            same = all(
                np.array_equal(arrays.get(f"after_{name}", self.weights[name]), self.weights[name])
                for arrays in found
                for name in self.at.parameters
            )
            yield self._finding("own weights", same, cause=None if same else UPDATES)

    def _repeatable(self, first: Mapping[str, Array], second: Mapping[str, Array]) -> CheckFinding:
        names = [name for name in quantities_of(self.at) if name in first]
        other = [
            name
            for name in names
            if name not in second or not np.array_equal(first[name], second[name], equal_nan=True)
        ]
        return self._finding(
            "repeat",
            not other,
            f"differs in {', '.join(other)}" if other else "",
            cause=ACCUMULATES if other else None,
        )

    def _finding(
        self,
        quantity: str,
        ok: bool,
        message: str = "",
        cause: Cause | None = None,
        measured: Measured | None = None,
        example: str = "",
    ) -> CheckFinding:
        return CheckFinding(
            self.setting.name,
            quantity,
            ok,
            message,
            cause,
            measured.max_abs if measured else None,
            measured.budget if measured else None,
            example,
        )


def grade_loss(
    setting: str, key: str, batches: Sequence[tuple[str, Exact, Labels]], results: Results
) -> Iterator[CheckFinding]:
    """Yield what is right and what is wrong in the loss and its gradient."""
    observed: dict[str, list[Observation[LossSituation]]] = {"loss": [], "grad_logits": []}
    same = True
    for number, (name, logits, labels) in enumerate(batches):
        error = results.errors(f"{key}-p{number}").get("forward") or results.errors(key).get(
            "construct"
        )
        if error:
            yield CheckFinding(setting, "loss", False, error)
            return
        arrays = results.arrays(f"{key}-p{number}")
        truth = dict(zip(observed, map(np.asarray, cross_entropy(logits, labels))))
        bounds = dict(zip(observed, cross_entropy_budgets(logits, labels, "float64")))
        situation = LossSituation(name, logits, labels)
        same &= np.array_equal(arrays.get("after_x", logits), logits)
        for quantity, observations in observed.items():
            found = arrays.get(quantity, np.empty(0))
            found = found.reshape(()) if quantity == "loss" and found.size == 1 else found
            observations.append(
                Observation(situation, quantity, found, truth[quantity], 2 * bounds[quantity])
            )
    for quantity, observations in observed.items():
        measured = [_measured(at) for at in observations]
        worst = max(range(len(measured)), key=lambda n: measured[n].ratio)
        ok = measured[worst].ratio <= 1
        yield CheckFinding(
            setting,
            quantity,
            ok,
            "",
            None if ok else diagnose_loss(observations),
            measured[worst].max_abs,
            measured[worst].budget,
            "" if ok else _example(observations[worst], measured[worst]),
        )
    yield CheckFinding(
        setting, "own input", same, cause=None if same else UNTOUCHED["own input"][1]
    )


def _largest_wrong(
    observations: Sequence[Observation[LayerSituation]], measured: Sequence[Measured]
) -> int:
    """Return the wrong observation of most images: causes are put in its numbers."""
    wrong = [number for number, found in enumerate(measured) if not found.ratio <= 1]
    return max(wrong, key=lambda number: len(observations[number].situation.x))


def _measured(observation: Observation[Any]) -> Measured:
    return measure(observation.found, observation.wanted, observation.budget)


def _example(observation: Observation[Any], measured: Measured) -> str:
    """Show the worst element, on its probe."""
    where = observation.situation.probe
    found, wanted = observation.found, observation.wanted
    if np.shape(found) != wanted.shape:
        return f"{where}: shape {list(np.shape(found))}, wanted {list(wanted.shape)}"
    at = measured.position
    place = f" at {list(at)}" if at else ""
    return f"{where}{place}: found {float(found[at]):.6g}, wanted {float(wanted[at]):.6g}"
