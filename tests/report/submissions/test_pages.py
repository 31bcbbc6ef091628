"""The pages of a class: what they say, and that they lead to each other."""

from pathlib import Path

import numpy as np
import pytest

from cnnspec.compare.check import Checked, CheckFinding, NotSupported, NotTried, Shown
from cnnspec.compare.check.submissions.assignment import Assignment, Exercise
from cnnspec.compare.check.submissions.folder import PassedOver, Submission
from cnnspec.compare.check.submissions.reading import parse_assignment
from cnnspec.compare.check.submissions.records import GradedClass, GradedLayer, GradedSubmission
from cnnspec.compare.verdict import Cause
from cnnspec.report.submissions.again import command
from cnnspec.report.submissions.pages import class_pages, file_names
from tests.report.well_formed import Reader, read_page

RELU, POOL = Exercise("relu", "relu", points=5), Exercise("pool", "pool <b>", points=2.5)
CAUSE = Cause("mask-missing", "the gradient passes", "multiply by the mask")
HOSTILE = "eve <script>\u202e"
NUMBERS = ((1.0, np.nan), (0.0, 2.0))
WRONG = CheckFinding(
    "images",
    "grad_input",
    False,
    cause=CAUSE,
    budget=0.0,
    example="batch of 7 at [0, 1, 0, 1]: found nan, wanted 0",
    shown=Shown("batch of 7", (0, 1, 0, 1), (0, 0), NUMBERS, ((1.0, 0.0), (0.0, 2.0))),
)
RIGHT = CheckFinding("images", "output", True)
UNREACHED = CheckFinding("images", "same-again", False, reached=False)
LEFT_OUT = CheckFinding("stride 2", "output", False, offered=False)


def submission(name: str, *layers: GradedLayer, note: str = "") -> GradedSubmission:
    return GradedSubmission(Submission(name, Path(name), ()), layers, note)


@pytest.fixture(scope="module")
def pages() -> dict[str, Reader]:
    ada = Checked(
        "ada.py:ReLU",
        "relu",
        (RIGHT, WRONG, UNREACHED, LEFT_OUT),
        not_supported=(NotSupported("stride 2", "ReLU takes no `stride`", "stride"),),
        notes=("taken for: kind: max",),
        output="<i>printed</i>\n",
        lines_printed=1,
    )
    bob = Checked("bob.py:ReLU", "relu", (RIGHT,), not_tried=(NotTried("eps", "nothing gave it"),))
    graded = GradedClass(
        Assignment("Layers & more", (RELU, POOL)),
        (
            submission(
                "ada", GradedLayer(RELU, "ada.py", ada), GradedLayer(POOL, problem="no class")
            ),
            submission("bob", GradedLayer(RELU, "bob.py", bob), GradedLayer(POOL, "bob.py", bob)),
            submission(
                HOSTILE,
                GradedLayer(RELU, "a<b.py", ada),
                GradedLayer(POOL, problem="<img>"),
                note="its files were changed",
            ),
        ),
        (PassedOver("cid.zip", "it is packed"),),
    )
    return {name: read_page(text) for name, text in class_pages(graded)}


def test_the_page_of_the_class(pages: dict[str, Reader]) -> None:
    assert [*pages] == ["ada.html", "bob.html", "eve-script.html", "index.html"]
    found = pages["index.html"].text
    for words in (
        "3 submissions, 2 layers, 7.5 points",
        "Points and grades: 1 right as far as tried, 2 not graded",
        "ada 1.67 1.67 wrong not graded",
        "bob 7.5 5 right* 2.5 right*",
        "* right as far as tried",
        "relu, input gradient: 2 students mask-missing : the gradient passes",
        "ada , pool <b>: no class",
        "eve <script>\\u202e , pool <b>: <img>",
        "cid.zip: it is packed",
    ):
        assert words in found


def test_the_page_of_a_student(pages: dict[str, Reader]) -> None:
    found = pages["ada.html"].text
    for words in (
        "not graded 1.67 of 7.5 points",
        "relu wrong 1.67 5",
        "class ada.py:ReLU checked as relu found 1 of 4 right, 1 not offered: stride "
        "try it again cnnspec check ada.py:ReLU --as relu",
        "The input gradient is wrong",
        "seen batch of 7 at [0, 1, 0, 1]: found nan, wanted 0; rounding explains nothing",
        "why the gradient passes",
        "what to do multiply by the mask",
        "cause mask-missing",
        "images, batch of 7: the rows and columns of [0, 1, :, :] around the worst number.",
        "Not reached: the same call gives the same again (images)",
        "Right: forward (images)",
        "not offered: stride 2: ReLU takes no `stride`",
        "It printed <i>printed</i>",
        "Not graded no class",
    ):
        assert words in found
    assert pages["ada.html"].elements.count("svg") == 3
    assert "Not tried: eps nothing gave it" in pages["bob.html"].text
    assert "Note its files were changed" in pages["eve-script.html"].text


def test_a_class_is_tried_again_as_it_was() -> None:
    asked = """\
layers:
  - conv: {like: {out_channels: 4, kernel_size: [3, 2]}, map: {weight: theta}, require: stride}
  - relu: {like: {}, arg: {size: [1, null], name: it's}, layout: nhwc, strict: true}
  - cross_entropy: {like: {of: probabilities}}
  - pool
"""
    exercises = parse_assignment(asked, file="a.yaml").exercises
    assert [command(GradedLayer(each, "my layers.py"), "L") for each in exercises] == [
        "cnnspec check 'my layers.py:L' --as conv --like '{out_channels: 4, kernel_size: [3, 2]}' "
        "--map weight=theta --require stride",
        "cnnspec check 'my layers.py:L' --as relu --like '{}' --arg 'size=[1, null]' "
        """--arg 'name="it'"'"'s"' --layout nhwc --strict""",
        "cnnspec check 'my layers.py:L' --as cross_entropy --like '{of: probabilities}'",
        "cnnspec check 'my layers.py:L' --as pool",
    ]


def test_every_link_leads_somewhere(pages: dict[str, Reader]) -> None:
    for name, page in pages.items():
        for link in page.links:
            file, _, place = link.partition("#")
            target = pages[file or name]
            assert not place or place in target.ids
    assert {*pages["index.html"].links} == {*pages} - {"index.html"}


def test_no_two_students_have_one_file() -> None:
    names = ["index", "ada", "Ada", "a/b", "a b", "../x", "", "é", "x" * 300, "x" * 301, "CON"]
    found = file_names(names)
    assert [*found] == names
    files = [file.casefold() for file in found.values()]
    assert len({*files, "index.html"}) == len(names) + 1
    assert all("/" not in file and len(file) < 100 for file in files)
    assert found["Ada"] == "Ada-2.html"
