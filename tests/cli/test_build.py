"""cnnspec build: the table and the document, to the letter."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.report.explained import hold, paths

Call = Callable[..., Any]

SPECS = Path(__file__).parents[2] / "specs"

LENET5 = """\
lenet5: 1 x 28 x 28 -> 10 logits

 layer     kind           output  parameters     MACs
 ────────────────────────────────────────────────────
 conv1     conv      6 x 28 x 28         156  117,600
 relu1     relu      6 x 28 x 28           -        -
 pool1     pool      6 x 14 x 14           -        -
 conv2     conv     16 x 10 x 10       2,416  240,000
 relu2     relu     16 x 10 x 10           -        -
 pool2     pool       16 x 5 x 5           -        -
 flatten1  flatten           400           -        -
 linear1   linear            120      48,120   48,000
 relu3     relu              120           -        -
 linear2   linear             84      10,164   10,080
 relu4     relu               84           -        -
 linear3   linear             10         850      840

 total                                61,706  416,520

valid, and built with the {backend} backend
"""


def stripped(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


@pytest.mark.parametrize("backend", ["numpy", "loops", "torch"])
def test_table(call: Call, backend: str) -> None:
    done = call("build", SPECS / "lenet5.yaml", "--backend", backend)
    assert (done.code, done.err) == (0, "")
    assert stripped(done.out) == LENET5.replace("{backend}", backend)
    assert max(map(len, done.out.splitlines())) <= 80


def test_table_of_the_program(program: Call) -> None:
    done = program("build", SPECS / "lenet5.yaml")
    assert (done.code, done.err) == (0, "")
    assert stripped(done.out) == LENET5.replace("{backend}", "numpy")


LONG = """\
input: [1, 8, 8]
layers:
  - conv: {name: a_layer_whose_name_takes_more_than_a_line_has, out_channels: 4, kernel_size: 3}
  - flatten
  - linear: {out_features: 10, bias: false}
"""

LONG_TABLE = """\
model: 1 x 8 x 8 -> 10 logits

 layer                                                output  parameters   MACs
 ──────────────────────────────────────────────────────────────────────────────
 a_layer_whose_name_takes_more_than_a_line_has     4 x 6 x 6          40  1,296
   (conv)
 flatten1                                                144           -      -
 linear1                                                  10       1,440  1,440

 total                                                             1,480  2,736

valid, and built with the numpy backend
"""

LONGER_TABLE = """\
model: 1 x 8 x 8 -> 10 logits

 layer                                    kind        output  parameters   MACs
 ──────────────────────────────────────────────────────────────────────────────
 a_layer_whose_name_takes_more_than_a_li  conv     4 x 6 x 6          40  1,296
 ne_has_and_more
 flatten1                                 flatten        144           -      -
 linear1                                  linear          10       1,440  1,440

 total                                                             1,480  2,736

valid, and built with the numpy backend
"""


@pytest.mark.parametrize(("more", "table"), [("", LONG_TABLE), ("_and_more", LONGER_TABLE)])
def test_long_names_are_folded_and_numbers_are_whole(
    call: Call, folder: Path, more: str, table: str
) -> None:
    (folder / "long.yaml").write_text(LONG.replace("line_has", f"line_has{more}"))
    done = call("build", "long.yaml")
    assert (done.code, done.err) == (0, "")
    assert stripped(done.out) == table


def test_document(call: Call) -> None:
    done = call("build", "small.yaml", "--json", "--set", "layers.0=relu", "--set", "name=x")
    assert done.code == 2
    done = call("build", "small.yaml", "--json", "--set", "name=x")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == {
        "schema": "cnnspec/build",
        "version": 1,
        "name": "x",
        "input": [1, 8, 8],
        "layers": [
            {
                "name": "flatten1",
                "kind": "flatten",
                "inputs": ["input"],
                "output": [64],
                "parameters": 0,
                "macs": 0,
            },
            {
                "name": "linear1",
                "kind": "linear",
                "inputs": ["flatten1"],
                "output": [10],
                "parameters": 650,
                "macs": 640,
            },
        ],
        "parameters": 650,
        "macs": 640,
    }


def test_document_of_lenet5(program: Call) -> None:
    done = program("build", SPECS / "lenet5.yaml", "--json")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    assert list(document) == [
        "schema",
        "version",
        "name",
        "input",
        "layers",
        "parameters",
        "macs",
    ]
    assert document["layers"][0] == {
        "name": "conv1",
        "kind": "conv",
        "inputs": ["input"],
        "output": [6, 28, 28],
        "parameters": 156,
        "macs": 117_600,
    }
    assert (document["parameters"], document["macs"]) == (61_706, 416_520)
    hold(set(paths(document)), "build.md")


BRANCHES = """\
name: branches
input: [3, 8, 8]
layers:
  - conv: {name: stem, out_channels: 8, kernel_size: 3, padding: 1}
  - repeat:
      times: 3
      layers:
        - residual:
            body: [batch_norm, relu, conv: {out_channels: 8, kernel_size: 3, padding: 1}]
        - relu
  - repeat:
      name: growing
      times: 2
      layers:
        - parallel: {paths: [[], [conv: {out_channels: 4, kernel_size: 1}]]}
  - flatten
  - linear: {out_features: 10}
"""

BRANCHES_AT_80 = """\
branches: 3 x 8 x 8 -> 10 logits

 layer                kind            output  parameters     MACs
 ────────────────────────────────────────────────────────────────
 stem                 conv         8 x 8 x 8         224   13,824
 repeat1 (3 times)                 8 x 8 x 8       1,800  110,592
   residual1.body
     batch_norm1      batch_norm   8 x 8 x 8          16        -
     relu1            relu         8 x 8 x 8           -        -
     conv1            conv         8 x 8 x 8         584   36,864
   residual1          the input    8 x 8 x 8
   residual1.add      add          8 x 8 x 8           -        -
   relu1              relu         8 x 8 x 8           -        -
 growing.0
   parallel1.paths.0  the input    8 x 8 x 8
   parallel1.paths.1
     conv1            conv         4 x 8 x 8          36    2,048
   parallel1.concat   concat      12 x 8 x 8           -        -
 growing.1
   parallel1.paths.0  the input   12 x 8 x 8
   parallel1.paths.1
     conv1            conv         4 x 8 x 8          52    3,072
   parallel1.concat   concat      16 x 8 x 8           -        -
 flatten1             flatten           1024           -        -
 linear1              linear              10      10,250   10,240

 total                                            12,362  139,776

valid, and built with the numpy backend
"""

BRANCHES_AT_60 = """\
branches: 3 x 8 x 8 -> 10 logits

 layer                          output  parameters     MACs
 ──────────────────────────────────────────────────────────
 stem (conv)                 8 x 8 x 8         224   13,824
 repeat1 (3 times)           8 x 8 x 8       1,800  110,592
   residual1.body
     batch_norm1             8 x 8 x 8          16        -
     relu1                   8 x 8 x 8           -        -
     conv1                   8 x 8 x 8         584   36,864
   residual1 (the input)     8 x 8 x 8
   residual1.add             8 x 8 x 8           -        -
   relu1                     8 x 8 x 8           -        -
 growing.0
   parallel1.paths.0         8 x 8 x 8
     (the input)
   parallel1.paths.1
     conv1                   4 x 8 x 8          36    2,048
   parallel1.concat         12 x 8 x 8           -        -
"""

BRANCHES_AT_50 = """\
branches: 3 x 8 x 8 -> 10 logits

 layer                output  parameters     MACs
 ────────────────────────────────────────────────
 stem (conv)       8 x 8 x 8         224   13,824
 repeat1           8 x 8 x 8       1,800  110,592
   (3 times)
   residual1.
     body
     batch_norm1   8 x 8 x 8          16        -
     relu1         8 x 8 x 8           -        -
     conv1         8 x 8 x 8         584   36,864
   residual1       8 x 8 x 8
     (the input)
   residual1.add   8 x 8 x 8           -        -
   relu1           8 x 8 x 8           -        -
 growing.0
   parallel1.      8 x 8 x 8
     paths.0
     (the input)
   parallel1.
     paths.1
     conv1         4 x 8 x 8          36    2,048
   parallel1.     12 x 8 x 8           -        -
     concat
"""


@pytest.mark.parametrize(
    ("columns", "table"),
    [(80, BRANCHES_AT_80), (66, BRANCHES_AT_80), (60, BRANCHES_AT_60), (50, BRANCHES_AT_50)],
)
def test_blocks_stand_around_their_layers(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch, columns: int, table: str
) -> None:
    (folder / "branches.yaml").write_text(BRANCHES)
    monkeypatch.setenv("COLUMNS", str(columns))
    done = call("build", "branches.yaml")
    assert (done.code, done.err) == (0, "")
    assert stripped(done.out).startswith(table)


def test_document_of_branches(call: Call, folder: Path) -> None:
    (folder / "branches.yaml").write_text(BRANCHES)
    layers = json.loads(call("build", "branches.yaml", "--json").out)["layers"]
    reads = {layer["name"]: layer["inputs"] for layer in layers}
    assert len(layers) == 1 + 3 * 5 + 2 * 2 + 2
    assert reads["repeat1.0.residual1.body.batch_norm1"] == ["stem"]
    assert reads["repeat1.0.residual1.add"] == ["repeat1.0.residual1.body.conv1", "stem"]
    assert reads["growing.0.parallel1.concat"] == [
        "repeat1.2.relu1",
        "growing.0.parallel1.paths.1.conv1",
    ]


def test_overrides(call: Call) -> None:
    done = call("build", "small.yaml", "--set", "layers.linear1.out_features=30")
    assert done.code == 0
    assert done.out.startswith("small: 1 x 8 x 8 -> 30 logits")


def test_a_spec_without_data_is_built(call: Call, folder: Path) -> None:
    (folder / "plain.yaml").write_text("input: [1, 2, 2]\nlayers: [flatten]\n")
    done = call("build", "plain.yaml")
    assert done.code == 0
    assert stripped(done.out).splitlines()[-1] == "valid, and built with the numpy backend"


WRONG = """\
input: [1, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 9}
  - flaten
"""

WRONG_SHOWN = """\
kernel-too-large: conv1: the kernel's height (9) is larger than the padded input
 --> wrong.yaml:3:42
  |
3 |   - conv: {out_channels: 4, kernel_size: 9}
  |                                          ^
  = output height and width: (8 + 2*0 - 9)//1 + 1 = 0
  = shapes: input 1 x 8 x 8 -> conv1
help: a kernel of at most 8 fits, or a padding of at least 1

unknown-kind: there is no kind of layer called `flaten`
 --> wrong.yaml:4:5
  |
4 |   - flaten
  |     ^^^^^^
help: did you mean `flatten`?
"""


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_problems_of_a_spec(program: Call, folder: Path, more: list[str]) -> None:
    (folder / "wrong.yaml").write_text(WRONG)
    assert program("build", "wrong.yaml", *more) == (2, "", WRONG_SHOWN)


def test_a_network_that_ends_in_images_is_built_and_drawn(call: Call, folder: Path) -> None:
    (folder / "maps.yaml").write_text(
        "input: [1, 8, 8]\nlayers: [conv: {out_channels: 2, kernel_size: 3}]\n"
    )
    done = call("build", "maps.yaml", "--graph", "maps.svg")
    assert done.code == 0
    assert done.out.startswith("model: 1 x 8 x 8 -> 2 x 6 x 6\n")
    assert "ends-in-images (warning): conv1: the last layer gives images of 2 x 6 x 6" in done.err
    assert "logits" not in (folder / "maps.svg").read_text()


@pytest.mark.parametrize("command", ["train", "compare", "bench"])
def test_what_trains_tells_of_images_at_the_end_once_and_where(
    call: Call, folder: Path, command: str
) -> None:
    (folder / "maps.yaml").write_text(
        "input: [1, 8, 8]\nlayers: [conv: {out_channels: 2, kernel_size: 3}]\n"
    )
    done = call(command, "maps.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "no-logits: conv1: the last layer gives images of 2 x 6 x 6, but logits are wanted: one "
        "number for each class\n --> maps.yaml:2:10\n  |\n"
        "2 | layers: [conv: {out_channels: 2, kernel_size: 3}]\n  |          ^^^^\n"
        "help: end with `- flatten` and `- linear: {out_features: ...}`\n"
    )
