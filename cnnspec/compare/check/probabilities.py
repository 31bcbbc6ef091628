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
from cnnspec.compare.verdict import Cause

EXTREME = "extreme"
"""Logits of which a softmax makes probabilities of 0."""

SMALL = 1e-7
"""The most that people put in the place of a probability of 0."""

ZERO_TIMES_LOG = Cause(
    "zero-times-log",
    "the loss is not a number where a probability is 0: 0 * log(0) is NaN",
    "take the logarithm of the label's own probability alone",
)

LOST = {
    "loss": "on extreme logits a softmax gives probabilities of 0, whose loss is infinite",
    "grad_logits": "on extreme logits a softmax gives probabilities of 0, through which no "
    "gradient comes",
}
"""Why it is not tried, where all is right of probabilities that are not 0."""


def behind_a_softmax(
    asked: Asked,
    judged: Sequence[Judged],
    results: Results,
    notes: Iterable[str],
    untried: Iterable[NotTried],
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
    ordinary = {finding.quantity for finding in findings if finding.wrong and not _is_far(finding)}
    lost = [
        _is_far(finding) and finding.quantity not in ordinary and _is_lost(finding, of)
        for finding, of in zip(findings, judged)
    ]
    told = (*notes, *(f"{guard}: probabilities may be 0" for guard in guards if guard))
    hidden = {finding.quantity for finding, gone in zip(findings, lost) if gone}
    why = {quantity: words for quantity, words in LOST.items() if quantity in hidden}
    own_softmax = "+" in asked.request["name"]
    return asked.checked(
        [
            replace(finding, offered=False, cause=None, message=why[finding.quantity])
            if gone
            else (finding if own_softmax else _of_probabilities(finding, of))
            for finding, gone, of in zip(findings, lost, judged)
        ],
        results,
        notes=tuple(dict.fromkeys(told)),
        not_tried=(*untried, *(NotTried(*item) for item in why.items())),
    )


def fits_probabilities(behind: Checked) -> bool:
    """Tell whether all is right of probabilities that are not 0."""
    return all(
        finding.ok
        for finding in behind.findings
        if finding.quantity in LOST and not _is_far(finding)
    )


def _is_far(finding: CheckFinding) -> bool:
    return EXTREME in finding.setting


def _of_probabilities(finding: CheckFinding, judged: Judged) -> CheckFinding:
    """Name the cause of NaN, which of probabilities is no matter of a maximum."""
    return replace(finding, cause=ZERO_TIMES_LOG) if _is_nan(finding, judged) else finding


def of_logits(
    findings: Sequence[CheckFinding], judged: Sequence[Judged], kind: str
) -> list[CheckFinding]:
    """Say of a loss that is NaN what else it may come of, where its gradient overflows nowhere."""
    finite = {each.setting for each in findings if each.quantity == "grad_logits" and each.ok}
    return [
        replace(finding, cause=_zero_or(finding.cause, kind))
        if finding.cause and finding.setting in finite and _is_nan(finding, of)
        else finding
        for finding, of in zip(findings, judged)
    ]


def _zero_or(cause: Cause, kind: str) -> Cause:
    """Return a cause that may be that of 0 * log(0), too."""
    sentence = f"{ZERO_TIMES_LOG.sentence}; or {cause.sentence}"
    return Cause("overflow", sentence, LOSSES[kind].help["overflow"])


def _is_nan(finding: CheckFinding, judged: Judged) -> bool:
    """Tell whether a loss is no number somewhere, on logits that are far apart."""
    is_nan = any(np.isnan(observed.found).any() for observed in judged.observations)
    return finding.wrong and finding.quantity == "loss" and _is_far(finding) and is_nan


def _guard(finding: CheckFinding, kind: str) -> str:
    """Say what is done about a logarithm of 0, where a number is off by that alone."""
    cause = finding.cause
    if cause is None or cause.code not in LOSSES[kind].guards or BESIDES in cause.sentence:
        return ""
    if _is_far(finding) and finding.quantity != "loss" and not _is_small(finding):  # it is lost
        return ""
    return cause.sentence


def _is_small(finding: CheckFinding) -> bool:
    """Tell whether what is done about a logarithm of 0 may explain how far a number is off."""
    return finding.max_abs is not None and finding.max_abs <= SMALL


def _is_lost(finding: CheckFinding, judged: Judged) -> bool:
    """Tell whether what is wrong comes of a probability of 0: an infinite loss, or a gradient."""
    if not finding.wrong or finding.quantity not in LOST or not judged.observations:
        return False
    wrong = [observed.found for observed in judged.observations if not observed.right]
    return finding.quantity != "loss" or all(np.all(np.isposinf(found)) for found in wrong)
