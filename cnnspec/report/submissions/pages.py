"""The pages of a class: one with everybody's grades, and one for each student."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from cnnspec.compare.check import Grade
from cnnspec.compare.check.submissions.records import GradedClass, GradedSubmission
from cnnspec.report.page import Html, badge, element, link, notice, page, table
from cnnspec.report.page.parts import Tone
from cnnspec.report.submissions.student import layer_section
from cnnspec.report.submissions.words import (
    STARRED,
    cell_text,
    frequent_faults,
    grade_text,
    not_graded,
    points_text,
    size,
    summary,
)
from cnnspec.report.svg import count

INDEX = "index.html"

FAULTS = 12
"""Causes that the page of the class tells."""

MOST_SHOWN = 8
"""Students who are named with a cause; the others are counted."""

TONES: Mapping[Grade | None, Tone] = {
    Grade.RIGHT: "right",
    Grade.AS_FAR_AS_TRIED: "right",
    Grade.WRONG: "wrong",
    None: "unsure",
}


def class_pages(graded: GradedClass) -> Iterator[tuple[str, str]]:
    """Yield the name of each page's file, and the page; that of the class comes last."""
    files = file_names([each.name for each in graded.submissions])
    for submission in graded.submissions:
        yield files[submission.name], _student(submission, graded)
    yield INDEX, _class(graded, files)


def file_names(students: Sequence[str]) -> dict[str, str]:
    """Return a file for each student, whatever the name is; no two are the same on any disk."""
    taken = {INDEX}
    found = {}
    for student in students:
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", student).strip("-")[:80] or "student"
        name, number = f"{stem}.html", 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}.html"
        taken.add(name.casefold())
        found[student] = name
    return found


def _class(graded: GradedClass, files: Mapping[str, str]) -> str:
    title = graded.assignment.name
    heads = ["student", "points", *(each.label for each in graded.assignment.exercises)]
    rows = [
        [
            link(each.name, files[each.name]),
            points_text(each.points),
            *(badge(cell_text(layer), TONES[layer.grade]) for layer in each.layers),
        ]
        for each in graded.submissions
    ]
    grades = table(heads, rows, caption=f"Points and grades: {summary(graded)}")
    starred = any(
        layer.grade is Grade.AS_FAR_AS_TRIED for each in graded.submissions for layer in each.layers
    )
    return page(
        title,
        element("h1", title),
        element("p", size(graded)),
        grades,
        *([element("p", STARRED, class_="soft")] if starred else []),
        *_faults(graded),
        *_not_graded(graded, files),
        *_passed_over(graded),
    )


def _faults(graded: GradedClass) -> Iterator[Html]:
    faults = frequent_faults(graded.submissions)[:FAULTS]
    if not faults:
        return
    yield element("h2", "What went wrong")
    for fault in faults:
        heading = f"{fault.layer}, {fault.quantity}: {count(len(fault.students), 'student')}"
        named = ", ".join(fault.students[:MOST_SHOWN])
        more = len(fault.students) - MOST_SHOWN
        who = f"{named}{f' and {more} more' if more > 0 else ''}"
        said = element("p", element("code", fault.code), ": ", fault.sentence)
        yield notice(heading, said, element("p", who, class_="soft"), tone="wrong")


def _not_graded(graded: GradedClass, files: Mapping[str, str]) -> Iterator[Html]:
    items = [
        element("li", link(each.name, files[each.name]), f", {layers}: {reason}")
        for each in graded.submissions
        for layers, reason in not_graded(each)
    ]
    if items:
        yield element("h2", "Not graded")
        yield element("ul", *items)


def _passed_over(graded: GradedClass) -> Iterator[Html]:
    if graded.passed_over:
        yield element("h2", "Passed over")
        items = (element("li", f"{each.name}: {each.why}") for each in graded.passed_over)
        yield element("ul", *items)


def _student(submission: GradedSubmission, graded: GradedClass) -> str:
    title = f"{submission.name}: {graded.assignment.name}"
    of = points_text(graded.assignment.points)
    grade = badge(grade_text(submission.grade), TONES[submission.grade])
    total = element("p", grade, f" {points_text(submission.points)} of {of} points")
    note = [notice("Note", element("p", submission.note), tone="unsure")] if submission.note else []
    sections = (
        element("section", element("h2", layer.exercise.label), *layer_section(layer), id=_id(at))
        for at, layer in enumerate(submission.layers)
    )
    up = link(graded.assignment.name, INDEX)
    head = element("h1", submission.name)
    return page(title, head, total, *note, _overview(submission), *sections, up=up)


def _overview(submission: GradedSubmission) -> Html:
    rows = (
        [
            link(layer.exercise.label, f"#{_id(at)}"),
            badge(grade_text(layer.grade), TONES[layer.grade]),
            "" if layer.points is None else points_text(layer.points),
            points_text(layer.exercise.points),
        ]
        for at, layer in enumerate(submission.layers)
    )
    return table(["layer", "grade", "points", "of"], rows, caption="Grades and points")


def _id(at: int) -> str:
    return f"layer{at + 1}"
