"""Assignments: what is read, and what is said of mistakes, with their places."""

import pytest

from cnnspec.compare.check import KINDS
from cnnspec.compare.check.submissions.assignment import CHECKED
from cnnspec.compare.check.submissions.reading import EXAMPLE, parse_assignment
from cnnspec.compare.check.submissions.starter import starter_assignment
from cnnspec.errors import SpecError

WHOLE = """\
name: Week 3
file: [layers.py, nn/*.py]
ignore: template.py
layers:
  - conv:
      name: convolution
      class: [Conv2D, "*Conv*"]
      file: conv.py
      points: 10
      like: {out_channels: 4, kernel_size: 3}
      map: {weight: theta, kernel_size: k}
      arg: {batch_size: 3}
      layout: nhwc
      require: stride
      strict: true
  - relu
  - relu: {points: 2.5}
  - cross_entropy:
  - cross_entropy: {name: of probabilities, like: {of: probabilities}}
"""


def test_what_an_assignment_says() -> None:
    assignment = parse_assignment(WHOLE, file="week3.yaml")
    assert (assignment.name, assignment.files) == ("Week 3", ("layers.py", "nn/*.py"))
    assert assignment.ignore == ("template.py",)
    assert assignment.points == 15.5
    first, *others = assignment.exercises
    assert (first.kind, first.label, first.classes) == ("conv", "convolution", ("Conv2D", "*Conv*"))
    assert (first.files, first.points, first.layout) == (("conv.py",), 10, "nhwc")
    assert (first.names, first.arguments) == (
        {"weight": "theta", "kernel_size": "k"},
        {"batch_size": 3},
    )
    assert first.like is not None
    assert first.like.model_dump(exclude_defaults=True) == {"out_channels": 4, "kernel_size": 3}
    assert (first.require, first.strict) == (("stride",), True)
    assert [each.label for each in others] == [
        "relu 1",
        "relu 2",
        "cross_entropy 1",
        "of probabilities",
    ]
    assert [each.of for each in others] == ["", "", "", "probabilities"]


def test_the_least_that_is_shown_is_valid() -> None:
    assert len(parse_assignment(EXAMPLE, file="a.yaml").exercises) == 2


def test_a_starter_of_every_kind_is_valid() -> None:
    assignment = parse_assignment(starter_assignment(KINDS, "a.yaml"), file="a.yaml")
    assert [each.kind for each in assignment.exercises] == [*KINDS] == [*CHECKED]


SAID = {
    "": ["empty 1:1 `cnnspec init --assignment assignment.yaml` writes one to start from"],
    "--- \nlayers: [relu]\n---\n": ["several-documents 3:1 keep each assignment in a file of its"],
    "3": [f"not-a-mapping 1:1 write `{EXAMPLE}`"],
    "name: x": [f"missing-option 1:1 write `{EXAMPLE}`"],
    "layer: [relu]": ["unknown-option 1:1 did you mean `layers`?"],
    "layers: 3": ["wrong-type 1:9 "],
    "layers: {conv: , relu: }": ["wrong-type 1:9 put a dash before each kind"],
    "layers: []": ["wrong-length 1:9 "],
    "layers: [relu]\nlayers: [relu]": ["duplicate-key 2:1 keep one of them"],
    "layers: [Relu]": ["unknown-kind 1:10 did you mean `relu`?"],
    "layers: [Conv2D: {points: 1}]": ["unknown-kind 1:10 did you mean `conv`?"],
    "layers: [3]": ["no-kind 1:10 "],
    "layers: [{conv: , relu: }]": ["no-kind 1:10 give each a dash of its own"],
    "layers:\n- conv:\n  class: Conv": ["no-kind 2:3 indent the options under `conv:`"],
    "layers: [relu: {klass: A}]": ["unknown-option 1:17 did you mean `class`?"],
    "layers: [relu: 5]": ["wrong-type 1:16 write `relu: {...}`, with the options name, class,"],
    "layers: [relu: {points: '5'}]": ["wrong-type 1:25 write `5` without quotes"],
    "layers: [relu: {points: 0}]": ["out-of-range 1:25 "],
    "layers: [relu: {class: [A, 3]}]": ["wrong-type 1:24 "],
    "layers: [relu: {class: ' '}]": ["wrong-value 1:24 "],
    "layers: [relu: {layout: NHWC}]": ["wrong-value 1:25 write `nhwc`"],
    "layers: [cross_entropy: {layout: columns}]": ["unknown-option 1:26 leave it out"],
    "layers: [sgd: {layout: nchw}]": ["unknown-option 1:16 leave it out"],
    "layers: [relu: {map: {wieght: W}}]": ["unknown-option 1:23 did you mean `weight`?"],
    "layers: [relu: {map: {stride: s}}]": ["unknown-option 1:23 known are backward, "],
    "layers: [relu: {map: [weight]}]": ["wrong-type 1:22 "],
    "layers: [relu: {require: stride}]": ["unknown-option 1:26 known are features, images"],
    "layers: [conv: {like: {out_channels: 4, kernel_sise: 3}}]": [
        "unknown-option 1:41 did you mean `kernel_size`?"
    ],
    "layers: [conv: {like: {out_channels: 4, kernel_size: 3, groups: 3}}]": [
        "groups 1:65 1, 2, 4 would do"
    ],
    "layers: [sgd: {like: {momentun: 0.9}, map: {momentum: mu, weight: w}}]": [
        "unknown-option 1:23 did you mean `momentum`?",
        "unknown-option 1:59 known are learning_rate, momentum, ",
    ],
    "layers: [cross_entropy: {like: {}}]": ["wrong-value 1:32 "],
    "layers: [relu: {name: a}, conv: {name: a}]": ["duplicate-name 1:40 give each a `name:` of"],
    "layers: [relu: &a {points: 1}]": ["anchor 1:16 remove it"],
    "layers: [rleu, conv: {points: -1}]\nfiles: a.py": [
        "unknown-kind 1:10 did you mean `relu`?",
        "out-of-range 1:31 ",
        "unknown-option 2:1 did you mean `file`?",
    ],
}


@pytest.mark.parametrize("text", SAID)
def test_what_is_said_of_a_mistake(text: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_assignment(text, file="assignment.yaml")
    found = refused.value.diagnostics
    assert len(found) == len(SAID[text]), str(refused.value)
    for problem, wanted in zip(found, SAID[text]):
        assert problem.location is not None
        place = f"{problem.location.line}:{problem.location.column}"
        assert f"{problem.code} {place} {problem.help}".startswith(wanted)
