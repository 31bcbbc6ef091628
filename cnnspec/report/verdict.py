"""A verdict, read top-down: the sentence, what is wrong and why, the table, the training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from cnnspec.address import TRAINING, Address
from cnnspec.compare.probes import DATA_IMAGES
from cnnspec.compare.verdict import Coverage, Finding, Kinks, NotCompared, Verdict
from cnnspec.report.address import words
from cnnspec.report.findings import all_findings, finding_lines
from cnnspec.report.quantities import ROWS, QuantitiesTable, label, worst_first
from cnnspec.report.trajectory import trajectory_parts


def render_replay(verdict: Verdict) -> Iterator[RenderableType]:
    """Yield what `cnnspec compare` prints before the training."""
    yield verdict_sentence(verdict)
    yield from all_findings(verdict)
    yield from coverage_lines(verdict.coverage, verdict.kinks)
    yield QuantitiesTable(verdict)
    hidden = len(verdict.quantities) - ROWS
    if hidden > 0:
        failed = sum(not found.ok for found in worst_first(verdict)[ROWS:])
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
    if any(item.address == TRAINING for item in verdict.coverage.not_compared):
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
    elif first.address == TRAINING:
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
        return _and(list(dict.fromkeys(words(item.address) for item in items)))
    return f"{quantities} {'quantity' if quantities == 1 else 'quantities'}"


def _losing(verdict: Verdict, first: Finding) -> str:
    """Say which sides lose precision, and in which layers."""
    layers: dict[tuple[str, str], dict[str, None]] = {}
    for finding in verdict.findings or (first,):
        side = finding.wrong_side or finding.backend
        layers.setdefault((side, finding.precision), {})[words(finding.address)] = None
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


def coverage_lines(coverage: Coverage, kinks: Sequence[Kinks]) -> Iterator[Text]:
    """Yield what was compared, what was not and why, and the decisions that rounding may turn."""
    yield Text(
        "compared: "
        + ", ".join(f"{done} of {of} {what}" for what, (done, of) in coverage.counts.items()),
        style="dim",
    )
    for at, quantities, why, allowed in _grouped(coverage.not_compared):
        part = words(at)
        what = f"{part} ({', '.join(map(label, quantities))})" if quantities else part
        style = "dim" if allowed else "red"
        yield Text(f"not compared{' (allowed)' if allowed else ''}: {what}: {why}", style=style)
    for side in coverage.few:
        yield Text(
            f"an image costs {side} much: its training steps, its predictions and its own "
            f"precision were tried on {DATA_IMAGES} at a time",
            style="dim",
        )
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


def _grouped(items: tuple[NotCompared, ...]) -> Iterator[tuple[Address, list[str], str, bool]]:
    groups: dict[tuple[Address, str, bool], list[str]] = {}
    for item in items:
        quantities = groups.setdefault((item.address, item.why, item.allowed), [])
        if item.quantity:
            quantities.append(item.quantity)
    for (at, why, allowed), quantities in groups.items():
        yield at, quantities, why, allowed
