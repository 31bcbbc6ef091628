"""Folders of submissions, and the classes in them, found without running anything."""

import json
from pathlib import Path

import pytest

from cnnspec.compare.check.submissions import classes
from cnnspec.compare.check.submissions.assignment import Assignment, Exercise
from cnnspec.compare.check.submissions.classes import find_class
from cnnspec.compare.check.submissions.folder import MOST_FILES, Folder, read_folder
from cnnspec.errors import BackendError

RELU = "class ReLU:\n    def forward(self, x):\n        return x\n"
PAIR = "def relu_forward_naive(x): pass\ndef relu_backward_naive(d, x): pass\n"


def folder_of(place: Path, texts: dict[str, str], **asked: tuple[str, ...]) -> Folder:
    for name, text in texts.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return read_folder(place, Assignment("a", (), **asked))


def test_files_and_folders_are_submissions(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    files = {
        "ada.py": RELU,
        "bob/layers.py": RELU,
        "bob/inner/__pycache__/layers.py": RELU,
        "bob/inner/other.py": RELU,
        "Cid.ipynb": "{}",
        "dan.zip": "",
        "template.py": RELU,
        ".hidden.py": RELU,
        "__init__.py": "",
        "twice.py": RELU,
        "twice/layers.py": RELU,
    }
    found = folder_of(tmp_path, files, ignore=("templ*",))
    assert [(each.name, len(each.files)) for each in found.submissions] == [
        ("ada", 1),
        ("bob", 2),
        ("Cid", 1),
        ("nothing", 0),
        ("twice/", 1),
        ("twice.py", 1),
    ]
    assert found.submissions[3].problem == "its folder holds no file of Python"
    assert [each.name for each in found.passed_over] == ["dan.zip", "link.py"]
    assert found.passed_over[0].why == "it is packed; unpack it into a folder"


def test_files_of_a_folder_that_are_read(tmp_path: Path) -> None:
    files = {"ada/layers.py": RELU, "ada/src/conv.py": RELU, "bob/main.py": RELU}
    found = folder_of(tmp_path, files, files=("layers.py", "src/*.py"))
    ada, bob = found.submissions
    assert [*map(ada.within, ada.files)] == ["layers.py", "src/conv.py"]
    assert bob.problem == "it has no file layers.py or src/*.py; it has main.py"


def test_a_folder_of_very_many_files_is_told(tmp_path: Path) -> None:
    files = {f"ada/{number}.py": "" for number in range(MOST_FILES + 1)}
    (ada,) = folder_of(tmp_path, files).submissions
    assert ada.problem.startswith("it has more than 200 files of Python")


def test_a_folder_without_submissions_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"there is no submission in .*; wanted a file of Py"):
        folder_of(tmp_path, {"readme.txt": ""})


def find(place: Path, files: dict[str, str], *classes: str, kind: str = "relu") -> str:
    (submission,) = folder_of(place, files).submissions
    found = find_class(submission, Exercise(kind, kind, classes))
    return found.problem or f"{submission.within(found.file or place)}:{found.name}"


NOTEBOOK = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown", "source": "class ReLU:"},
            {"cell_type": "code", "source": ["%matplotlib inline\n", "class Relu:\n", "    pass"]},
        ]
    }
)


@pytest.mark.parametrize(
    ("files", "names", "wanted"),
    [
        ({"a.py": RELU}, ("ReLU",), "a.py:ReLU"),
        ({"a.py": RELU}, ("relu",), "a.py:ReLU"),
        ({"a.py": RELU}, (), "a.py:ReLU"),
        ({"a.py": RELU.replace("ReLU", "ReluLayer")}, (), "a.py:ReluLayer"),
        ({"a.py": RELU.replace("ReLU", "Relu_Activation")}, (), "a.py:Relu_Activation"),
        ({"a.py": RELU.replace("ReLU", "Rectifier")}, ("*ect*",), "a.py:Rectifier"),
        ({"a.py": RELU + RELU.replace("ReLU", "R2")}, ("R2", "ReLU"), "a.py:R2"),
        ({"a.py": "def f(:\n" + RELU}, ("ReLU",), "a.py:ReLU"),
        ({"a.py": "def f(x): pass\ndef b(x): pass"}, ("f,b",), "a.py:f,b"),
        ({"a.py": PAIR}, ("ReLU",), "a.py:relu_forward_naive"),
        ({"a.py": PAIR.replace("backward", "other")}, ("ReLU",), "a.py:ReLU"),
        ({"a.py": "make = type\nReLU = make('ReLU', (), {})"}, ("ReLU",), "a.py:ReLU"),
        ({"a/x.py": RELU, "a/y.py": ""}, ("ReLU",), "x.py:ReLU"),
        ({"a/x.py": RELU, "a/old/x.py": RELU}, ("ReLU",), "x.py:ReLU"),
        ({"a/m.py": "from x import (\n    ReLU,\n)", "a/x.py": RELU}, ("ReLU",), "x.py:ReLU"),
        ({"a/m.py": "from p.x import y, z as ReLU", "a/n.py": ""}, ("ReLU",), "m.py:ReLU"),
        ({"a.ipynb": NOTEBOOK}, (), "a.ipynb:Relu"),
        (
            {"a/x.py": RELU, "a/y.py": RELU},
            ("ReLU",),
            "several could be it: ReLU in x.py, ReLU in y.py; say which in the assignment, by "
            "`file:`",
        ),
        (
            {"a.py": RELU + RELU.replace("ReLU", "LeakyReLU")},
            ("*ReLU",),
            "several could be it: ReLU in a.py, LeakyReLU in a.py; say which in the assignment, by "
            "`class:`",
        ),
        (
            {"a.py": RELU.replace("ReLU", "Clip")},
            (),
            "no class is called as a relu is; it has Clip; say in the assignment which it is, by "
            "`class:`",
        ),
        ({"a.py": ""}, ("A", "B"), "no class is called A or B; it has no class at all"),
        (
            {"a.py": "def f(): pass"},
            ("A", "B"),
            "no class is called A or B; it has no class at all; it has the functions f",
        ),
    ],
)
def test_finding_a_class(
    files: dict[str, str], names: tuple[str, ...], wanted: str, tmp_path: Path
) -> None:
    assert find(tmp_path, files, *names) == wanted


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 3}', '{"cells": [{}]}', "[" * 100_000])
def test_what_is_no_notebook_is_told(text: str, tmp_path: Path) -> None:
    assert find(tmp_path, {"a.ipynb": text}) == "a.ipynb is no notebook that can be read"


def test_a_file_that_is_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classes, "MOST_BYTES", 5)
    said = "a.py cannot be read: it has 6 bytes; at most 5 are read"
    assert find(tmp_path, {"a.py": "a = 10"}) == said
