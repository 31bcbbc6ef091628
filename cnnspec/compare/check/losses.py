"""Checking a loss: batches of logits, ordinary ones and such as overflow."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.compare.causes import diagnose_loss
from cnnspec.compare.check.grading.grade_loss import LossGrader
from cnnspec.compare.check.grading.judged import with_causes
from cnnspec.compare.check.process.run import run_child
from cnnspec.compare.check.records import Checked
from cnnspec.compare.check.trying import Asked
from cnnspec.compare.probes.draw import as_float32, loss_probes, probe_labels
from cnnspec.spec.losses import LOSSES as LOSS_KINDS

CLASSES = (10, 2)

LOGITS = {"ordinary": ("random", "single", "classes"), "extreme": ("extreme", "certain", "apart")}
"""Probes of a loss, in two parts: that it overflows is another fault than that it is wrong."""


def check_loss(asked: Asked) -> Checked:
    """Try a class, or a function, as a loss."""
    options = LOSS_KINDS[asked.kind]()
    graders: list[LossGrader] = []
    settings: list[dict[str, Any]] = []
    all_given: dict[str, dict[str, Any]] = {}
    for number, classes in enumerate(CLASSES):
        probes = [
            (name, as_float32(logits).astype(np.float64), probe_labels(*logits.shape))
            for name, logits in loss_probes(classes, number)
        ]
        for kind_of_logits, names in LOGITS.items():
            key = f"s{len(graders)}"
            batches = {f"{key}-{probe[0]}": probe for probe in probes if probe[0] in names}
            for at, (_, logits, labels) in batches.items():
                all_given[at] = {"logits": logits, "labels": labels}
            settings.append({"key": key, "probes": [probe for probe, *_ in batches.values()]})
            graders.append(
                LossGrader(options, f"{classes} classes, {kind_of_logits} logits", batches)
            )
    keys = [setting["key"] for setting in settings]

    def show(key: str) -> None:
        asked.on_progress(keys.index(key), len(keys), graders[keys.index(key)].setting)

    results = run_child(asked.request | {"settings": settings}, all_given, asked.limit, show)
    unreached = [finding for grader in graders for finding in grader.unreached()]
    if stopped := asked.not_graded(unreached, results):
        return stopped
    judged = [item for grader in graders for item in grader.judged(results)]
    return asked.checked(with_causes(judged, diagnose_loss), results)
