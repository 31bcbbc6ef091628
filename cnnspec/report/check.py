"""A check, read top-down: the grade, what is wrong and why, what is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from cnnspec.compare.check import Checked, CheckFinding
from cnnspec.documents import Document, document
from cnnspec.report.verdict import label

WORDS = {
    "output": "forward",
    "loss": "forward",
    "own input": "leaves its input as it is",
    "own grad_output": "leaves the upstream gradient as it is",
    "own weights": "no update within backward",
    "repeat": "the same call gives the same again",
}
"""What a finding is about; others are quantities."""


def render_check(checked: Checked) -> Iterator[RenderableType]:
    """Yield what `cnnspec check` prints."""
    grade = f"{checked.passed} of {len(checked.findings)} passed"
    if checked.ok:
        yield Text(f"RIGHT: {checked.candidate} as {checked.kind}: {grade}", style="bold green")
    else:
        yield Text(f"WRONG: {checked.candidate} as {checked.kind}: {grade}", style="bold red")
    for group in _grouped([finding for finding in checked.findings if not finding.ok]):
        yield from _wrong(group)
    yield from _right([finding for finding in checked.findings if finding.ok])
    for note in checked.notes:
        yield Text(f"note: {note}", style="dim")
    for item in checked.not_supported:
        yield Text(f"not supported: {item.setting}: {item.why}", style="dim")
    if not checked.ok and checked.output.strip():
        yield Text("it printed:", style="dim")
        yield Padding(Text(checked.output.strip(), style="dim"), (0, 0, 0, 2), expand=False)


def _grouped(findings: list[CheckFinding]) -> Iterator[list[CheckFinding]]:
    """Yield findings of one quantity and one cause together, those in most settings first."""
    groups: dict[tuple[object, ...], list[CheckFinding]] = {}
    for finding in findings:
        key = (finding.quantity, finding.cause, finding.message)
        groups.setdefault(key, []).append(finding)
    yield from sorted(groups.values(), key=len, reverse=True)


def _wrong(group: list[CheckFinding]) -> Iterator[RenderableType]:
    first = group[0]
    text = Text("\nwrong: ")
    text.append(_words(first), style="bold")
    text.append(f", in: {'; '.join(finding.setting for finding in group)}")
    yield text
    lines = []
    if first.message:
        lines.append(Text(f"{first.message}"))
    if first.max_abs is not None and first.budget is not None and first.example:
        explained = f"{first.budget:.1e}" if first.budget else "nothing"
        lines.append(Text(f"{first.example} (rounding explains {explained})", style="dim"))
    if first.cause:
        lines.append(Text(f"why: {first.cause.sentence}", style="yellow"))
    elif not first.message:
        lines.append(Text("why: unknown; no cause of the list gives these numbers"))
    for line in lines:
        yield Padding(line, (0, 0, 0, 2), expand=False)


def _right(findings: list[CheckFinding]) -> Iterator[RenderableType]:
    by_words: dict[str, list[str]] = {}
    for finding in findings:
        by_words.setdefault(_words(finding), []).append(finding.setting)
    if by_words:
        yield Text("")
    for words, settings in by_words.items():
        several = f"{len(settings)} settings" if len(settings) > 1 else settings[0]
        yield Text(f"right: {words} ({several})", style="green")


def _words(finding: CheckFinding) -> str:
    return WORDS.get(finding.quantity, label(finding.quantity))


def check_document(checked: Checked) -> Document:
    """Return what `cnnspec check --json` prints."""
    return document(
        "check",
        candidate=checked.candidate,
        kind=checked.kind,
        grade={"passed": checked.passed, "total": len(checked.findings)},
        findings=[asdict(finding) for finding in checked.findings],
        not_supported=[asdict(item) for item in checked.not_supported],
        notes=checked.notes,
        output=checked.output,
    )
