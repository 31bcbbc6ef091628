"""Grades and points as people read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from cnnspec.compare.check import Grade
from cnnspec.compare.check.submissions.records import GradedClass, GradedLayer, GradedSubmission
from cnnspec.printable import written_out
from cnnspec.report.quantities import label
from cnnspec.report.svg import count

NOT_GRADED = "not graded"

SHORT = {Grade.RIGHT: "right", Grade.AS_FAR_AS_TRIED: "right*", Grade.WRONG: "wrong"}
"""What a cell of a table has room for."""

STARRED = "* right as far as tried: what the class takes and was not tried is told with its grade"


def name_text(name: str) -> str:
    """Write the name of a file in one line, whatever is in it."""
    return written_out(name).replace("\n", "\\n")


def points_text(points: float) -> str:
    """Write points with two digits behind the point at most."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def grade_text(grade: Grade | None) -> str:
    """Write a grade in full."""
    return NOT_GRADED if grade is None else grade.value


def cell_text(layer: GradedLayer) -> str:
    """Write the grade of one class as short as a table wants it: `8.75 wrong`."""
    if layer.grade is None or layer.points is None:
        return NOT_GRADED
    return f"{points_text(layer.points)} {SHORT[layer.grade]}"


def summary(graded: GradedClass) -> str:
    """Say how many submissions have which grade: `12 right, 3 wrong`."""
    times = Counter(submission.grade for submission in graded.submissions)
    order = (*Grade, None)
    return ", ".join(f"{times[grade]} {grade_text(grade)}" for grade in order if times[grade])


def size(graded: GradedClass) -> str:
    """Say how much was graded: `30 submissions, 4 layers, 30 points`."""
    assignment = graded.assignment
    points = points_text(assignment.points)
    return ", ".join(
        [
            count(len(graded.submissions), "submission"),
            count(len(assignment.exercises), "layer"),
            f"{points} point{'' if points == '1' else 's'}",
        ]
    )


class Fault(NamedTuple):
    """A cause that was found in the code of so many students."""

    layer: str
    quantity: str
    code: str
    sentence: str
    students: tuple[str, ...]


def frequent_faults(submissions: Iterable[GradedSubmission]) -> list[Fault]:
    """Return the causes that were found, those of most students first."""
    found: dict[tuple[str, str, str], tuple[str, dict[str, None]]] = {}
    for submission in submissions:
        for layer in submission.layers:
            for finding in layer.checked.findings if layer.grade and layer.checked else ():
                if finding.ok or finding.cause is None:
                    continue
                key = layer.exercise.label, label(finding.quantity), finding.cause.code
                _, students = found.setdefault(key, (finding.cause.sentence, {}))
                students[submission.name] = None
    faults = [Fault(*key, said, tuple(students)) for key, (said, students) in found.items()]
    return sorted(faults, key=lambda fault: -len(fault.students))


def not_graded(submission: GradedSubmission) -> list[tuple[str, str]]:
    """Return why something of a submission has no grade, and which layers share the reason."""
    reasons: dict[str, list[str]] = {}
    for layer in submission.layers:
        if layer.grade is None:
            reasons.setdefault(layer.problem, []).append(layer.exercise.label)
    return [(", ".join(layers), reason) for reason, layers in reasons.items()]
