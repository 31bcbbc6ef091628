"""A class of thirty in one command: the grade of each layer, in time, and again in no time."""

import json
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.compare.check.submissions.class_of_thirty import ASSIGNMENT, CLASS, LAYERS
from tests.report.well_formed import read_page

MOST, AGAIN = 180, 10
"""Seconds on two cores."""


@pytest.mark.slow
def test_a_class_of_thirty(program: Call, folder: Path) -> None:
    assert len(CLASS) == 30
    (folder / "submissions").mkdir()
    for name, (text, _) in CLASS.items():
        (folder / "submissions" / f"{name}.py").write_text(text)
    (folder / "assignment.yaml").write_text(ASSIGNMENT)
    asked = (
        "check",
        "submissions",
        "--assignment",
        "assignment.yaml",
        "--html",
        "grades",
        "--json",
    )
    begun = time.monotonic()
    first = program(*asked, timeout=2 * MOST)
    assert time.monotonic() - begun < MOST
    assert first.code == 2
    assert "Traceback" not in first.err
    found = {
        each["name"]: {layer["name"]: layer["verdict"] for layer in each["layers"]}
        for each in json.loads(first.out)["submissions"]
    }
    assert found == {
        name: dict.fromkeys(LAYERS, "right") | verdicts for name, (_, verdicts) in CLASS.items()
    }
    begun = time.monotonic()
    again = program(*asked)
    assert time.monotonic() - begun < AGAIN
    assert again.out == first.out
    pages = {path.name for path in (folder / "grades").iterdir()}
    assert pages == {"index.html", *(f"{name}.html" for name in CLASS)}
    for page in pages:
        read_page((folder / "grades" / page).read_text())
