"""Judging a loss of probabilities, which a softmax before it makes of logits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from cnnspec.compare.causes import diagnose_loss
from cnnspec.compare.check.grading.judged import Judged, with_causes
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.records import Checked, CheckFinding, NotTried
from cnnspec.compare.check.trying import Asked
from cnnspec.compare.faults.fault import BESIDES
from cnnspec.compare.kinds import LOSSES

EXTREME = "extreme"
"""Logits of which a softmax makes probabilities of 0."""

SMALL = 1e-7
"""The most that people put in the place of a probability of 0."""

LOST = "on extreme logits a softmax gives probabilities of 0, through which no gradient comes"


def behind_a_softmax(
    asked: Asked, judged: Sequence[Judged], results: Results, notes: Iterable[str]
) -> Checked:
    """Return what is right: but for what probabilities of 0 make of a right loss."""
    found = with_causes(judged, diagnose_loss)
    guards = [_guard(finding, asked.kind) for finding in found]
    guarded = {finding.setting for finding, guard in zip(found, guards) if guard}
    findings = [
        replace(finding, ok=True, cause=None, message="", example="", shown=None)
        if guard or (finding.setting in guarded and _is_small(finding))
        else finding
        for finding, guard in zip(found, guards)
    ]
    wrong = {(finding.quantity, finding.setting) for finding in findings if finding.wrong}
    ordinary = {quantity for quantity, setting in wrong if EXTREME not in setting}
    lost = [
        EXTREME in finding.setting and finding.quantity not in ordinary and _is_lost(finding)
        for finding in findings
    ]
    told = (*notes, *(f"{guard}: probabilities may be 0" for guard in guards if guard))
    return asked.checked(
        [
            replace(finding, offered=False, cause=None, message=LOST) if gone else finding
            for finding, gone in zip(findings, lost)
        ],
        results,
        notes=tuple(dict.fromkeys(told)),
        not_tried=(NotTried("grad_logits", LOST),) if any(lost) else (),
    )


def _guard(finding: CheckFinding, kind: str) -> str:
    """Say what is done about a logarithm of 0, where a number is off by that alone."""
    cause = finding.cause
    if cause is None or cause.code not in LOSSES[kind].guards or BESIDES in cause.sentence:
        return ""
    return cause.sentence


def _is_small(finding: CheckFinding) -> bool:
    """Tell whether what is done about a logarithm of 0 may explain how far a number is off."""
    return finding.max_abs is not None and finding.max_abs <= SMALL


def _is_lost(finding: CheckFinding) -> bool:
    """Tell whether a gradient is wrong, and finite: that of a probability of 0 is."""
    finite = finding.max_abs is not None and bool(np.isfinite(finding.max_abs))
    return finding.wrong and finding.quantity == "grad_logits" and finite
