"""A verdict, read top-down: the sentence, what is wrong and why, the table, the training."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnnspec.compare.verdict import Finding, NotCompared, Quantity, Verdict
from cnnspec.report.tables import plain_table
from cnnspec.report.trajectory import trajectory_parts

ROWS = 12
"""Rows of the table of quantities; the rest is counted."""

FINDINGS = 6
"""Findings that are written out; the rest is counted."""


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
            "not explain"
        )
    return Text(sentence, style="bold red")


def _findings(verdict: Verdict) -> Iterator[Text]:
    for number, finding in enumerate(verdict.findings[:FINDINGS]):
        yield from finding_lines(finding, first=number == 0)
    bad = len(verdict.findings)
    if bad > FINDINGS:
        layers = dict.fromkeys(str(found.layer) for found in verdict.findings[FINDINGS:])
        yield Text(f"and {bad - FINDINGS} more, in {', '.join(layers)} (--json lists all)")
    total = len(verdict.quantities)
    if bad:
        yield Text(f"{bad} of {total:,} comparisons beyond rounding")
        return
    top = max(verdict.quantities, key=lambda quantity: quantity.ratio, default=None)
    if top:
        yield Text(
            f"{total:,} comparisons, every difference explained by rounding: the largest takes "
            f"{top.ratio:.2f} of its budget ({top.layer}, {label(top.quantity)}, {top.precision})"
        )


def finding_lines(finding: Finding, *, first: bool = True) -> Iterator[Text]:
    """Yield a difference in a few lines: where, how much, who is wrong, and why."""
    where = f"{finding.layer or 'training'}, {label(finding.quantity)}"
    step = f", step {finding.step:,}" if finding.step else ""
    text = Text("first divergence: " if first else "also: ")
    text.append(where, style="bold")
    worst = finding.worst
    if worst:
        text.append(
            f" ({finding.precision}, {finding.backend}, probe `{worst.probe}`{step}): "
            f"{worst.difference:.2e} apart, where rounding explains {worst.budget:.1e}"
        )
    else:
        text.append(f" ({finding.backend}{step})")
    yield text
    yield Text(f"  {_who(finding)}")
    for side, cause in finding.causes.items():
        yield Text(f"  why: {side} = {cause.sentence}", style="yellow")
    if finding.wrong_side and not finding.causes and worst:
        yield Text("  why: unknown; no cause of the list gives these numbers")


def _who(finding: Finding) -> str:
    if finding.wrong_side is None:
        return f"which side is wrong: cannot tell ({finding.judge or 'no judge applies'})"
    wrong = "both are wrong" if finding.wrong_side == "both" else f"{finding.wrong_side} is wrong"
    return f"{wrong}; judged by {finding.judge}" if finding.judge else wrong


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
            found.backend,
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
