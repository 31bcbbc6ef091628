"""The grades of a class as documents: JSON, and a table for spreadsheets."""

from __future__ import annotations

import csv
import io
import re

from cnnspec.compare.check.submissions.assignment import Exercise
from cnnspec.compare.check.submissions.records import GradedClass, GradedLayer, GradedSubmission
from cnnspec.documents import Document, document
from cnnspec.printable import printable
from cnnspec.report.check import check_document
from cnnspec.report.submissions.words import grade_text, points_text


def class_document(graded: GradedClass) -> Document:
    """Return what `cnnspec check FOLDER --json` prints."""
    assignment = graded.assignment
    return document(
        "check-class",
        assignment={
            "name": assignment.name,
            "points": assignment.points,
            "layers": [_asked(exercise) for exercise in assignment.exercises],
        },
        submissions=[_submission(each) for each in graded.submissions],
        passed_over=[{"name": each.name, "why": each.why} for each in graded.passed_over],
    )


def _asked(exercise: Exercise) -> Document:
    return {"name": exercise.label, "kind": exercise.kind, "points": exercise.points}


def _submission(graded: GradedSubmission) -> Document:
    return {
        "name": graded.name,
        "verdict": graded.grade,
        "grade": _points(graded.points, graded.total),
        "note": graded.note,
        "layers": [_layer(layer) for layer in graded.layers],
    }


def _points(points: float, total: float) -> Document:
    return {"points": points, "total": total}


def _layer(layer: GradedLayer) -> Document:
    checked = None
    if layer.checked is not None:
        checked = check_document(layer.checked)
        del checked["schema"], checked["version"]
    return {
        "name": layer.exercise.label,
        "file": layer.file,
        "verdict": layer.grade,
        "grade": None if layer.points is None else _points(layer.points, layer.exercise.points),
        "problem": layer.problem,
        "check": checked,
    }


def class_csv(graded: GradedClass) -> str:
    """Return a table with a row for each student: points and a word for each layer."""
    labels = [exercise.label for exercise in graded.assignment.exercises]
    heads = [f"{label} {what}" for label in labels for what in ("points", "grade", "problem")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, ["student", "points", "grade", *heads]))
    for each in graded.submissions:
        row = [each.name, points_text(each.points), grade_text(each.grade)]
        for layer in each.layers:
            points = "" if layer.points is None else points_text(layer.points)
            row += [points, grade_text(layer.grade), layer.problem]
        writer.writerow(map(_cell, row))
    return text.getvalue()


def _cell(text: str) -> str:
    """Keep a text a text: spreadsheets take what begins with one of these signs for a formula."""
    text = printable(text)
    is_number = re.fullmatch(r"-?[0-9.]+", text)
    return f"'{text}" if re.match(r"[=+\-@|%]", text) and not is_number else text
