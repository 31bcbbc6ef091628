"""The grades of a class, as a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
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

STYLES = {Grade.RIGHT: "green", Grade.AS_FAR_AS_TRIED: "green", Grade.WRONG: "red", None: "yellow"}


def render_class(graded: GradedClass) -> Iterator[RenderableType]:
    """Yield what `cnnspec check FOLDER` prints."""
    yield Wrapped(Text(f"{graded.assignment.name}: {size(graded)}", style="bold"))
    yield Text(summary(graded))
    yield _table(graded)
    yield from _remarks(graded)
    faults = [fault for fault in frequent_faults(graded.submissions) if len(fault.students) > 1]
    for fault in faults[:FAULTS]:
        students = count(len(fault.students), "student")
        line = f"{students}: {fault.layer}, {fault.quantity}: {fault.code}"
        yield Wrapped(Text(f"{line}: {fault.sentence}"))


def _table(graded: GradedClass) -> Table:
    exercises = graded.assignment.exercises
    columns = [(exercise.label, "right") for exercise in exercises]
    table = plain_table(("student", "left"), *columns, ("points", "right"))  # type: ignore[arg-type]
    for submission in graded.submissions:
        cells = [Text(cell_text(each), style=STYLES[each.grade]) for each in submission.layers]
        points = Text(points_text(submission.points), style=STYLES[submission.grade])
        table.add_row(Text(name_text(submission.name)), *cells, points)
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
