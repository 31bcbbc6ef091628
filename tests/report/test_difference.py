"""The report that `cnnspec diff` prints, to the letter, at two widths."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from cnnspec.difference import compare_specs
from cnnspec.documents import to_json
from cnnspec.report.difference import difference_document, render_difference
from cnnspec.spec.composites import AnyEntry, Parallel, Repeat
from cnnspec.spec.data import NPZ, Normalize
from cnnspec.spec.flow import show_value
from cnnspec.spec.layers import AnyLayer, Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import SGD, Adam
from cnnspec.spec.training import Training

FILES = "a.yaml", "b.yaml"
CONV = Conv(out_channels=4, kernel_size=3)
BEFORE: list[AnyLayer] = [
    CONV,
    ReLU(),
    Conv(out_channels=16, kernel_size=3, padding=1),
    ReLU(),
    Pool(kernel_size=2),
    Flatten(),
    Linear(out_features=1200),
    ReLU(),
    ReLU(),
    Linear(out_features=10, name="head"),
]
AFTER: list[AnyLayer] = [
    CONV,
    ReLU(),
    ReLU(),
    Conv(out_channels=32, kernel_size=3, padding=1, bias=False),
    ReLU(),
    Flatten(),
    Linear(out_features=1200),
    ReLU(),
    ReLU(),
    Linear(out_features=10, name="logits"),
]


def model(*layers: AnyLayer, **sections: Any) -> ModelSpec:
    return ModelSpec(**{"input": (1, 6, 6), "layers": layers, **sections})


def rendered(before: ModelSpec, after: ModelSpec, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(*render_difference(compare_specs(before, after), FILES), sep="\n")
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


LARGE_AT_80 = """\
a.yaml -> b.yaml
layers: 1 added (+), 1 removed (-), 1 changed (~), 3 changed by what is above
(>), 1 renamed (~), 4 unchanged

    layer                         before -> after
 ──────────────────────────────────────────────────────────────────────────────
    ...                           conv1 to relu1: 2 layers unchanged
 +  relu2           added         relu
                    output        4 x 4 x 4
 ~  conv2           out_channels  16 -> 32
                    bias          true -> false
                    output        16 x 4 x 4 -> 32 x 4 x 4
                    parameters    592 -> 1,152 (+560)
 >  relu2 -> relu3  output        16 x 4 x 4 -> 32 x 4 x 4
 -  pool1           removed       pool: {kernel_size: 2}
                    output        16 x 2 x 2
 >  flatten1        output        64 -> 512
 >  linear1         parameters    78,000 -> 615,600 (+537,600)
    ...                           relu4 to relu5: 2 layers unchanged,
                                  renumbered: relu3 -> relu4, relu4 -> relu5
 ~  head -> logits  renamed       nothing else changed

    total           parameters    90,642 -> 628,802 (+538,160, x 6.94)
                    MACs          98,592 -> 645,408 (+546,816, x 6.55)


 option              before -> after
 ──────────────────────────────────────────────────────────────────────────────
 name                model -> other
 data                not set -> npz: {normalize: {mean: [0.5], std: [0.25]},
                     path: "[red]x [/y]"}
 training.optimizer  sgd -> adam: {learning_rate: 0.01, weight_decay: 0.5}
 training.seed       0 -> 3

weights of a.yaml do not load into b.yaml: 7 of 10 parameters differ
  conv2.weight: 16 x 4 x 3 x 3 -> 32 x 4 x 3 x 3
  conv2.bias: only in a.yaml
  linear1.weight: 1200 x 64 -> 1200 x 512
  and 4 more (--json lists all)
parameter names that change with their layers: 2 (head.weight -> logits.weight,
...); to keep these weights, rename them"""


def test_many_changes_at_80_columns() -> None:
    after = model(
        *AFTER,
        name="other",
        data=NPZ(path="[red]x [/y]", normalize=Normalize(mean=(0.5,), std=(0.25,))),
        training=Training(optimizer=Adam(learning_rate=0.01, weight_decay=0.5), seed=3),
    )
    assert rendered(model(*BEFORE), after) == LARGE_AT_80


LONG_AT_100 = """\
a.yaml -> b.yaml
layers: 1 added (+), 1 changed by what is above (>), 2 unchanged

    layer                             before -> after
 ──────────────────────────────────────────────────────────────────────────────────────────────────
    ...                               conv1 to relu1: 2 layers unchanged
 +  nnnnnnnnnnnnnnnnnnnn  added       conv: {out_channels: 4, kernel_size: [1, 3], stride: [2, 1],
                                      padding: [0, 1], bias: false}
                          output      4 x 2 x 4
                          parameters  +48
 >  flatten1              output      64 -> 32

    total                 parameters  40 -> 88 (+48, x 2.20)
                          MACs        576 -> 960 (+384, x 1.67)

weights of a.yaml do not load into b.yaml: 1 of 3 parameters differs
  nnnnnnnnnnnnnnnnnnnn.weight: only in b.yaml"""


def test_long_options_at_100_columns() -> None:
    layer = Conv(
        name="n" * 20, out_channels=4, kernel_size=(1, 3), stride=(2, 1), padding=(0, 1), bias=False
    )
    text = rendered(model(CONV, ReLU(), Flatten()), model(CONV, ReLU(), layer, Flatten()), 100)
    assert text == LONG_AT_100


def test_no_difference_is_one_sentence() -> None:
    assert rendered(model(*BEFORE), model(*BEFORE)) == (
        "SAME: a.yaml and b.yaml are the same spec (10 layers, 90,642 parameters)"
    )


def test_other_sections_alone() -> None:
    text = rendered(model(*BEFORE), model(*BEFORE, data=NPZ(path="a.npz")), 100)
    assert text == (
        "a.yaml -> b.yaml\n"
        "the layers are the same: 90,642 parameters, 98,592 MACs\n"
        "\n"
        " option  before -> after\n"
        " ─────────────────────────────────────\n"
        " data    not set -> npz: {path: a.npz}\n"
        "\n"
        "weights of a.yaml load into b.yaml: same parameter names, same shapes"
    )


FOLDED = """\
a.yaml -> b.yaml
layers: 1 added (+), 31 changed by what is above (>), 20 unchanged

    layer                 before -> after
 ─────────────────────────────────────────────────────────────
    ...                   relu1 to relu20: 20 layers unchanged
 +  pool1     added       pool: {kernel_size: 2, stride: 1}
              output      1 x 5 x 5
 >  relu21    output      1 x 6 x 6 -> 1 x 5 x 5
    ...                   the same in 29 more, to relu50
 >  flatten1  output      36 -> 25

    total     parameters  0, unchanged
              MACs        0, unchanged

weights of a.yaml load into b.yaml: same parameter names, same shapes"""


def test_long_runs_are_folded() -> None:
    layers = [ReLU() for _ in range(50)]
    layers_after = [*layers[:20], Pool(kernel_size=2, stride=1), *layers[20:]]
    text = rendered(model(*layers, Flatten()), model(*layers_after, Flatten()))
    assert text == FOLDED


MOVED = """\
a.yaml -> b.yaml
layers: 1 moved (~), 1 renamed (~), 1 unchanged

    layer                      before -> after
 ──────────────────────────────────────────────────
 ~  b              moved       place 2 -> place 1
    ...                        a unchanged
 ~  flatten1 -> c  renamed     nothing else changed

    total          parameters  0, unchanged
                   MACs        0, unchanged

weights of a.yaml load into b.yaml: same parameter names, same shapes"""


def test_moved_and_renamed_layers() -> None:
    a, b = ReLU(name="a"), ReLU(name="b")
    assert rendered(model(a, b, Flatten()), model(b, a, Flatten(name="c"))) == MOVED


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "not set"),
        (True, "true"),
        (1e-8, "1e-08"),
        ((3, 5), "[3, 5]"),
        ("same", "same"),
        ("two words\x1b", '"two words\\u001b"'),
        (SGD(), "sgd"),
        (SGD(momentum=0.5), "sgd: {momentum: 0.5}"),
        (Normalize(mean=(0.0,), std=(1.0,)), "{mean: [0.0], std: [1.0]}"),
        (Training(optimizer=Adam(eps=1.0)), "{optimizer: {adam: {eps: 1.0}}}"),
        ((SGD(), Adam(eps=1.0)), "[sgd, adam: {eps: 1.0}]"),
    ],
)
def test_values(value: Any, text: str) -> None:
    assert show_value(value) == text


def test_ratios_of_totals() -> None:
    def total(before: int, after: int) -> str:
        linears = [Linear(out_features=n, bias=False) for n in (before, after)]
        one, two = (model(Flatten(), linear, input=(1, 1, 1)) for linear in linears)
        return next(line for line in rendered(one, two).splitlines() if "MACs" in line).strip()

    assert total(1, 1000) == "MACs          1 -> 1,000 (+999, x 1,000)"
    assert total(1000, 1001).endswith("1,000 -> 1,001 (+1, x 1.00)")
    assert total(1000, 20).endswith("1,000 -> 20 (-980, x 0.02)")
    text = rendered(model(Flatten()), model(Flatten(), Linear(out_features=2)))
    assert " parameters  0 -> 74 (+74)\n" in text


def test_a_file_name_cannot_move_the_cursor() -> None:
    same = compare_specs(model(Flatten()), model(Flatten()))
    (sentence,) = render_difference(same, ("a\x1b[2J", "b\udc80\n[bold]"))
    assert str(sentence).startswith("SAME: a\ufffd[2J and b\ufffd\ufffd[bold] are the same spec")


def test_document() -> None:
    before = model(ReLU(name="act"), Flatten(), Linear(out_features=2))
    after = model(
        Flatten(),
        Linear(out_features=3),
        input=(1, 1, 2),
        training=Training(optimizer=Adam(eps=1.0)),
    )
    document = difference_document(compare_specs(before, after), FILES)
    assert json.loads(to_json(document)) == {
        "schema": "cnnspec/diff",
        "version": 1,
        "files": ["a.yaml", "b.yaml"],
        "verdict": "different",
        "layers": [
            {
                "status": "removed",
                "moved": False,
                "options": [],
                "before": {
                    "name": "act",
                    "kind": "relu",
                    "inputs": ["input"],
                    "layer": {"relu": {"name": "act"}},
                    "output": [1, 6, 6],
                    "parameters": 0,
                    "macs": 0,
                },
                "after": None,
            },
            {
                "status": "follows",
                "moved": False,
                "options": [],
                "before": {
                    "name": "flatten1",
                    "kind": "flatten",
                    "inputs": ["act"],
                    "layer": "flatten",
                    "output": [36],
                    "parameters": 0,
                    "macs": 0,
                },
                "after": {
                    "name": "flatten1",
                    "kind": "flatten",
                    "inputs": ["input"],
                    "layer": "flatten",
                    "output": [2],
                    "parameters": 0,
                    "macs": 0,
                },
            },
            {
                "status": "changed",
                "moved": False,
                "options": [{"option": "out_features", "before": 2, "after": 3}],
                "before": {
                    "name": "linear1",
                    "kind": "linear",
                    "inputs": ["flatten1"],
                    "layer": {"linear": {"out_features": 2}},
                    "output": [2],
                    "parameters": 74,
                    "macs": 72,
                },
                "after": {
                    "name": "linear1",
                    "kind": "linear",
                    "inputs": ["flatten1"],
                    "layer": {"linear": {"out_features": 3}},
                    "output": [3],
                    "parameters": 9,
                    "macs": 6,
                },
            },
        ],
        "options": [
            {"option": "input", "before": [1, 6, 6], "after": [1, 1, 2]},
            {"option": "training.optimizer", "before": "sgd", "after": {"adam": {"eps": 1.0}}},
        ],
        "parameters": {"before": 74, "after": 9},
        "macs": {"before": 72, "after": 6},
        "weights": {
            "load": False,
            "misfits": [
                {"name": "linear1.weight", "before": [2, 36], "after": [3, 2]},
                {"name": "linear1.bias", "before": [2], "after": [3]},
            ],
            "renamed": {},
        },
    }


def test_document_of_the_same_spec() -> None:
    document = difference_document(compare_specs(model(Flatten()), model(Flatten())), FILES)
    assert document["verdict"] == "same"
    assert document["weights"] == {"load": True, "misfits": [], "renamed": {}}
    assert [layer["status"] for layer in document["layers"]] == ["same"]


def test_branches_in_another_order_are_shown() -> None:
    def paths(*paths: list[AnyEntry]) -> ModelSpec:
        layers = [Parallel(name="mix", paths=paths), Flatten(), Linear(out_features=10)]
        return ModelSpec(input=(1, 6, 6), layers=layers)

    act = ReLU(name="act")
    shown = rendered(paths([], [act]), paths([act], []), 100)
    assert "mix.paths.1.act -> mix.paths.0.act" in " ".join(shown.split())
    assert "inputs [input, mix.paths.1.act] -> [mix.paths.0.act, input]" in " ".join(shown.split())


def test_long_names_take_more_lines_behind_their_dots() -> None:
    def deep(channels: int) -> ModelSpec:
        block: AnyEntry = Conv(out_channels=channels, kernel_size=1, name="a_name_of_its_own")
        for _ in range(4):
            block = Repeat(times=1, layers=[block])
        return ModelSpec(input=(1, 6, 6), layers=[block, Flatten()])

    table = rendered(deep(2), deep(3), 70).split("─\n")[1]
    assert table.startswith("""\
 ~  repeat1.0.repeat1.0.        out_channels  2 -> 3
      repeat1.0.repeat1.0.
      a_name_of_its_own
                                output        2 x 6 x 6 -> 3 x 6 x 6
""")
