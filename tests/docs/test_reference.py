"""The pages of docs/reference/ that are made from the code, and those that explain documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import cnnspec
from cnnspec.compare.check import Checked, CheckFinding, NotTried, check_class
from cnnspec.compare.check.submissions.assignment import Assignment, Exercise
from cnnspec.compare.check.submissions.folder import PassedOver, Submission
from cnnspec.compare.check.submissions.records import GradedClass, GradedLayer, GradedSubmission
from cnnspec.documents import to_json
from cnnspec.report.check import check_document
from cnnspec.report.submissions.document import class_document
from tests.docs import commands, python_names
from tests.docs.pages import ROOT
from tests.report.explained import hold, paths


def test_the_commands_are_those_that_are_there(golden: Callable[[str, Path], None]) -> None:
    golden(commands.page(), commands.PAGE)


POOL = """
class Pool:
    def __init__(self, extent):
        self.extent = extent

    def forward(self, x):
        return x[:, :, :: self.extent, :: self.extent]

    def backward(self, grad):
        raise NotImplementedError
"""
"""A class that is wrong in many ways, takes no stride, and has a name of its own for its size."""


def test_the_document_of_check_is_explained(tmp_path: Path) -> None:
    (tmp_path / "pool.py").write_text(POOL)
    linear = check_class(f"{ROOT}/examples/notebook_layers.py:Linear", "linear")
    pool = check_class(f"{tmp_path}/pool.py:Pool", "pool")
    found: set[str] = set()
    part = replace(linear, not_tried=(NotTried("eps", "never given"),))
    for checked in (part, pool):
        found |= set(paths(json.loads(to_json(check_document(checked)))))
    hold(found, "check.md")


def test_the_document_of_a_class_is_explained(tmp_path: Path) -> None:
    relu = Exercise("relu", "relu")
    checked = Checked("ada.py:ReLU", "relu", (CheckFinding("plain", "output", True),))
    layers = (GradedLayer(relu, "ada.py", checked), GradedLayer(relu, problem="there is none"))
    ada = GradedSubmission(Submission("ada", tmp_path, ()), layers)
    over = (PassedOver("ada.zip", "it is packed"),)
    document = class_document(GradedClass(Assignment("a", (relu, relu)), (ada,), over))
    of_one_class = "submissions[].layers[].check"
    hold(set(paths(json.loads(to_json(document)), [of_one_class])), "check-class.md")


# docs/reference/python.md


def test_the_page_says_what_the_docstrings_say(golden: Callable[[str, Path], None]) -> None:
    golden(python_names.page(), python_names.PAGE)


def test_every_public_name_is_told_of_once() -> None:
    assert sorted(python_names.names()) == sorted(cnnspec.__all__)


@pytest.mark.parametrize("name", cnnspec.__all__)
def test_every_public_name_has_an_example(name: str) -> None:
    """The examples are run by test_pages.py."""
    section = python_names.PAGE.read_text().split(f"\n### {name}\n")[1].split("\n### ")[0]
    assert "```python\n>>> " in section


# docs/reference/spec.md


def test_the_shipped_specs_are_named() -> None:
    page = (ROOT / "docs" / "reference" / "spec.md").read_text()
    table = page.split("| name | what it is |\n|---|---|\n")[1].split("\n\n")[0]
    named = [name for row in table.splitlines() for name in re.findall("`(.+?)`", row)]
    assert named == list(cnnspec.shipped_specs())
