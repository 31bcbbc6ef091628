"""`cnnspec check FOLDER`: the table of a class of students, documents, and how it exits."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cnnspec.cli.check import OF_A_CLASS
from cnnspec.compare.check import Checked, CheckFinding
from cnnspec.compare.check.submissions import grading
from cnnspec.compare.check.submissions.reading import EXAMPLE, parse_assignment
from cnnspec.compare.verdict import Cause
from tests.cli.conftest import Call

LAYERS = ["conv", "relu", "pool", "linear"]
ASSIGNMENT = f"layers: [{', '.join(f'{kind}: {{class: L, points: 10}}' for kind in LAYERS)}]"
CAUSE = Cause("scale", "every number is twice the right one", "look for a factor")

Grader = Callable[[str], Checked]


def stand_in(candidate: str, kind: str, **options: object) -> Checked:
    """Read the grade off the text of a submission: the kinds that are wrong."""
    text = Path(candidate.rsplit(":", 1)[0]).read_text()
    wrong = CheckFinding("plain", "output", False, cause=CAUSE)
    finding = wrong if kind in text else CheckFinding("plain", "output", True)
    error = "ImportError: no \x1b[31mtorch" if "broken" in text else ""
    return Checked("layers.py:L", kind, (finding,), error=error, loaded=not error)


@pytest.fixture
def students(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(grading, "check_class", stand_in)
    (folder / "submissions").mkdir()
    (folder / "assignment.yaml").write_text(ASSIGNMENT)
    return folder / "submissions"


def hand_in(students: Path, name: str, wrong: str = "") -> None:
    (students / f"{name}.py").write_text(f"class L:\n    '{wrong}'\n")


ASKED = ("check", "submissions", "--assignment", "assignment.yaml")


def test_all_right_is_0_and_something_wrong_1_and_something_not_graded_2(
    call: Call, students: Path
) -> None:
    hand_in(students, "ada")
    assert call(*ASKED).code == 0
    hand_in(students, "bob", "conv")
    assert call(*ASKED).code == 1
    hand_in(students, "cid", "broken")
    assert call(*ASKED).code == 2


def test_the_table_has_room_for_thirty_students_with_long_names(call: Call, students: Path) -> None:
    for number in range(30):
        hand_in(students, f"student{number:02}" + "_of_a_very_long_name" * (number % 5), "linear")
    hand_in(students, "zoe", "broken")
    hand_in(students, "eve\x1b[31m\n\u202e")
    done = call(*ASKED)
    lines = done.out.splitlines()
    assert lines[:2] == [
        "assignment: 32 submissions, 4 layers, 40 points",
        "1 right, 30 wrong, 1 not graded",
    ]
    assert lines[3].split() == ["student", "conv", "relu", "pool", "linear", "points"]
    assert [line.split()[1:] for line in lines if line.startswith(" student00")] == [
        ["10", "right"] * 3 + ["0", "wrong", "30"]
    ]
    assert "30 students: linear, output: scale: every number is twice the right one" in lines
    assert "not graded: zoe, conv, relu, pool, linear: ImportError: no \\x1b[31mtorch" in lines
    assert max(map(len, lines)) <= 80
    assert lines == [line.rstrip() for line in lines]
    assert "\x1b" not in done.out
    assert " eve\\x1b[31m\\n\\u202e" in done.out
    assert "\u202e" not in done.out


def test_many_layers_are_several_tables(call: Call, students: Path) -> None:
    kinds = ["relu", "gelu", "leaky_relu", "flatten", "global_pool", "cross_entropy"]
    rows = ", ".join(f"{kind}: {{class: L, points: 12.25}}" for kind in kinds)
    Path("assignment.yaml").write_text(f"layers: [{rows}]")
    hand_in(students, "ada_of_a_name_that_is_rather_long", "gelu")
    hand_in(students, "bob")
    lines = call(*ASKED).out.splitlines()
    heads = [line.split() for line in lines if line.startswith(" student")]
    assert heads == [["student", *kinds[:3]], ["student", *kinds[3:], "points"]]
    assert max(map(len, lines)) <= 80
    assert [line.split()[-1] for line in lines if line.startswith(" bob")] == ["right", "73.5"]


def test_json(call: Call, students: Path) -> None:
    hand_in(students, "ada", "conv")
    hand_in(students, "bob", "broken")
    (students / "readme.txt").touch()
    document: Any = json.loads(call(*ASKED, "--json").out)
    assert (document["schema"], document["version"]) == ("cnnspec/check-class", 1)
    ada, bob = document["submissions"]
    assert (ada["name"], ada["verdict"]) == ("ada", "wrong")
    assert ada["grade"] == {"points": 30, "total": 40}
    assert [layer["grade"]["points"] for layer in ada["layers"]] == [0, 10, 10, 10]
    assert ada["layers"][0]["check"]["findings"][0]["cause"]["code"] == "scale"
    assert (bob["verdict"], bob["layers"][0]["grade"]) == (None, None)
    assert [each["name"] for each in document["passed_over"]] == ["readme.txt"]


def test_csv_holds_no_formula(call: Call, students: Path) -> None:
    hand_in(students, "=cmd()", "conv")
    call(*ASKED, "--csv", "grades.csv")
    (row,) = csv.DictReader(io.StringIO(Path("grades.csv").read_text()))
    assert row["student"] == "'=cmd()"
    assert (row["points"], row["conv points"], row["conv grade"]) == ("30", "0", "wrong")


def test_pages(call: Call, students: Path) -> None:
    hand_in(students, "ada", "conv")
    assert call(*ASKED, "--html", "grades/week1").code == 1
    written = {path.name: path.read_text() for path in Path("grades/week1").iterdir()}
    assert {*written} == {"index.html", "ada.html"}
    assert "every number is twice the right one" in written["ada.html"]


def test_an_assignment_among_the_submissions_is_none(call: Call, students: Path) -> None:
    hand_in(students, "ada")
    (students / "assignment.yaml").write_text(ASSIGNMENT)
    done = call("check", "submissions", "--assignment", "submissions/assignment.yaml")
    assert (done.code, "passed over" in done.out) == (0, False)
    assert call("check", "submissions", "--assignment", "submissions/assignment.yaml") == done


def test_another_run_tries_nothing_that_is_known(
    call: Call, students: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(students, "ada")
    first = call(*ASKED)
    monkeypatch.setattr(grading, "check_class", None)
    assert call(*ASKED).out == first.out
    assert "TypeError" in call(*ASKED, "--fresh").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["submissions"], "--assignment FILE"),
        (["submissions"], "  - conv: {class: Conv2D, points: 10}\n"),
        (["submissions", "--assignment", "none.yaml"], "cannot read none.yaml"),
        (["submissions", "--assignment", "small.yaml"], "has no option `input`"),
        (["nothing/", "--assignment", "assignment.yaml"], "there is no folder `nothing/`"),
        (["submissions", "--assignment", "assignment.yaml"], "there is no submission in"),
        (["a.py:B", "--as", "relu", "--csv", "c.csv"], "--csv is for a folder of submissions"),
        (["a.py:B"], "Missing option '--as'"),
        ([*ASKED[1:], "--csv", "none/c.csv"], "cannot write none/c.csv"),
        ([*ASKED[1:], "--html", "small.yaml"], "'small.yaml' is a file"),
        ([*ASKED[1:], "--html", "submissions/html"], "lies among the submissions"),
        ([*ASKED[1:], "--html", "small.yaml/in"], "cannot write small.yaml/in"),
    ],
)
def test_bad_usage_is_2(arguments: list[str], message: str, call: Call, students: Path) -> None:
    done = call("check", *arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "given",
    [
        "--as=relu",
        "--like={}",
        "--map=a=b",
        "--arg=a=1",
        "--layout=nhwc",
        "--require=a",
        "--strict",
    ],
)
def test_what_stands_in_the_assignment_is_refused_beside_it(
    given: str, call: Call, students: Path
) -> None:
    done = call(*ASKED, given)
    assert done.code == 2
    assert f"{given.split('=')[0]} stands in the assignment" in done.err
    assert len(OF_A_CLASS) == 7


def test_the_example_of_the_error_is_an_assignment(call: Call, students: Path) -> None:
    shown = call("check", "submissions").err
    text = shown[shown.index("layers:") : shown.index("`cnnspec init")]
    wanted = parse_assignment(EXAMPLE, file="a.yaml").exercises
    assert parse_assignment(text, file="a.yaml").exercises == wanted
