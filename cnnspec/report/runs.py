"""Two runs beside each other, read top-down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnnspec.compare.parts import Replayed
from cnnspec.compare.runs import RunsVerdict, has_effect
from cnnspec.documents import Document, document
from cnnspec.report.address import sides_words, words
from cnnspec.report.difference import layers_table, options_table
from cnnspec.report.tables import loss_text, percent, plain_table
from cnnspec.report.verdict import replay_parts
from cnnspec.report.verdict_document import replay_content
from cnnspec.spec.flow import plain_value

VERSION = 2
"""Of the document."""

STYLES = {"same": "bold green", "different": "bold red", "cannot tell": "bold yellow"}


def render_runs(found: RunsVerdict, *, whole: bool = False) -> Iterator[RenderableType]:
    """Yield what `cnnspec compare RUN RUN` prints; the `whole` with every budget."""
    a, b = found.runs
    yield Text(
        f"{found.verdict.upper()}: {a} ({found.backends[0]}) and {b} ({found.backends[1]}): "
        f"{reason(found)}",
        style=STYLES[found.verdict],
    )
    if any(layer.status != "same" for layer in found.difference.layers):
        yield layers_table(found.difference)
        yield Text(f"`cnnspec diff {a}/resolved.yaml {b}/resolved.yaml` says more", style="dim")
    if found.parts:
        yield from replay_parts(found.parts, whole=whole, of_runs=True)
    said = found.reason == "specs"
    unsaid = [change for change in found.difference.options if not (said and has_effect(change))]
    if unsaid:
        yield options_table(unsaid)
    yield _table(found)
    if found.different_predictions is not None:
        yield Text(
            f"{found.different_predictions:,} of {found.test_images:,} test images are classed "
            "differently."
        )
    if any(found.distances.values()):
        name = max(found.distances, key=lambda name: found.distances[name])
        yield Text(f"Weights are at most {found.distances[name]:.1e} apart, relative ({name}).")
    if found.envelope:
        low, high = min(found.envelope.twin_accuracy), max(found.envelope.twin_accuracy)
        yield Text(
            f"{found.envelope.twins} twins of {a} end up to {found.envelope.furthest_twin:.1e} "
            f"from it in {found.envelope.parameter}, {b} {found.envelope.distance:.1e}; they "
            f"reach {percent(low)} to {percent(high)}."
        )


def reason(found: RunsVerdict) -> str:
    """Say in a sentence what decides the verdict."""
    if found.reason == "not finite":
        return f"{found.not_finite[0]}, nothing else was compared"
    if found.reason in ("findings", "not compared") and found.parts:
        return _of_parts(found.parts)
    epochs = [len(history) for history in found.histories]
    twins = found.envelope.twins if found.envelope else 0
    return {
        "layers": "their layers are not the same",
        "specs": f"their specs differ: {_changes(found)}",
        "equal": "their weights are equal to the last bit",
        "epochs": f"one has {epochs[0]} finished epochs, the other {epochs[1]}",
        "no twins": "their weights differ, and no twins were trained to tell why",
        "inside": f"their weights are within the rounding envelope of {twins} twins",
        "outside": f"their weights are outside the rounding envelope of {twins} twins; "
        "`cnnspec compare SPEC --mode free` finds the first step that is",
    }[found.reason]


def _of_parts(parts: Replayed) -> str:
    if not parts.findings:
        missing = next(item for item in parts.coverage.not_compared if not item.allowed)
        part = words(missing.address)
        return f"parts of the backends could not be compared: {part}: {missing.why}"
    first = parts.findings[0]
    part = words(first.address)
    if first.precision == "float64":
        return f"the backends are not the same function: {part} differs"
    return (
        "one of the backends loses precision that rounding does not explain: "
        f"{first.wrong_side or sides_words(first.sides)} in {part}"
    )


def _changes(found: RunsVerdict) -> str:
    return ", ".join(
        f"{change.path}: {change.before} -> {change.after}"
        for change in found.difference.options
        if has_effect(change)
    )


def _table(found: RunsVerdict) -> Table:
    table = plain_table(("", "left"), *found.runs)
    for a, b in zip(*found.histories):
        losses = (loss_text(metrics.train_loss) for metrics in (a, b))
        table.add_row(f"train loss, epoch {a.epoch}", *losses)
    table.add_row("test accuracy", *map(percent, found.accuracy), style="bold")
    return table


def runs_document(found: RunsVerdict) -> Document:
    """Return what `cnnspec compare RUN RUN --json` prints."""
    parts = found.parts
    return document(
        "compare-runs",
        version=VERSION,
        runs=found.runs,
        backends=found.backends,
        verdict=found.verdict,
        reason=reason(found),
        changed=[
            {
                "path": change.path,
                "before": plain_value(change.before),
                "after": plain_value(change.after),
            }
            for change in found.difference.options
        ],
        not_finite=[asdict(item) for item in found.not_finite],
        warnings=found.warnings,
        parts=_parts_document(parts) if parts else None,
        distances=found.distances,
        envelope=asdict(found.envelope) if found.envelope else None,
        epochs=[[asdict(metrics) for metrics in history] for history in found.histories],
        accuracy=found.accuracy,
        test_images=found.test_images,
        different_predictions=found.different_predictions,
        **found.provenance,
    )


def _parts_document(parts: Replayed) -> Document:
    return {
        "compared": len(parts.comparisons),
        "differ": len(parts.findings),
        **replay_content(
            parts.comparisons, parts.coverage, parts.findings, parts.kinks, parts.follows
        ),
    }
