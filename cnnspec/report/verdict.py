"""A verdict, read top-down: the sentence, what is wrong and why, the table, the training."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cnnspec.compare.verdict import Finding, NotCompared, Quantity, Verdict
from cnnspec.report.tables import plain_table
from cnnspec.report.trajectory import trajectory_parts

ROWS = 12
"""Rows of the table of quantities; the rest is counted."""

GROUPS = 6
"""Groups of findings with the same cause that are written out; the rest is counted."""


def render_replay(verdict: Verdict) -> Iterator[RenderableType]:
    """Yield what `cnnspec compare` prints before the training."""
    yield verdict_sentence(verdict)
    yield from _findings(verdict)
    yield from _coverage(verdict)
    yield quantities_table(verdict)
    hidden = len(verdict.quantities) - ROWS
    if hidden > 0:
        failed = sum(not found.ok for found in _worst_first(verdict)[ROWS:])
        rest = f"{failed} of them beyond it" if failed else "all within their budget"
        yield Text(f"and {hidden} more, {rest} (--json lists all)\n", style="dim")


def render_training(verdict: Verdict) -> Iterator[RenderableType]:
    """Yield what `cnnspec compare` prints after the training: how it went, and the verdict."""
    if verdict.trajectory:
        yield Text("")
        yield from trajectory_parts(verdict.trajectory)
        if verdict.trajectory.finding:
            yield from finding_lines(verdict.trajectory.finding)
        yield Text("")
        yield verdict_sentence(verdict)
    else:
        yield Text("not trained: no data in the spec, or no steps asked for")


def verdict_sentence(verdict: Verdict) -> Text:
    """Return the verdict in one sentence."""
    a, b = verdict.backends
    first = verdict.first_divergence
    if verdict.verdict == "same":
        return Text(
            f"SAME: {a} and {b} are the same function on {verdict.name}", style="bold green"
        )
    if first is None:
        missing = sum(not item.allowed for item in verdict.coverage.not_compared)
        sentence = f"DIFFERENT: {missing} quantities of {verdict.name} could not be compared"
    elif first.layer is None:
        sentence = f"DIFFERENT: only one of {a} and {b} can be trained on {verdict.name}"
    elif first.precision == "float64":
        sentence = f"DIFFERENT: {a} and {b} are not the same function on {verdict.name}"
        if first.step:
            sentence += f", seen in step {first.step:,} of the training"
    else:
        sentence = (
            f"DIFFERENT: {a} and {b} are the same function on {verdict.name} in float64, "
            f"but in {first.precision} {first.wrong_side} loses precision that rounding does "
            f"not explain, in {_and(_layers_off(verdict, first.wrong_side))}"
        )
    return Text(sentence, style="bold red")


def _layers_off(verdict: Verdict, side: str | None) -> list[str]:
    findings = [finding for finding in verdict.findings if finding.wrong_side == side]
    return list(dict.fromkeys(str(finding.layer) for finding in findings))


def _and(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _findings(verdict: Verdict) -> Iterator[RenderableType]:
    if verdict.findings:
        first, *others = verdict.findings
        yield from finding_lines(first)
        groups = list(_by_cause(others))
        for group in groups[:GROUPS]:
            yield from _group_lines(group)
        rest = sum(map(len, groups[GROUPS:]))
        if rest:
            yield Text(f"and {rest} more (--json lists all)")
    yield _summary(verdict)
    yield from _untypical(verdict)


def _by_cause(findings: list[Finding]) -> Iterator[list[Finding]]:
    """Yield findings together that have the same wrong side and the same cause."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        key = (finding.wrong_side, finding.precision, *finding.causes.items())
        groups.setdefault(key, []).append(finding)
    yield from groups.values()


def _group_lines(group: list[Finding]) -> Iterator[RenderableType]:
    by_layer: dict[str, dict[str, None]] = {}
    for finding in group:
        quantities = by_layer.setdefault(finding.layer or "training", {})
        quantities[label(finding.quantity)] = None
    text = Text("also: ")
    for number, (layer, quantities) in enumerate(by_layer.items()):
        text.append("; " if number else "")
        text.append(f"{layer}, {', '.join(quantities)}", style="bold")
    yield text
    for line in _verdict_on(group[0]):
        yield Padding(line, (0, 0, 0, 2), expand=False)


def _summary(verdict: Verdict) -> Text:
    total, bad = len(verdict.quantities), len(verdict.findings)
    if bad:
        return Text(f"{bad:,} of {total:,} comparisons beyond rounding")
    top = max(verdict.quantities, key=lambda quantity: quantity.ratio, default=None)
    if top is None:
        return Text("no comparison could be made")
    return Text(
        f"{total:,} comparisons, every difference explained by rounding: the largest takes "
        f"{top.ratio:.2f} of its budget ({top.layer}, {label(top.quantity)}, {top.precision})"
    )


def _untypical(verdict: Verdict) -> Iterator[Text]:
    """Warn of errors that are within their bound, and yet greater than they usually are."""
    found = [item for item in verdict.quantities if item.ok and (item.typical or 0) > 1]
    if found:
        top = max(found, key=lambda item: item.typical or 0)
        yield Text(
            f"{len(found)} within the bound, but above the typical error sqrt(k) u S: most of "
            f"all {top.layer}, {label(top.quantity)} ({top.precision}, {top.backend}), "
            f"{top.typical:.3g} times",
            style="yellow",
        )


def finding_lines(finding: Finding) -> Iterator[RenderableType]:
    """Yield a difference in a few lines: where, how much, who is wrong, and why."""
    text = Text("first divergence: ")
    text.append(f"{finding.layer or 'training'}, {label(finding.quantity)}", style="bold")
    worst = finding.worst
    if worst and not math.isfinite(worst.difference):
        text.append(": not finite, or of another shape")
    elif worst:
        explained = f"{worst.budget:.1e}" if worst.budget else "nothing"
        text.append(f": {worst.difference:.2e} apart, where rounding explains {explained}")
    yield text
    yield Padding(_place(finding), (0, 0, 0, 2), expand=False)
    for line in _verdict_on(finding):
        yield Padding(line, (0, 0, 0, 2), expand=False)


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
        yield Text(f"why: {cause.of(side)}", style="yellow")
    if finding.wrong_side and not finding.causes and finding.worst:
        yield Text("why: unknown; no cause of the list gives these numbers")


def _who(finding: Finding) -> str:
    if finding.wrong_side is None:
        return f"which side is wrong: cannot tell ({finding.judge or 'no judge applies'})"
    wrong = "both are wrong" if finding.wrong_side == "both" else f"{finding.wrong_side} is wrong"
    return f"{wrong}: judged by {finding.judge}" if finding.judge else wrong


def _coverage(verdict: Verdict) -> Iterator[Text]:
    counts = verdict.coverage.counts.items()
    yield Text(
        "compared: " + ", ".join(f"{done} of {of} {what}" for what, (done, of) in counts),
        style="dim",
    )
    for layer, quantities, why, allowed in _grouped(verdict.coverage.not_compared):
        what = f"{layer} ({', '.join(map(label, quantities))})" if quantities else layer
        style = "dim" if allowed else "red"
        yield Text(f"not compared{' (allowed)' if allowed else ''}: {what}: {why}", style=style)
    decisions = sum(kink.decisions for kink in verdict.kinks)
    near = sum(kink.near for kink in verdict.kinks)
    if decisions:
        yield Text(
            f"kinks: of {decisions:,} decisions of relu and max pool on the data, rounding may "
            f"turn {near:,}; they count as no differences",
            style="dim",
        )


def _grouped(items: tuple[NotCompared, ...]) -> Iterator[tuple[str, list[str], str, bool]]:
    groups: dict[tuple[str, str, bool], list[str]] = {}
    for item in items:
        quantities = groups.setdefault((item.layer, item.why, item.allowed), [])
        if item.quantity:
            quantities.append(item.quantity)
    for (layer, why, allowed), quantities in groups.items():
        yield layer, quantities, why, allowed


def quantities_table(verdict: Verdict) -> Table:
    """Return the quantities that come nearest to their budget, or exceed it, worst first."""
    table = plain_table(
        ("layer", "left"),
        ("quantity", "left"),
        ("dtype", "left"),
        ("side", "left"),
        "apart",
        "budget",
        "ratio",
    )
    for found in _worst_first(verdict)[:ROWS]:
        table.add_row(
            found.layer,
            label(found.quantity),
            found.precision,
            "both" if " vs " in found.backend else found.backend,
            f"{found.difference:.1e}",
            f"{found.budget:.1e}",
            _ratio(found.ratio),
            style=None if found.ok else "red",
        )
    return table


def label(quantity: str) -> str:
    """Name a quantity as people do: `weight gradient`."""
    kind, _, name = quantity.partition("_")
    return f"{name} gradient" if kind == "grad" else quantity


def _ratio(ratio: float) -> str:
    return f"{ratio:.3f}" if ratio < 1000 else f"{ratio:.0e}"


def _worst_first(verdict: Verdict) -> list[Quantity]:
    return sorted(verdict.quantities, key=lambda found: -found.ratio)
