"""What is wrong: where, how much, which side, and why."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from cnnspec.compare.causes import Cause
from cnnspec.compare.party import BOTH
from cnnspec.compare.probes import DATA_IMAGES
from cnnspec.compare.verdict import Finding, Quantity, Verdict
from cnnspec.report.address import words
from cnnspec.report.quantities import budget_words, label

IMAGES = {"data": DATA_IMAGES}
"""Batches of probes, where a cause may name them, as in `1/7 = 1/batch_size`."""

GROUPS = 6
"""Groups of findings with the same cause that are written out; the rest is counted."""


def all_findings(verdict: Verdict) -> Iterator[RenderableType]:
    """Yield the first finding in full, the others by their causes, and how many there are."""
    if verdict.findings:
        first, *others = verdict.findings
        yield from finding_lines(first)
        groups = list(_by_cause(first, others))
        said = first
        for group in groups[:GROUPS]:
            yield from _group_lines(group, said)
            said = group[0]
        rest = sum(map(len, groups[GROUPS:]))
        if rest:
            yield Text(f"and {rest} more (--json lists all)")
    yield _summary(verdict)
    yield from _untypical(verdict)


def _by_cause(first: Finding, others: list[Finding]) -> Iterator[list[Finding]]:
    """Yield findings together that have the same wrong side and cause; those of the first first."""
    groups: dict[tuple[object, ...], list[Finding]] = {_cause_key(first): []}
    for finding in others:
        groups.setdefault(_cause_key(finding), []).append(finding)
    yield from filter(None, groups.values())


def _cause_key(finding: Finding) -> tuple[object, ...]:
    return (finding.wrong_side, finding.precision, *finding.causes.items())


def _group_lines(group: list[Finding], said: Finding) -> Iterator[RenderableType]:
    """Yield where else something is found; who and why are not said twice in a row."""
    by_layer: dict[str, dict[str, None]] = {}
    for finding in group:
        quantities = by_layer.setdefault(words(finding.address), {})
        quantities[label(finding.quantity)] = None
    text = Text("also: ")
    for number, (layer, quantities) in enumerate(by_layer.items()):
        text.append("; " if number else "")
        text.append(f"{layer}, {', '.join(quantities)}", style="bold")
    yield text
    found = group[0]
    if found.causes and (found.wrong_side, found.causes) == (said.wrong_side, said.causes):
        lines = [Text("the same side, for the same cause")]
    else:
        lines = list(_verdict_on(found))
    for line in lines:
        yield Padding(line, (0, 0, 0, 2), expand=False)


def _summary(verdict: Verdict) -> Text:
    total, bad = len(verdict.quantities), len(verdict.findings)
    if bad:
        return Text(f"{bad:,} of {total:,} comparisons beyond rounding")
    top = max(verdict.quantities, key=lambda quantity: quantity.ratio, default=None)
    if top is None:
        return Text("no comparison could be made")
    at = f"{words(top.address)}, {label(top.quantity)}"
    return Text(
        f"{total:,} comparisons, every difference explained by rounding: the largest takes "
        f"{top.ratio:.2f} of its budget ({at}, {top.precision})"
    )


def _untypical(verdict: Verdict) -> Iterator[Text]:
    """Warn of errors that are within their bound, and yet greater than they usually are."""
    found = [item for item in verdict.quantities if item.ok and (item.typical or 0) > 1]
    if found:
        top = max(found, key=lambda item: item.typical or 0)
        yield Text(
            f"{len(found)} within the bound, but above the typical error sqrt(k) u S: most of "
            f"all {words(top.address)}, {label(top.quantity)} ({top.precision}, {top.backend}), "
            f"{top.typical:.3g} times",
            style="yellow",
        )


def finding_lines(finding: Finding, start: str = "first divergence") -> Iterator[RenderableType]:
    """Yield a difference in a few lines: where, how much, who is wrong, and why."""
    text = Text(f"{start}: ")
    text.append(f"{words(finding.address)}, {label(finding.quantity)}", style="bold")
    if finding.worst:
        text.append(f": {_how_much(finding.worst)}")
    yield text
    yield Padding(_place(finding), (0, 0, 0, 2), expand=False)
    for line in _verdict_on(finding):
        yield Padding(line, (0, 0, 0, 2), expand=False)


def _how_much(worst: Quantity) -> str:
    """Say how far off the worst element is, how far any is, and what rounding explains."""
    values = ""
    if worst.found is not None and worst.wanted is not None:
        pair = worst.backend.split(" vs ")
        names = pair if len(pair) == 2 else ["found", "wanted"]
        values = f"{names[0]} {worst.found:.6g}, {names[1]} {worst.wanted:.6g}"
    if not math.isfinite(worst.difference):
        return (values or "not finite on one side alone") if worst.position else "of another shape"
    values += ": " if values else ""
    greatest = (
        f" (elsewhere up to {worst.max_abs:.2e})"
        if worst.max_abs > 1.005 * worst.difference
        else ""
    )
    explained = budget_words(worst.budget)
    return f"{values}{worst.difference:.2e} apart{greatest}, where rounding explains {explained}"


def _place(finding: Finding) -> Text:
    where = [finding.precision, finding.backend]
    if finding.worst:
        where.append(f"probe `{finding.worst.probe}`")
        where.extend(_extent(finding.worst))
    if finding.step:
        where.append(f"step {finding.step:,} of the training")
    return Text(", ".join(where), style="dim")


def _extent(worst: Quantity) -> Iterator[str]:
    """Say how many elements are off, where there are several, and where the worst stands."""
    if worst.elements > 1 and worst.position:
        yield (
            f"{worst.beyond:,} of {worst.elements:,} elements, the worst at {list(worst.position)}"
        )


def _verdict_on(finding: Finding) -> Iterator[Text]:
    yield Text(_who(finding))
    for side, cause in finding.causes.items():
        yield Text(f"why: {cause.of(side)}{_batch(finding, cause)}", style="yellow")
    if finding.wrong_side and not finding.causes and finding.worst:
        yield _without_cause(finding.worst)


def _batch(finding: Finding, cause: Cause) -> str:
    """Say how large the batch is that a cause names: the probe's, not the spec's."""
    images = IMAGES.get(finding.worst.probe) if finding.worst and not finding.step else None
    if images is None or "batch_size" not in cause.sentence:
        return ""
    return f" (here, a batch is the {images} images of the probe)"


def _without_cause(worst: Quantity) -> Text:
    if math.isfinite(worst.difference):
        return Text("why: unknown; no cause of the list gives these numbers")
    if not worst.position and worst.elements != 1:
        return Text("why: its array has another shape", style="yellow")
    return Text(
        f"why: {worst.beyond:,} of {worst.elements:,} numbers are NaN or infinite", style="yellow"
    )


def _who(finding: Finding) -> str:
    if finding.wrong_side is None:
        return f"which side is wrong: cannot tell ({finding.judge or 'no judge applies'})"
    wrong = "both are wrong" if finding.wrong_side == BOTH else f"{finding.wrong_side} is wrong"
    return f"{wrong}: judged by {finding.judge}" if finding.judge else wrong
