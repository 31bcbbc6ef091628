"""A plan for people and for tools: layers, output shapes, parameters and MACs."""

from __future__ import annotations

from rich.table import Table

from cnnspec.documents import Document, document
from cnnspec.plan import Plan
from cnnspec.report.tables import Dotted, plain_table
from cnnspec.spec.sizes import show


def gives(plan: Plan) -> str:
    """Say what comes out of a network."""
    return show(plan.output) if len(plan.output) > 1 else f"{plan.classes} logits"


def plan_table(plan: Plan) -> Table:
    """Return the table that `cnnspec build` prints. Shapes leave out the batch."""
    table = plain_table(("layer", "left"), ("kind", "left"), "output", "parameters", "MACs")
    table.title = f"{plan.name}: {show(plan.input)} -> {gives(plan)}"
    for layer in plan.layers:
        table.add_row(
            Dotted(layer.name),
            layer.kind,
            show(layer.output),
            f"{layer.parameter_count:,}" if layer.parameter_count else "-",
            f"{layer.macs:,}" if layer.macs else "-",
        )
    table.add_section()
    table.add_row("total", "", "", f"{plan.parameter_count:,}", f"{plan.macs:,}", style="bold")
    return table


def plan_document(plan: Plan) -> Document:
    """Return what `cnnspec build --json` prints. Shapes leave out the batch."""
    layers = [
        {
            "name": layer.name,
            "kind": layer.kind,
            "output": layer.output,
            "parameters": layer.parameter_count,
            "macs": layer.macs,
        }
        for layer in plan.layers
    ]
    return document(
        "build",
        name=plan.name,
        input=plan.input,
        layers=layers,
        parameters=plan.parameter_count,
        macs=plan.macs,
    )
