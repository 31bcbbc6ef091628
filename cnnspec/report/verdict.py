"""A verdict, read top-down: the sentence, the first divergence, the table, the training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnnspec.compare.verdict import Lockstep, Quantity, Verdict
from cnnspec.documents import Document, document
from cnnspec.report.tables import percent, plain_table

ROWS = 12
"""Rows of the table of quantities; the rest is counted."""


def render_replay(verdict: Verdict) -> Iterator[RenderableType]:
    """Yield what `cnnspec compare` prints before the training."""
    yield verdict_sentence(verdict)
    yield from _details(verdict)
    yield quantities_table(verdict)
    hidden = len(verdict.quantities) - ROWS
    if hidden > 0:
        failed = sum(not found.ok for found in _worst_first(verdict)[ROWS:])
        rest = f"{failed} of them beyond it" if failed else "all within their budget"
        yield Text(f"and {hidden} more, {rest} (--json lists all)\n", style="dim")


def render_training(verdict: Verdict) -> Iterator[RenderableType]:
    """Yield what `cnnspec compare` prints after the training: how it went, and the verdict."""
    if verdict.lockstep:
        yield Text("")
        yield from _training(verdict.lockstep)
        yield Text("")
        yield verdict_sentence(verdict)
    else:
        yield Text("not trained: no data in the spec, or no steps asked for")


def verdict_sentence(verdict: Verdict) -> Text:
    """Return the verdict in one sentence."""
    a, b = verdict.backends
    first = verdict.first_divergence
    if first is None and not verdict.not_compared:
        return Text(
            f"SAME: {a} and {b} are the same function on {verdict.name}", style="bold green"
        )
    if first is None:
        missing = len(verdict.not_compared)
        sentence = f"DIFFERENT: {missing} quantities of {verdict.name} could not be compared"
    elif first.layer is None:
        sentence = f"DIFFERENT: only one of {a} and {b} can be trained on {verdict.name}"
    elif first.precision == "float32":
        sentence = (
            f"DIFFERENT: {a} and {b} are the same function on {verdict.name} in float64, "
            "but in float32 one loses precision that rounding does not explain"
        )
    else:
        sentence = f"DIFFERENT: {a} and {b} are not the same function on {verdict.name}"
    return Text(sentence, style="bold red")


def _details(verdict: Verdict) -> Iterator[Text]:
    found = list(verdict.quantities)
    bad = [quantity for quantity in found if not quantity.ok]
    for item in verdict.not_compared:
        yield Text(f"not compared: {item.what}: {item.why}")
    if not bad:
        top = max(found, key=lambda quantity: quantity.ratio)
        yield Text(
            f"{len(found)} comparisons, every difference explained by rounding: the largest takes "
            f"{top.ratio:.2f} of its budget ({top.layer}, {label(top)}, {top.precision})"
        )
        return
    first = verdict.first_divergence
    for quantity in bad:
        if first and (quantity.layer, quantity.quantity) == (first.layer, first.quantity):
            yield Text(
                f"first divergence: {quantity.layer}, {label(quantity)} ({quantity.precision}, "
                f"{quantity.backend}, probe `{quantity.probe}`): {quantity.difference:.2e} apart, "
                f"where rounding explains {quantity.budget:.1e}"
            )
            break
    layers = list(dict.fromkeys(quantity.layer for quantity in bad))
    yield Text(f"{len(bad)} of {len(found)} comparisons beyond rounding, in {', '.join(layers)}")


def quantities_table(verdict: Verdict) -> Table:
    """Return the quantities that come nearest to their budget, or exceed it, worst first."""
    table = plain_table(
        ("layer", "left"),
        ("quantity", "left"),
        ("dtype", "left"),
        ("backend", "left"),
        "apart",
        "budget",
        "ratio",
    )
    for found in _worst_first(verdict)[:ROWS]:
        table.add_row(
            found.layer,
            label(found),
            found.precision,
            found.backend,
            f"{found.difference:.1e}",
            f"{found.budget:.1e}",
            _ratio(found.ratio),
            style=None if found.ok else "red",
        )
    return table


def label(found: Quantity) -> str:
    """Name a quantity as people do: `weight gradient`."""
    kind, _, name = found.quantity.partition("_")
    return f"{name} gradient" if kind == "grad" else found.quantity


def _ratio(ratio: float) -> str:
    return f"{ratio:.3f}" if ratio < 1000 else f"{ratio:.0e}"


def _worst_first(verdict: Verdict) -> list[Quantity]:
    return sorted(verdict.quantities, key=lambda found: -found.ratio)


def _training(lockstep: Lockstep) -> Iterator[RenderableType]:
    names = list(lockstep.accuracy)
    yield Text(
        f"Lockstep training: {lockstep.total_steps:,} steps from the same weights on the same "
        "batches",
        style="bold",
    )
    for name, reason in lockstep.stopped.items():
        yield Text(f"{name} stopped: {reason}", style="red")
    table = plain_table(("", "left"), *names)
    if lockstep.steps:
        first, last = lockstep.steps[0], lockstep.steps[-1]
        for step in (first, last):
            losses = (f"{step.loss[name]:.6f}" for name in names)
            table.add_row(f"batch loss, step {step.step:,}", *losses)
    histories = [lockstep.history[name] for name in names]
    if all(histories):
        table.add_row("train loss, last epoch", *(f"{h[-1].train_loss:.4f}" for h in histories))
    accuracies = (percent(lockstep.accuracy[name]) for name in names)
    table.add_row("test accuracy", *accuracies, style="bold")
    yield table
    yield Text(parting(lockstep))


def parting(lockstep: Lockstep) -> str:
    """Say in words where two trainings part."""
    different = (
        f"{lockstep.different_predictions:,} of {lockstep.test_images:,} test images are classed "
        "differently at the end."
    )
    if not lockstep.steps:
        return different
    first, last = lockstep.steps[0], lockstep.steps[-1]
    weights = (
        f"Weights differ by at most {first.weight_difference:.1e} after step {first.step} and "
        f"{last.weight_difference:.1e} after step {last.step:,}. "
    )
    if lockstep.first_different_loss is None:
        return f"Losses are equal to the last bit throughout. {weights}{different}"
    when = lockstep.first_different_prediction
    images = (
        f"a training image is first classed differently in step {when:,}"
        if when
        else "no training image is ever classed differently"
    )
    return (
        f"Losses differ in their last bits from step {lockstep.first_different_loss:,}; {images}. "
        f"{weights}{different}"
    )


def verdict_document(verdict: Verdict) -> Document:
    """Return what `cnnspec compare --json` prints."""
    first = verdict.first_divergence
    lockstep = verdict.lockstep
    divergence = asdict(first) | {"cause": None, "wrong_side": None} if first else None
    return document(
        "compare",
        name=verdict.name,
        backends=verdict.backends,
        verdict=verdict.verdict,
        first_divergence=divergence,
        quantities=[_quantity(found) for found in verdict.quantities],
        compared=len(verdict.quantities),
        not_compared=[asdict(item) for item in verdict.not_compared],
        lockstep=_lockstep(lockstep) if lockstep else None,
        accuracy=lockstep.accuracy if lockstep else None,
        environment=verdict.environment,
    )


def _quantity(found: Quantity) -> Document:
    return asdict(found) | {"ok": found.ok}


def _lockstep(lockstep: Lockstep) -> Document:
    history = {
        backend: [asdict(metrics) for metrics in epochs]
        for backend, epochs in lockstep.history.items()
    }
    return asdict(lockstep) | {"history": history}
