"""A class of students graded: in parallel, none harming another, kept for the next run."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnspec.compare.check import Checked, CheckFinding, Grade
from cnnspec.compare.check.submissions import grading
from cnnspec.compare.check.submissions.assignment import Assignment, Exercise
from cnnspec.compare.check.submissions.content import content_of
from cnnspec.compare.check.submissions.folder import Submission
from cnnspec.compare.check.submissions.grading import CHANGED, grade_class
from cnnspec.compare.check.submissions.kept import Kept, kept_for
from cnnspec.compare.check.submissions.records import GradedClass, GradedSubmission

RELU = """
class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask
"""
ASKED = Assignment("a", (Exercise("relu", "relu", ("ReLU",), points=4),))


class Class:
    """A folder of submissions, graded by a stand-in that reads the grade off the text."""

    def __init__(self, place: Path) -> None:
        self.folder = place / "submissions"
        self.folder.mkdir()
        self.kept = kept_for(self.folder, place / "assignment.yaml")
        self.tried: list[str] = []

    def hand_in(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(f"class ReLU:\n    {text}\n")

    def check(self, candidate: str, kind: str, **options: object) -> Checked:
        path, name = candidate.rsplit(":", 1)
        text = Path(path).read_text()
        self.tried.append(Path(path).name)
        if "crash" in text:
            raise RuntimeError("a fault of cnnspec's own")
        if "touch" in text:
            (self.folder / "ada.py").write_text("class ReLU: 'other'")
        right = CheckFinding("plain", "output", True, max_abs=float("inf"))
        wrong = CheckFinding("plain", "grad_input", "wrong" not in text)
        left = CheckFinding("strides", "output", False, offered=False)
        error = "cannot be loaded" if "broken" in text else ""
        return Checked(name, kind, (right, wrong, left), error=error)

    def graded(self, **options: bool) -> GradedClass:
        kept = Kept(self.kept, **options)
        graded = grade_class(self.folder, ASKED, kept=kept)
        assert not kept.write()
        return graded


@pytest.fixture
def students(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Class]:
    made = Class(tmp_path)
    monkeypatch.setattr(grading, "check_class", made.check)
    made.hand_in("ada.py", "'right'")
    made.hand_in("bob.py", "'wrong'")
    made.hand_in("cid.py", "'broken'")
    return made


def by_name(graded: GradedClass) -> dict[str, GradedSubmission]:
    return {each.name: each for each in graded.submissions}


def test_grades_and_points(students: Class) -> None:
    found = by_name(students.graded())
    assert {name: (each.grade, each.points) for name, each in found.items()} == {
        "ada": (Grade.RIGHT, 4),
        "bob": (Grade.WRONG, 2),
        "cid": (None, 0),
    }
    assert found["cid"].layers[0].problem == "cannot be loaded"
    assert found["cid"].layers[0].points is None


def test_an_error_of_our_own_harms_no_other(students: Class) -> None:
    students.hand_in("dan.py", "'crash'")
    found = by_name(students.graded())
    assert found["dan"].layers[0].problem == (
        "an error of cnnspec's own, not of the code: RuntimeError: a fault of cnnspec's own"
    )
    assert found["ada"].grade is Grade.RIGHT


def test_another_run_tries_what_changed_alone(students: Class) -> None:
    first = students.graded()
    students.tried.clear()
    assert students.graded() == first
    assert students.tried == []
    students.hand_in("bob.py", "'right now'")
    (students.folder / "cid.py").unlink()
    second = by_name(students.graded())
    assert students.tried == ["bob.py"]
    assert second["bob"].grade is Grade.RIGHT
    assert len(json.loads(students.kept.read_text())["grades"]) == 2  # none of those who left
    students.graded(fresh=True)
    assert sorted(students.tried) == ["ada.py", "bob.py", "bob.py"]


def test_a_run_that_is_ended_early_keeps_what_was_known(students: Class) -> None:
    students.graded()
    students.hand_in("ada.py", "'right, but other'")
    kept = Kept(students.kept, fresh=True)
    kept.learn("new", students.check(f"{students.folder / 'ada.py'}:ReLU", "relu"))
    assert not kept.write(whole=False)
    students.tried.clear()
    students.graded()
    assert students.tried == ["ada.py"]


def test_a_file_beside_that_is_imported_counts(students: Class) -> None:
    students.hand_in("ada.py", "import bob")
    students.graded()
    students.tried.clear()
    students.hand_in("bob.py", "'wrong, too'")
    students.graded()
    assert sorted(students.tried) == ["ada.py", "bob.py"]


@pytest.mark.parametrize(
    ("text", "helper"),
    [
        ("import os, common", "common.py"),
        ("from shared.base import relu", "shared/base.py"),
        ("import course", "../course.py"),
    ],
)
def test_what_is_imported_counts_wherever_it_lies(
    text: str, helper: str, students: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(students.folder.parent)
    file = students.folder / helper
    file.parent.mkdir(exist_ok=True)
    file.write_text("'before'")
    students.hand_in("ada.py", text)
    ada = Submission("ada", students.folder / "ada.py", ())
    before = content_of(ada)
    file.write_text("'after'")
    assert content_of(ada) != before


def test_data_in_a_folder_counts(students: Class) -> None:
    students.hand_in("dan/layers.py", "'right'")
    (students.folder / "dan" / "weights.bin").write_bytes(b"1")
    students.graded()
    students.tried.clear()
    (students.folder / "dan" / "weights.bin").write_bytes(b"2")
    students.graded()
    assert students.tried == ["layers.py"]


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "3",
        '{"format": 1}',
        '{"format": 0, "grades": {}}',
        '{"format": 1, "grades": []}',
        "[" * 100_000,
    ],
)
def test_what_is_kept_and_cannot_be_read_is_tried_anew(damage: str, students: Class) -> None:
    first = students.graded()
    students.kept.write_text(damage)
    students.tried.clear()
    assert students.graded() == first
    assert len(students.tried) == 3


def test_a_grade_that_cannot_be_read_is_tried_anew(students: Class) -> None:
    first = students.graded()
    document = json.loads(students.kept.read_text())
    damaged = next(iter(document["grades"].values()))
    damaged["findings"][0]["ok"] = "perhaps"
    students.kept.write_text(json.dumps(document))
    students.tried.clear()
    assert students.graded() == first
    assert len(students.tried) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written_keeps_nothing(students: Class) -> None:
    students.kept.parent.parent.chmod(0o500)
    kept = Kept(students.kept)
    grade_class(students.folder, ASKED, kept=kept)
    assert kept.write().startswith("the grades are not kept for the next run")


def test_files_that_change_meanwhile_are_told(students: Class) -> None:
    students.hand_in("eve.py", "'touch'")
    found = by_name(students.graded())
    assert {name for name, each in found.items() if each.note == CHANGED} == {"ada"}
    assert len(json.loads(students.kept.read_text())["grades"]) == 3  # and none of ada's


def test_code_is_really_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading, "processors", lambda: 1)
    (tmp_path / "ada.py").write_text(RELU)
    (tmp_path / "bob.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)" + RELU
    )
    found = by_name(grade_class(tmp_path, ASKED, kept=Kept()))
    assert found["ada"].grade is Grade.RIGHT
    assert found["bob"].grade is None
    assert found["bob"].layers[0].problem == "the process died: SIGKILL"
