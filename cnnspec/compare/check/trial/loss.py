"""A loss on batches of logits: run, and all that came of it written down."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.backends.plain import Chain, Hints, PlainLoss, RightSoftmax
from cnnspec.compare.check.process.reporter import Reporter
from cnnspec.compare.check.trial.given import Given
from cnnspec.trace import Array


def try_loss(
    reporter: Reporter,
    all_given: Given,
    candidate: Any,
    setting: dict[str, Any],
    request: dict[str, Any],
) -> None:
    """Try every batch of logits that is asked for."""
    keys = [f"{setting['key']}-{probe}" for probe in setting["probes"]]
    forward_only = "forward_only" in setting
    hints = Hints(request["names"], request["arguments"])
    if request["of"] == "probabilities":
        candidate = Chain(RightSoftmax, candidate)
    loss = reporter.attempt(keys[0], "construct", lambda: PlainLoss(candidate, hints))
    if loss is None:
        return
    loss.try_labels(
        lambda stage: reporter.say(key=keys[0], stage=stage, event="begin"),
        forward_only=forward_only,
    )
    if loss.names_logits:
        reporter.say(key=keys[0], names_logits=True)
    for key in keys:
        given = all_given.of(key)
        labels = given["labels"].astype(np.int64)
        _pass_of_loss(reporter, key, loss, given["logits"], labels, forward_only)


def _pass_of_loss(
    reporter: Reporter,
    key: str,
    loss: PlainLoss,
    logits: Array,
    labels: Labels,
    forward_only: bool,
) -> None:
    run = loss.begin(logits, labels)
    own = {"given_labels": np.array(run.labels), "after_labels": run.labels, "after_x": logits}
    # In tuples: what is returned may be None, and is then said to be.
    if reporter.attempt(key, "construct", lambda: (run.construct(),)) is None:
        return
    value = reporter.attempt(key, "forward", lambda: (run.value(),))
    if value is None:
        return
    reporter.arrays(key, "forward", {"loss": value[0]} | own)
    if forward_only:
        return
    grad = reporter.attempt(key, "backward", lambda: (run.gradient(),))
    if grad is not None:
        reporter.arrays(key, "backward", {"grad_logits": grad[0]} | own)
    for note in run.notes:
        reporter.say(key=key, stage="notes", note=note)
