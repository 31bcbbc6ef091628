"""A check, read top-down: the grade, what is wrong and why, what is right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from rich.console import RenderableType
from rich.text import Text

from cnnspec.compare.check import Checked, CheckFinding
from cnnspec.documents import Document, document
from cnnspec.printable import written_out
from cnnspec.report.paragraphs import Paragraph
from cnnspec.report.quantities import budget_words, label
from cnnspec.report.wrapped import Wrapped

FORWARD = ("forward", "forward")
WORDS = {
    "output": FORWARD,
    "loss": FORWARD,
    "own input": ("leaves its input as it is", "changes its input"),
    "own labels": ("leaves the labels as they are", "changes the labels"),
    "own grad_output": (
        "leaves the upstream gradient as it is",
        "changes the upstream gradient",
    ),
    "own weights": ("no hidden update within backward", "updates within backward"),
    "own gradients": ("leaves the gradients as they are", "changes the gradients"),
    "redrawn": ("each call drops other numbers", "each call drops the same numbers"),
    "one by one": ("drops numbers one by one", "drops numbers together"),
    "share": ("drops its share of the numbers", "drops another share of the numbers"),
    "evaluation": ("evaluation", "evaluation is wrong"),
    "two objects": ("two objects keep apart", "two objects of the class differ"),
    "same-again": ("the same call gives the same again", "the same call gives something else"),
}
"""What a finding is about, where it is right and where it is wrong; others are quantities."""

ENDLESS = "does not end"
"""How a message begins that tells of a limit."""

STAGES = {
    "construct": "constructor",
    "forward": "forward",
    "backward": "backward",
    "evaluate": "evaluation",
    "update": "update",
}

PRINTED, LONGEST = 10, 200
"""Lines of what the file printed that are shown, and characters of each."""

INDENT = "  "


def render_check(checked: Checked) -> Iterator[RenderableType]:
    """Yield what `cnnspec check` prints."""
    subject = f"{checked.candidate} as {checked.kind}"
    if checked.grade is None:
        yield Wrapped(Text(f"NOT GRADED: {subject}", style="bold yellow"))
        error = f"{'' if checked.loaded else 'cannot be loaded: '}{checked.error}"
        yield Wrapped(Text(written_out(f"\n{error}")))
    else:
        style = "bold red" if checked.wrong else "bold green"
        words = f"{checked.grade.upper()}: {subject}: {points_of(checked)}"
        yield Wrapped(Text(words, style=style))
        yield from _not_tried(checked)
        for group in grouped(f for f in checked.findings if f.wrong and f.reached):
            yield Text("")
            yield paragraph_of(group)
        yield from _not_reached([f for f in checked.findings if f.wrong and not f.reached])
        yield from _right([f for f in checked.findings if f.ok])
    yield from _remarks(checked)
    yield from _printed(checked)


def points_of(checked: Checked) -> str:
    """Say how much is right, of how much, and what the class leaves out."""
    points = f"{checked.passed} of {len(checked.findings)} right"
    if not checked.not_offered:
        return points
    options = dict.fromkeys(item.option for item in checked.not_supported if item.option)
    names = f": {', '.join(options)}" if options else ""
    return f"{points}, {checked.not_offered} not offered{names}"


def _not_tried(checked: Checked) -> Iterator[RenderableType]:
    """Yield what the class takes and nothing was tried of."""
    by_reason: dict[str, list[str]] = {}
    for item in checked.not_tried:
        by_reason.setdefault(item.why, []).append(label(item.option))
    for why, options in by_reason.items():
        yield Wrapped(Text(written_out(f"not tried: {', '.join(options)}: {why}"), style="yellow"))


def grouped(findings: Iterable[CheckFinding]) -> Iterator[list[CheckFinding]]:
    """Yield findings of one quantity and one cause together, those in most settings first."""
    groups: dict[tuple[object, ...], list[CheckFinding]] = {}
    for finding in findings:
        cause = finding.cause
        # The sentence about a wrong shape has sizes, which are of one setting.
        why: object = cause
        if cause is not None and cause.code == "shape":
            why = re.sub(r"\d+", "", cause.sentence)
        # So have messages of NumPy's, about arrays that do not fit.
        said = re.sub(r"[\d,() ]+", " ", finding.message) if finding.stage else finding.message
        # Of a loop without an end any of its lines may be the one in which it was stopped.
        if finding.message.startswith(ENDLESS):
            said = ENDLESS
        key = (finding.quantity, finding.stage, said, why)
        groups.setdefault(key, []).append(finding)
    yield from sorted(groups.values(), key=len, reverse=True)


def paragraph_of(group: list[CheckFinding]) -> Paragraph:
    """Return the paragraph of findings of one quantity and one cause."""
    first, places = group[0], "; ".join(finding.setting for finding in group)
    what = _words(first)
    if first.stage == "offer":
        return Paragraph("required", "something is left out", places, (first.message,))
    if first.stage in STAGES:
        what = f"{STAGES[first.stage]} fails"
    elif first.quantity not in WORDS or WORDS[first.quantity] == FORWARD:
        what = f"the {label(first.quantity)} is wrong"
    notes = []
    if first.message:
        notes.append(written_out(first.message))
    if first.example:
        notes.append(f"{first.example}{_explained(first)}")
    if first.cause:
        notes.append(f"why: {first.cause.sentence}")
        return Paragraph(first.cause.code, what, places, tuple(notes), first.cause.help)
    if not first.message:
        notes.append("why: no cause on the list gives these numbers")
        return Paragraph("unknown-cause", what, places, tuple(notes))
    return Paragraph("failed", what, places, tuple(notes))


def _explained(finding: CheckFinding) -> str:
    if finding.budget is None or "found" not in finding.example:
        return ""  # shapes are not rounded
    return f"; rounding explains {budget_words(finding.budget)}"


def _not_reached(findings: list[CheckFinding]) -> Iterator[RenderableType]:
    """Yield what counts as not passed because the code did not come so far."""
    by_settings: dict[tuple[str, ...], list[str]] = {}
    for subject, settings in settings_by_words(findings).items():
        by_settings.setdefault(tuple(settings), []).append(subject)
    for places, subjects in by_settings.items():
        yield Wrapped(Text(f"\nnot reached, in: {'; '.join(places)}", style="dim"))
        yield Wrapped(Text("; ".join(subjects), style="dim"), INDENT)


def _right(findings: list[CheckFinding]) -> Iterator[RenderableType]:
    by_words = settings_by_words(findings)
    if by_words:
        yield Text("")
    for words, settings in by_words.items():
        several = f"{len(settings)} settings" if len(settings) > 1 else settings[0]
        yield Wrapped(Text(f"right: {words} ({several})", style="green"))


def settings_by_words(findings: list[CheckFinding]) -> dict[str, list[str]]:
    """Return the settings of findings, by what they are about."""
    by_words: dict[str, list[str]] = {}
    for finding in findings:
        by_words.setdefault(_words(finding), []).append(finding.setting)
    return by_words


def _remarks(checked: Checked) -> Iterator[RenderableType]:
    reasons = dict.fromkeys(item.why for item in checked.not_supported)
    if checked.notes or reasons:
        yield Text("")
    for note in checked.notes:
        yield Wrapped(Text(f"note: {note}", style="dim"))
    if reasons:
        text = f"not offered: {written_out('; '.join(reasons))}"
        yield Wrapped(Text(text, style="dim"))


def _printed(checked: Checked) -> Iterator[RenderableType]:
    """Yield the last lines that the file printed, where they may help."""
    said, lines = printed_lines(checked)
    if checked.ok or not lines:
        return
    yield Text(f"\n{said}:", style="dim")
    for line in lines:
        yield Wrapped(Text(written_out(line), style="dim"), INDENT)


def printed_lines(checked: Checked) -> tuple[str, list[str]]:
    """Return the last lines that the file printed, cut, and how many there are of how many."""
    lines = checked.output.strip().splitlines()[-PRINTED:]
    more = checked.lines_printed > len(lines)
    of = f" (the last {len(lines)} of {checked.lines_printed:,} lines)" if more else ""
    shown = (line if len(line) <= LONGEST else f"{line[:LONGEST]} ..." for line in lines)
    return f"it printed{of}", [*shown]


def _words(finding: CheckFinding) -> str:
    right, wrong = WORDS.get(finding.quantity, (label(finding.quantity),) * 2)
    return right if finding.ok or not finding.reached else wrong


def check_document(checked: Checked) -> Document:
    """Return what `cnnspec check --json` prints, whatever became of the code."""
    return document(
        "check",
        candidate=checked.candidate,
        kind=checked.kind,
        loaded=checked.loaded,
        error=checked.error,
        verdict=checked.grade,
        grade=_grade(checked),
        findings=[asdict(finding) for finding in checked.findings],
        not_supported=[asdict(item) for item in checked.not_supported],
        not_tried=[asdict(item) for item in checked.not_tried],
        notes=checked.notes,
        output=checked.output,
        lines_printed=checked.lines_printed,
    )


def _grade(checked: Checked) -> dict[str, int] | None:
    if checked.grade is None:
        return None
    total = len(checked.findings)
    return {"passed": checked.passed, "not_offered": checked.not_offered, "total": total}
