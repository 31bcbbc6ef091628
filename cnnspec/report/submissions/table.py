"""The grades of a class, as a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from cnnspec.compare.check import Grade
from cnnspec.compare.check.submissions.records import GradedClass
from cnnspec.printable import written_out
from cnnspec.report.submissions.words import (
    STARRED,
    cell_text,
    frequent_faults,
    name_text,
    not_graded,
    points_text,
    size,
    summary,
)
from cnnspec.report.svg import count
from cnnspec.report.tables import plain_table
from cnnspec.report.wrapped import Wrapped

FAULTS = 5
"""Causes that are told below the table."""

LONGEST = 400
"""Characters of a reason."""

POINTS = "points"
GAP = 2
"""Columns between two of a table."""
MOST_NAME = 20
"""Columns that a name needs: a longer one takes more lines where there is no room."""

STYLES = {Grade.RIGHT: "green", Grade.AS_FAR_AS_TRIED: "green", Grade.WRONG: "red", None: "yellow"}


def render_class(graded: GradedClass) -> Iterator[RenderableType]:
    """Yield what `cnnspec check FOLDER` prints."""
    yield Wrapped(Text(f"{graded.assignment.name}: {size(graded)}", style="bold"))
    yield Text(summary(graded))
    yield _Grades(graded)
    yield from _remarks(graded)
    faults = [fault for fault in frequent_faults(graded.submissions) if len(fault.students) > 1]
    for fault in faults[:FAULTS]:
        students = count(len(fault.students), "student")
        line = f"{students}: {fault.layer}, {fault.quantity}: {fault.code}"
        yield Wrapped(Text(f"{line}: {fault.sentence}"))


class _Grades:
    """Students and layers: in one table, or in several, each with as many layers as have room."""

    def __init__(self, graded: GradedClass) -> None:
        self._students = graded.submissions
        self._heads = [each.label for each in graded.assignment.exercises]
        self._cells = [[cell_text(each) for each in row.layers] for row in graded.submissions]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        *blocks, last = self._blocks(options.max_width)
        for block in blocks:
            yield self._table(block)
        yield self._table(last, POINTS)

    def _blocks(self, room: int) -> list[list[int]]:
        """Share the columns out over tables of a width."""
        names = min(MOST_NAME, max(len(name_text(each.name)) for each in self._students))
        left = room - names - len(POINTS) - 2 * GAP
        blocks: list[list[int]] = [[]]
        used = 0
        for at, head in enumerate(self._heads):
            width = max(len(head), *(len(row[at]) for row in self._cells)) + GAP
            if blocks[-1] and used + width > left:
                blocks.append([])
                used = 0
            blocks[-1].append(at)
            used += width
        return blocks

    def _table(self, block: Sequence[int], points: str = "") -> Table:
        heads = [("student", "left"), *((self._heads[at], "right") for at in block)]
        table = plain_table(*heads, *([(points, "right")] if points else []))  # type: ignore[arg-type]
        for student, cells in zip(self._students, self._cells):
            shown = [Text(cells[at], style=STYLES[student.layers[at].grade]) for at in block]
            total = Text(points_text(student.points), style=STYLES[student.grade])
            name = Text(name_text(student.name))
            table.add_row(name, *shown, *([total] if points else []))
        return table


def _remarks(graded: GradedClass) -> Iterator[RenderableType]:
    """Yield what a table has no room for."""
    if any(
        layer.grade is Grade.AS_FAR_AS_TRIED for each in graded.submissions for layer in each.layers
    ):
        yield Text(STARRED)
    told = False
    for submission in graded.submissions:
        for layers, reason in not_graded(submission):
            shown = reason if len(reason) <= LONGEST else f"{reason[:LONGEST]} ..."
            line = f"not graded: {name_text(submission.name)}, {layers}: {written_out(shown)}"
            yield Wrapped(Text(line, style="yellow"))
            told = True
        if submission.note:
            yield Wrapped(Text(f"note: {name_text(submission.name)}: {submission.note}"))
            told = True
    for each in graded.passed_over:
        yield Wrapped(Text(f"passed over: {name_text(each.name)}: {each.why}", style="dim"))
        told = True
    if told:
        yield Text("")
