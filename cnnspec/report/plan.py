"""A plan for people and for tools: layers, output shapes, parameters and MACs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult

from cnnspec.documents import Document, document
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.report.outline import Block, Branch, Entry, LayerEntry, outline
from cnnspec.report.tables import Column, Dotted, plain_table
from cnnspec.spec.sizes import Shape, show

MARGIN, BETWEEN = 2, 2
"""Columns beside a table, and between two of its columns."""
PASSED_ON = "the input"
"""In the place of a kind: what a branch without layers gives."""


def gives(plan: Plan) -> str:
    """Say what comes out of a network."""
    return show(plan.output) if len(plan.output) > 1 else f"{plan.classes} logits"


@dataclass(frozen=True)
class Row:
    """A layer; or a block, or a branch of one, above its layers; or the input, among branches."""

    depth: int
    name: str
    kind: str = ""
    output: Shape | None = None
    parameters: str = ""
    macs: str = ""

    def named(self, *, kinds: bool) -> Dotted:
        """Return its name; where no column has `kinds`, the kind too, if the name is another."""
        is_said = kinds or self.name.rpartition(".")[2].startswith(self.kind)
        return Dotted(self.name if is_said else f"{self.name} ({self.kind})", self.depth)

    def cells(self, *, kinds: bool) -> list[str]:
        """Return what stands in its other columns."""
        output = show(self.output) if self.output else ""
        return [*[self.kind] * kinds, output, self.parameters, self.macs]


@dataclass(frozen=True)
class PlanTable:
    """The table that `cnnspec build` prints. Shapes leave out the batch.

    Where there is little room, kinds stand behind those names alone that do not say them.
    """

    plan: Plan

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        plan, width = self.plan, options.max_width
        counts = f"{plan.parameter_count:,}", f"{plan.macs:,}"
        rows, total = [*_rows(outline(plan))], Row(0, "total", "", None, *counts)
        kinds = not _is_narrow([*rows, total], width)
        table = plain_table(*_columns(kinds=kinds))
        table.title = f"{plan.name}: {show(plan.input)} -> {gives(plan)}"
        for row in rows:
            table.add_row(row.named(kinds=kinds), *row.cells(kinds=kinds))
        table.add_section()
        table.add_row(total.name, *total.cells(kinds=kinds), style="bold")
        yield table


def _is_narrow(rows: Sequence[Row], width: int) -> bool:
    """Tell whether it helps to have no column of kinds."""
    least, most = _widths(rows, kinds=True)
    if most <= width:
        return False
    least_without, most_without = _widths(rows, kinds=False)
    return most_without <= width or least_without <= width < least


def _columns(*, kinds: bool) -> list[Column]:
    words: list[Column] = [("layer", "left"), ("kind", "left")]
    return [*words[: 1 + kinds], "output", "parameters", "MACs"]


def _widths(rows: Sequence[Row], *, kinds: bool) -> tuple[int, int]:
    """Return how many columns rows take at least, and how many in one line each."""
    names = [row.named(kinds=kinds) for row in rows]
    titles = [title if isinstance(title, str) else title[0] for title in _columns(kinds=kinds)]
    words = zip(titles[1:], *(row.cells(kinds=kinds) for row in rows))
    rest = MARGIN + sum(BETWEEN + max(map(len, column)) for column in words)
    return max(name.least for name in names) + rest, max(name.most for name in names) + rest


def _count(number: int) -> str:
    return f"{number:,}" if number else "-"


def _rows(entries: Sequence[Entry], depth: int = 0) -> Iterator[Row]:
    for entry in entries:
        if isinstance(entry, LayerEntry):
            yield _layer(depth, entry.name, entry.first)
        elif entry.join:
            for way, label, shape in zip(entry.ways, entry.labels, entry.join.first.input_shapes):
                if way:
                    yield from _branch(entry, way, depth)
                else:
                    yield Row(depth, ".".join(filter(None, (entry.name, label))), PASSED_ON, shape)
            yield _layer(depth, f"{entry.name}.{entry.join.name}", entry.join.first)
        elif entry.are_alike:
            yield from _repeat(entry, depth)
        else:
            for branch in entry.branches:
                yield from _branch(entry, branch, depth)


def _layer(depth: int, name: str, layer: PlannedLayer) -> Row:
    counts = _count(layer.parameter_count), _count(layer.macs)
    return Row(depth, name, layer.kind, layer.output, *counts)


def _branch(block: Block, branch: Branch, depth: int) -> Iterator[Row]:
    yield Row(depth, f"{block.name}.{branch.label}")
    yield from _rows(branch.entries, depth + 1)


def _repeat(block: Block, depth: int) -> Iterator[Row]:
    """Yield what repetitions come to, and the layers of one: all have the same."""
    times, layers = len(block.branches), [*block.layers]
    name = f"{block.name} ({times:,} {'time' if times == 1 else 'times'})"
    parameters = sum(layer.parameter_count for layer in layers)
    macs = sum(layer.macs for layer in layers)
    yield Row(depth, name, "", layers[-1].output, _count(parameters), _count(macs))
    yield from _rows(block.branches[0].entries, depth + 1)


def plan_document(plan: Plan) -> Document:
    """Return what `cnnspec build --json` prints. Shapes leave out the batch."""
    layers = [
        {
            "name": layer.name,
            "kind": layer.kind,
            "inputs": layer.inputs,
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
