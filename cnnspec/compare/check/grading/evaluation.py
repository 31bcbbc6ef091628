"""Judging evaluation: what a class gives that is told that it is not training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cnnspec.compare.causes.help import HELP, known_cause
from cnnspec.compare.check.grading.judged import Judged
from cnnspec.compare.check.grading.precision import in_its_precision
from cnnspec.compare.check.grading.setting import SettingGrader
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.faults.fault import first_cause
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.trace import Array

OTHER = known_cause(
    "other-in-evaluation",
    "evaluation gives something else than training; for this kind of layer they are the same",
)
UPDATES = known_cause(
    "updates-in-evaluation",
    "a pass of evaluation changes the running statistics; those are for training to update",
)


def evaluated(grader: SettingGrader, key: str, results: Results) -> Judged:
    """Judge evaluation by the running statistics that the class is given."""
    finding = grader.unreached_as("evaluation")
    if failed := failed_evaluation(grader, "evaluation", key, results):
        return failed
    found = [(probe, arrays) for probe, arrays in evaluations(grader, key, results)]
    if not found:
        return Judged(finding)
    observed = [grader.evaluated(probe, arrays["evaluated"]) for probe, arrays in found]
    judged = Judged.of(finding, observed)
    judged = in_its_precision(
        judged,
        lambda precision: [grader.budget_of_evaluation(o.situation, precision) for o in observed],
        results.precisions(),
    )
    changed = any(
        not np.array_equal(arrays[f"evaluated_{name}"], grader.weights[name])
        for _, arrays in found
        for name in grader.at.buffers
        if f"evaluated_{name}" in arrays
    )
    if judged.finding.ok and changed:
        return Judged(replace(judged.finding, ok=False, cause=UPDATES))
    if judged.finding.ok:
        return judged
    room = LAYERS[grader.at.kind]
    cause = first_cause(room.evaluation_faults, observed, {**HELP, **room.help})
    if cause is None and changed:
        cause = UPDATES
    return Judged(replace(judged.finding, cause=cause))


def same_in_evaluation(
    grader: SettingGrader, training: Judged, key: str, results: Results
) -> Judged:
    """Hold that evaluation gives what training gives, where a class knows of both."""
    if failed := failed_evaluation(grader, "output", key, results):
        return failed
    observed = [
        grader.observed(probe, "output", arrays["evaluated"])
        for probe, arrays in evaluations(grader, key, results)
    ]
    if not observed:
        return training
    judged = Judged.of(training.finding, observed)
    if judged.finding.ok or training.note:  # what computes in float32 has a note of it
        return training
    return Judged(replace(judged.finding, cause=OTHER))


def failed_evaluation(
    grader: SettingGrader, quantity: str, key: str, results: Results
) -> Judged | None:
    """Say what went wrong in evaluation, if anything raised or gave no numbers."""
    for at, probe in _keys(grader, key):
        if error := results.error(at, "evaluate"):
            words = error if probe is grader.probes[0] else f"{probe.name}: {error}"
            return Judged(grader.failed(quantity, "evaluate", words))
        if unfit := results.unfit(at).get("evaluated"):
            return Judged(grader.failed(quantity, "", f"is {unfit}"))
    return None


def evaluations(
    grader: SettingGrader, key: str, results: Results
) -> Iterator[tuple[LayerProbe, dict[str, Array]]]:
    """Yield what was evaluated, and all that came of it."""
    for at, probe in _keys(grader, key):
        arrays = results.arrays(at)
        if "evaluated" in arrays:
            yield probe, arrays


def _keys(grader: SettingGrader, key: str) -> Iterator[tuple[str, LayerProbe]]:
    """Yield what was evaluated: each probe, and one image by itself."""
    for number, probe in enumerate(grader.probes):
        yield f"{key}-p{number}", probe
    yield f"{key}-alone", replace(grader.probes[0].first(1), name="one image")
