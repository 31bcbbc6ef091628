"""Checking a loss: batches of logits, ordinary ones and such as overflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnspec.compare.causes import diagnose_loss
from cnnspec.compare.causes.help import known_cause
from cnnspec.compare.check.grading.grade_loss import LossGrader
from cnnspec.compare.check.grading.judged import Judged, with_causes
from cnnspec.compare.check.probabilities import (
    EXTREME,
    behind_a_softmax,
    fits_probabilities,
    of_logits,
)
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.process.run import run_child
from cnnspec.compare.check.records import Checked, NotTried
from cnnspec.compare.check.trying import Asked
from cnnspec.compare.probes.draw import as_float32, loss_probes, probe_labels
from cnnspec.spec.losses import LOSSES as LOSS_KINDS

CLASSES = (10, 2)

LOGITS = {"ordinary": ("random", "single", "classes"), EXTREME: ("extreme", "certain", "apart")}
"""Probes of a loss, in two parts: that it overflows is another fault than that it is wrong."""

OF_LOGITS = NotTried(
    "logits",
    "it takes probabilities, and what makes them of logits stands elsewhere: "
    "FILE.py:Softmax+CrossEntropy tries both. If it is to take logits, it is wrong: "
    "--like '{of: logits}' says how",
)

PROBABILITIES = {
    "loss": known_cause(
        "takes-probabilities",
        "the code takes the logarithm of the logits, as they are or clipped: it takes "
        "probabilities, as a softmax gives them. As a loss of probabilities it is right",
    ),
    "grad_logits": known_cause(
        "takes-probabilities",
        "the code takes the logits for probabilities, as a softmax gives them. As a loss of "
        "probabilities it is right",
    ),
}


def check_loss(asked: Asked) -> Checked:
    """Try a class, or a function, as a loss."""
    graders = list(_graders(asked.kind))
    results = _try(graders, asked.request, asked)
    unreached = [finding for grader in graders for finding in grader.unreached()]
    if stopped := asked.not_graded(unreached, results, results.hint()):
        return stopped
    judged = [item for grader in graders for item in grader.judged(results)]
    notes = _notes(graders, judged, results)
    untried = _untried(graders, results)
    of = asked.request["of"]
    if of == "probabilities" or "+" in asked.request["name"]:
        return behind_a_softmax(asked, judged, results, notes, untried)
    findings = of_logits(with_causes(judged, diagnose_loss), judged, asked.kind)
    behind = _behind_a_softmax(graders, asked) if any(each.wrong for each in findings) else None
    if behind is not None and fits_probabilities(behind):
        if not of and not _names_logits(graders, results):
            note = "taken for a loss of probabilities, as it is right behind a softmax"
            not_tried = (OF_LOGITS, *behind.not_tried)
            return replace(behind, not_tried=not_tried, notes=(note, *behind.notes))
        findings = [
            replace(finding, cause=PROBABILITIES[finding.quantity], message="")
            if finding.wrong and finding.quantity in PROBABILITIES
            else finding
            for finding in findings
        ]
    return asked.checked(findings, results, notes=notes, not_tried=untried)


def _graders(kind: str) -> Iterator[LossGrader]:
    for number, classes in enumerate(CLASSES):
        probes = [
            (name, as_float32(logits).astype(np.float64), _labels(name, *logits.shape))
            for name, logits in loss_probes(classes, number)
        ]
        for which, (kind_of_logits, names) in enumerate(LOGITS.items()):
            key = f"s{number * len(LOGITS) + which}"
            batches = [probe for probe in probes if probe[0] in names]
            setting = f"{classes} classes, {kind_of_logits} logits"
            yield LossGrader(LOSS_KINDS[kind](), setting, key, batches)


def _labels(probe: str, images: int, classes: int) -> NDArray[np.int64]:
    """Return labels: others for batches of one size, and another than the first of one image."""
    labels = probe_labels(images, classes)
    return classes - 1 - labels if probe in ("single", "apart") else labels


def _try(graders: Sequence[LossGrader], request: dict[str, Any], asked: Asked) -> Results:
    """Let a loss run on every batch."""
    settings = {grader.key: grader for grader in graders}
    given: dict[str, dict[str, Any]] = {
        at: {"logits": logits, "labels": labels}
        for grader in graders
        for at, (_, logits, labels) in grader.batches.items()
    }

    def show(key: str) -> None:
        asked.on_progress(list(settings).index(key), len(settings), settings[key].name)

    probes = [
        {"key": key, "probes": [name for name, *_ in grader.batches.values()]}
        for key, grader in settings.items()
    ]
    return run_child(request | {"settings": probes}, given, asked.limit, show)


def _behind_a_softmax(graders: Sequence[LossGrader], asked: Asked) -> Checked:
    """Return what a loss is that is wrong of logits, where a softmax is before it."""
    results = _try(graders, asked.request | {"of": "probabilities"}, asked)
    judged = [item for grader in graders for item in grader.judged(results)]
    notes, untried = _notes(graders, judged, results), _untried(graders, results)
    return behind_a_softmax(asked, judged, results, notes, untried)


def _untried(graders: Sequence[LossGrader], results: Results) -> tuple[NotTried, ...]:
    """Return what its constructor takes and is given no value for."""
    told = [results.not_tried(key).items() for grader in graders for key in grader.batches]
    return tuple(NotTried(*item) for item in dict.fromkeys(item for own in told for item in own))


def _names_logits(graders: Sequence[LossGrader], results: Results) -> bool:
    """Tell whether a loss says by a name of its own that it takes no probabilities."""
    keys = (key for grader in graders for key in grader.batches)
    return any(results.said(key, "names_logits") for key in keys)


def _notes(
    graders: Sequence[LossGrader], judged: Sequence[Judged], results: Results
) -> tuple[str, ...]:
    """Return what was taken for granted about a loss, and what its numbers show."""
    told = [note for grader in graders for key in grader.batches for note in results.notes(key)]
    return tuple(dict.fromkeys([*told, *(item.note for item in judged if item.note)]))
