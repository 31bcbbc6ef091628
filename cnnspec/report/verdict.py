"""A verdict, read top-down: the sentence, what is wrong and why, the table, the training."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cnnspec.compare.causes import Cause
from cnnspec.compare.probes import DATA_IMAGES
from cnnspec.compare.referee import TRAINING
from cnnspec.compare.verdict import Coverage, Finding, Kinks, NotCompared, Quantity, Verdict
from cnnspec.report.tables import plain_table
from cnnspec.report.trajectory import trajectory_parts

ROWS = 12
"""Rows of the table of quantities; the rest is counted."""

IMAGES = {"data": DATA_IMAGES}
"""Batches of probes, where a cause may name them, as in `1/7 = 1/batch_size`."""

SIDE = len("numpy vs torch")
"""Longest pair of sides that the table of quantities names."""

GROUPS = 6
"""Groups of findings with the same cause that are written out; the rest is counted."""


def render_replay(verdict: Verdict) -> Iterator[RenderableType]:
    """Yield what `cnnspec compare` prints before the training."""
    yield verdict_sentence(verdict)
    yield from _findings(verdict)
    yield from coverage_lines(verdict.coverage, verdict.kinks)
    yield QuantitiesTable(verdict)
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
        found = verdict.trajectory.finding
        if found:
            yield from finding_lines(found, f"in step {found.step:,}" if found.step else "training")
        yield Text("")
        yield verdict_sentence(verdict)
    else:
        yield Text(_why_not_trained(verdict))


def _why_not_trained(verdict: Verdict) -> str:
    asked = verdict.provenance
    if any(item.layer == TRAINING for item in verdict.coverage.not_compared):
        missing = verdict.coverage.not_compared[-1]
        return f"the training could not be compared: {missing.why}"
    if asked.get("mode") == "replay":
        return "not trained: --mode replay"
    if asked.get("steps") == 0:
        return "not trained: --steps 0"
    return "not trained: the spec has no `data` section"


def verdict_sentence(verdict: Verdict) -> Text:
    """Return the verdict in one sentence."""
    a, b = verdict.backends
    first = verdict.first_divergence
    if verdict.verdict == "same":
        return Text(
            f"SAME: {a} and {b} are the same function on {verdict.name}", style="bold green"
        )
    if first is None:
        sentence = f"DIFFERENT: {_missing(verdict)} of {verdict.name} could not be compared"
    elif first.layer is None:
        sentence = f"DIFFERENT: only one of {a} and {b} can be trained on {verdict.name}"
    elif first.precision == "float64":
        sentence = f"DIFFERENT: {a} and {b} are not the same function on {verdict.name}"
        if first.step:
            sentence += f", seen in step {first.step:,} of the training"
    else:
        sentence = (
            f"DIFFERENT: {_losing(verdict, first)}; in float64 {a} and {b} are the same function "
            f"on {verdict.name}"
        )
    return Text(sentence, style="bold red")


def _missing(verdict: Verdict) -> str:
    """Count the quantities that are missing; a whole pass or the training is none."""
    items = [item for item in verdict.coverage.not_compared if not item.allowed]
    quantities = sum(item.quantity is not None for item in items)
    if not quantities:
        return _and(list(dict.fromkeys(item.layer for item in items)))
    return f"{quantities} {'quantity' if quantities == 1 else 'quantities'}"


def _losing(verdict: Verdict, first: Finding) -> str:
    """Say which sides lose precision, and in which layers."""
    layers: dict[tuple[str, str], dict[str, None]] = {}
    for finding in verdict.findings or (first,):
        side = finding.wrong_side or finding.backend
        layers.setdefault((side, finding.precision), {})[str(finding.layer)] = None
    (side, precision), *others = layers
    losing = f"{side} in {precision} loses precision that rounding does not explain, in " + _and(
        list(layers[side, precision])
    )
    so = (
        f"{side} in {precision}, in {_and(list(layers[side, precision]))}"
        for side, precision in others
    )
    return "; so does ".join((losing, *so))


def _and(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _findings(verdict: Verdict) -> Iterator[RenderableType]:
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
        quantities = by_layer.setdefault(finding.layer or "training", {})
        quantities[label(finding.quantity)] = None
    text = Text("also: ")
    for number, (layer, quantities) in enumerate(by_layer.items()):
        text.append("; " if number else "")
        text.append(f"{layer}, {', '.join(quantities)}", style="bold")
    yield text
    again = list(_verdict_on(group[0]))
    if group[0].causes and again == list(_verdict_on(said)):
        again = [Text("the same side, for the same cause")]
    for line in again:
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


def finding_lines(finding: Finding, start: str = "first divergence") -> Iterator[RenderableType]:
    """Yield a difference in a few lines: where, how much, who is wrong, and why."""
    text = Text(f"{start}: ")
    text.append(f"{finding.layer or 'training'}, {label(finding.quantity)}", style="bold")
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


def budget_words(budget: float) -> str:
    """Write a budget; one below any normal number is none."""
    return f"{budget:.1e}" if budget >= sys.float_info.min else "nothing"


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
    wrong = "both are wrong" if finding.wrong_side == "both" else f"{finding.wrong_side} is wrong"
    return f"{wrong}: judged by {finding.judge}" if finding.judge else wrong


def coverage_lines(coverage: Coverage, kinks: Sequence[Kinks]) -> Iterator[Text]:
    """Yield what was compared, what was not and why, and the decisions that rounding may turn."""
    yield Text(
        "compared: "
        + ", ".join(f"{done} of {of} {what}" for what, (done, of) in coverage.counts.items()),
        style="dim",
    )
    for layer, quantities, why, allowed in _grouped(coverage.not_compared):
        what = f"{layer} ({', '.join(map(label, quantities))})" if quantities else layer
        style = "dim" if allowed else "red"
        yield Text(f"not compared{' (allowed)' if allowed else ''}: {what}: {why}", style=style)
    for side, precision in coverage.silent:
        yield Text(
            f"training steps of {side} in {precision}: their bounds say nothing, as rounding may "
            "carry further than they go",
            style="yellow",
        )
    decisions, near = sum(kink.decisions for kink in kinks), sum(kink.near for kink in kinks)
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


class QuantitiesTable:
    """The quantities that come nearest to their budget, or exceed it, worst first.

    Where a terminal is too narrow for all columns, what the ratio is of is left out.
    """

    def __init__(self, verdict: Verdict) -> None:
        self._rows = _worst_first(verdict)[:ROWS]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        whole = self._table(of=True)
        natural = Measurement.get(console, options.update(max_width=1000), whole).maximum
        quantities = [label(found.quantity) for found in self._rows] or ["quantity"]
        longest = max(map(len, quantities))
        needed = natural - longest + max(len(word) for each in quantities for word in each.split())
        yield whole if needed <= options.max_width else self._table(of=False)

    def _table(self, *, of: bool) -> Table:
        numbers = ("apart", "budget", "ratio") if of else ("ratio",)
        table = plain_table(
            ("layer", "left"), ("quantity", "left"), ("dtype", "left"), ("side", "left"), *numbers
        )
        for column in (0, 2, 3):  # the quantity alone may take several lines
            table.columns[column].no_wrap = True
        for found in self._rows:
            table.add_row(
                found.layer,
                label(found.quantity),
                found.precision,
                _side(found.backend),
                *((_apart(found), _budget(found)) if of else ()),
                _ratio(found),
                style=None if found.ok else "red",
            )
        return table


def _side(backend: str) -> str:
    """Name the side that is held against itself, or the two that are held together."""
    return "one vs other" if " vs " in backend and len(backend) > SIDE else backend


def label(quantity: str) -> str:
    """Name a quantity as people do: `weight gradient`."""
    kind, _, name = quantity.partition("_")
    return f"{name} gradient" if kind == "grad" else quantity


def _apart(found: Quantity) -> str:
    if math.isfinite(found.difference):
        return f"{found.difference:.1e}"
    return "not finite" if found.position else "shape"


def _budget(found: Quantity) -> str:
    if not math.isfinite(found.difference):
        return "-"
    return budget_words(found.budget) if found.difference else f"{found.budget:.1e}"


def _ratio(found: Quantity) -> str:
    if found.difference and found.budget < sys.float_info.min:  # the same as one of 0
        return "inf"
    return f"{found.ratio:.3f}" if found.ratio < 1000 else f"{found.ratio:.0e}"


def _worst_first(verdict: Verdict) -> list[Quantity]:
    return sorted(verdict.quantities, key=lambda found: -found.ratio)
