"""The difference of two specs for people and for tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnnspec.difference import Change, Difference, LayerDifference, Status
from cnnspec.documents import Document, document
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.printable import printable
from cnnspec.report.tables import Dotted, plain_table
from cnnspec.spec.flow import plain_value, show_value
from cnnspec.spec.sizes import show

FIRST = 3
"""Parameters that do not fit and are named; the rest is counted."""

MOST_ALIKE = 3
"""Layers in a row that follow in one way and are shown one by one."""

# (status, its mark, its style), in the order of the summary
_LOOKS: tuple[tuple[Status, str, str], ...] = (
    ("added", "+", "green"),
    ("removed", "-", "red"),
    ("replaced", "~", "yellow"),
    ("changed", "~", "yellow"),
    ("follows", ">", ""),
    ("moved", "~", "yellow"),
    ("renamed", "~", "yellow"),
)


def render_difference(difference: Difference, files: tuple[str, str]) -> Iterator[RenderableType]:
    """Yield what `cnnspec diff` prints."""
    old, new = (printable(file) for file in files)
    size = f"{len(difference.after.layers)} layers, {difference.after.parameter_count:,} parameters"
    if difference.same:
        yield Text(f"SAME: {old} and {new} are the same spec ({size})", style="bold green")
        return
    yield Text(f"{old} -> {new}", style="bold")
    yield Text(_summary(difference))
    if any(layer.status != "same" for layer in difference.layers):
        yield layers_table(difference)
    if difference.options:
        yield options_table(difference.options)
    yield from _weights(difference, old, new)


def _summary(difference: Difference) -> str:
    counts = Counter(layer.status for layer in difference.layers)
    same = counts.pop("same", 0)
    if not counts:
        return f"the layers are the same: {_totals(difference.after)}"
    found = []
    for status, mark, _ in _LOOKS:
        if counts[status]:
            words = "changed by what is above" if status == "follows" else status
            found.append(f"{counts[status]} {words} ({mark})")
    same += counts["renumbered"]
    return f"layers: {', '.join(found)}, {same or 'none'} unchanged"


def _totals(plan: Plan) -> str:
    return f"{plan.parameter_count:,} parameters, {plan.macs:,} MACs"


def layers_table(difference: Difference) -> Table:
    """Return the table of layers that differ; runs of unchanged ones take a line each."""
    table = plain_table(("", "left"), ("layer", "left"), ("", "left"), ("before -> after", "left"))
    for unchanged, run in groupby(
        difference.layers, key=lambda layer: layer.status in ("same", "renumbered")
    ):
        if unchanged:
            table.add_row("", "...", "", Text(_unchanged(list(run))), style="dim")
        else:
            _add_changed(table, difference, run)
    table.add_section()
    old, new = difference.before, difference.after
    counts = {
        "parameters": (old.parameter_count, new.parameter_count),
        "MACs": (old.macs, new.macs),
    }
    title = "total"
    for what, (before, after) in counts.items():
        table.add_row("", title, what, _count_change(before, after, ratio=True), style="bold")
        title = ""
    return table


def _add_changed(table: Table, difference: Difference, run: Iterable[LayerDifference]) -> None:
    """Add the rows of layers that differ; many that follow in one way take two rows."""
    looks = {status: (mark, style) for status, mark, style in _LOOKS}
    alike = groupby(run, key=lambda layer: (layer.status, list(_layer_rows(difference, layer))))
    for (status, rows), same in alike:
        layers = list(same)
        shown = 1 if status == "follows" and len(layers) > MOST_ALIKE else len(layers)
        for layer in layers[:shown]:
            mark, style = looks[layer.status]
            name: RenderableType = Dotted(_layer_name(layer))
            for what, value in rows:
                table.add_row(mark, name, Text(what), Text(value), style=style)
                mark, name = "", ""
        if layers[shown:]:
            rest = f"the same in {len(layers) - shown} more, to {_layer_name(layers[-1])}"
            table.add_row("", "...", "", Text(rest), style="dim")


def _unchanged(run: Sequence[LayerDifference]) -> str:
    names = [layer.after.name for layer in run if layer.after]
    where = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}:"
    text = f"{where} {'unchanged' if len(names) == 1 else f'{len(names)} layers unchanged'}"
    numbers = [_layer_name(layer) for layer in run if layer.renamed]
    if len(numbers) > 2:
        return f"{text}, {len(numbers)} renumbered: {numbers[0]}, ..., {numbers[-1]}"
    return f"{text}, renumbered: {', '.join(numbers)}" if numbers else text


def _layer_name(layer: LayerDifference) -> str:
    return " -> ".join(dict.fromkeys(at.name for at in (layer.before, layer.after) if at))


def _layer_rows(difference: Difference, layer: LayerDifference) -> Iterator[tuple[str, str]]:
    """Yield (what, before -> after) of each thing that differs in a layer."""
    old, new = layer.before, layer.after
    if old is None or new is None:
        at = old or new
        assert at is not None
        yield layer.status, _written(at)
        yield "output", show(at.output)
        if at.parameter_count:
            yield "parameters", f"{at.parameter_count if new else -at.parameter_count:+,}"
        return
    if layer.moved:
        places = difference.before.layers.index(old) + 1, difference.after.layers.index(new) + 1
        yield "moved", f"place {places[0]} -> place {places[1]}"
    if layer.status == "replaced":
        yield "replaced", f"{_written(old)} -> {_written(new)}"
    if layer.status == "renamed":
        yield "renamed", "nothing else changed"
    for change in layer.options:
        yield change.path, _arrow(change)
    if old.output != new.output:
        yield "output", f"{show(old.output)} -> {show(new.output)}"
    if old.parameter_count != new.parameter_count:
        yield "parameters", _count_change(old.parameter_count, new.parameter_count)


def _written(at: PlannedLayer) -> str:
    return show_value(at.layer.model_copy(update={"name": None}))


def _count_change(before: int, after: int, *, ratio: bool = False) -> str:
    if before == after:
        return f"{after:,}, unchanged"
    times = f", x {_ratio(after / before)}" if ratio and before else ""
    return f"{before:,} -> {after:,} ({after - before:+,}{times})"


def _ratio(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.1g}"


def options_table(options: Sequence[Change]) -> Table:
    """Return the table of everything but the layers that differs."""
    table = plain_table(("option", "left"), ("before -> after", "left"))
    for change in options:
        table.add_row(Text(change.path), Text(_arrow(change)))
    return table


def _arrow(change: Change) -> str:
    return f"{show_value(change.before)} -> {show_value(change.after)}"


def _weights(difference: Difference, old: str, new: str) -> Iterator[Text]:
    misfits, renamed = difference.misfits, difference.renamed_parameters
    total = len({*difference.before.state, *difference.after.state})
    if misfits:
        fit = f"{len(misfits)} of {total} parameters {'differs' if len(misfits) == 1 else 'differ'}"
        yield Text(f"weights of {old} do not load into {new}: {fit}")
    else:
        yield Text(f"weights of {old} load into {new}: same parameter names, same shapes")
    for misfit in misfits[:FIRST]:
        if misfit.before and misfit.after:
            why = f"{show(misfit.before)} -> {show(misfit.after)}"
        else:
            why = f"only in {old if misfit.before else new}"
        yield Text(f"  {misfit.name}: {why}")
    if len(misfits) > FIRST:
        yield Text(f"  and {len(misfits) - FIRST} more (--json lists all)")
    if renamed:
        before, after = next(iter(renamed.items()))
        more = ", ..." if len(renamed) > 1 else ""
        yield Text(
            f"parameter names that change with their layers: {len(renamed)} "
            f"({before} -> {after}{more}); to keep these weights, rename them"
        )


def difference_document(difference: Difference, files: tuple[str, str]) -> Document:
    """Return what `cnnspec diff --json` prints."""
    old, new = difference.before, difference.after
    return document(
        "diff",
        files=files,
        verdict="same" if difference.same else "different",
        layers=[_layer_document(layer) for layer in difference.layers],
        options=[_change_document(change) for change in difference.options],
        parameters={"before": old.parameter_count, "after": new.parameter_count},
        macs={"before": old.macs, "after": new.macs},
        weights={
            "load": not difference.misfits,
            "misfits": [
                {"name": misfit.name, "before": misfit.before, "after": misfit.after}
                for misfit in difference.misfits
            ],
            "renamed": difference.renamed_parameters,
        },
    )


def _layer_document(layer: LayerDifference) -> Document:
    return {
        "status": layer.status,
        "moved": layer.moved,
        "options": [_change_document(change) for change in layer.options],
        "before": _planned_document(layer.before),
        "after": _planned_document(layer.after),
    }


def _change_document(change: Change) -> Document:
    return {
        "option": change.path,
        "before": plain_value(change.before),
        "after": plain_value(change.after),
    }


def _planned_document(at: PlannedLayer | None) -> Document | None:
    if at is None:
        return None
    return {
        "name": at.name,
        "kind": at.kind,
        "inputs": at.inputs,
        "layer": plain_value(at.layer),
        "output": at.output,
        "parameters": at.parameter_count,
        "macs": at.macs,
    }
