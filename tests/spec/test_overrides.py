"""`--set option=value`: what it changes, and where its problems are shown."""

from pathlib import Path

import pytest

from cnnspec import (
    MNIST,
    NPZ,
    SGD,
    Adam,
    BatchNorm,
    Conv,
    Digits,
    Flatten,
    Linear,
    ModelSpec,
    Normal,
    Normalize,
    Parallel,
    ReLU,
    Repeat,
    Residual,
    Training,
    load_spec,
    parse_spec,
)
from cnnspec.errors import SpecError
from cnnspec.spec.diagnostics import Diagnostic

TEXT = """\
name: model
input: [1, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 3}
  - relu
  - conv: {name: second, out_channels: 4, kernel_size: 3}
  - flatten
  - linear: {out_features: 10}
data: digits
training:
  epochs: 2
  optimizer: {adam: {learning_rate: 1e-3, eps: 1e-7}}
"""
BASE = parse_spec(TEXT)


def changed(*overrides: str) -> ModelSpec:
    return parse_spec(TEXT, file="s.yaml", overrides=overrides)


def refusal(*overrides: str, text: str = TEXT) -> SpecError:
    with pytest.raises(SpecError) as caught:
        parse_spec(text, file="s.yaml", overrides=overrides)
    return caught.value


def problem(*overrides: str) -> Diagnostic:
    (found,) = refusal(*overrides).diagnostics
    return found


def with_layer(index: int, layer: object) -> ModelSpec:
    layers = [*BASE.layers[:index], layer, *BASE.layers[index + 1 :]]
    return ModelSpec(**{**dict(BASE), "layers": layers})


def with_training(**options: object) -> ModelSpec:
    training = Training(**{**dict(BASE.training), **options})
    return BASE.model_copy(update={"training": training})


FORMS = {
    "no override": ([], BASE),
    "a number": (["training.epochs=3"], with_training(epochs=3)),
    "spaces around the sign": (["training.epochs = 3"], with_training(epochs=3)),
    "an option that is not in the file": (["training.seed=7"], with_training(seed=7)),
    "decimal and not octal": (["training.seed=010"], with_training(seed=10)),
    "hexadecimal": (["training.batch_size=0x10"], with_training(batch_size=16)),
    "a word": (["training.precision=float64"], with_training(precision="float64")),
    "a comment": (["training.epochs=3 # three"], with_training(epochs=3)),
    "the last one counts": (["training.epochs=3", "training.epochs=4"], with_training(epochs=4)),
    "two": (["training.epochs=3", "training.seed=4"], with_training(epochs=3, seed=4)),
    "a layer by its name in the plan": (
        ["layers.conv1.out_channels=32"],
        with_layer(0, Conv(out_channels=32, kernel_size=3)),
    ),
    "a layer by its number": (
        ["layers.0.out_channels=32"],
        with_layer(0, Conv(out_channels=32, kernel_size=3)),
    ),
    "a layer by its written name": (
        ["layers.second.padding=same"],
        with_layer(2, Conv(name="second", out_channels=4, kernel_size=3, padding="same")),
    ),
    "an option of a bare word": (["layers.relu1.name=act"], with_layer(1, ReLU(name="act"))),
    "an option of a bare word by number": (["layers.1.name=act"], with_layer(1, ReLU(name="act"))),
    "a renamed layer by its new name": (
        ["layers.relu1.name=act", "layers.act.name=other"],
        with_layer(1, ReLU(name="other")),
    ),
    "a pair": (
        ["layers.conv1.kernel_size=[3, 5]"],
        with_layer(0, Conv(out_channels=4, kernel_size=(3, 5))),
    ),
    "a whole layer as a word": (["layers.conv1=relu"], with_layer(0, ReLU())),
    "a whole layer": (
        ["layers.0={conv: {out_channels: 2, kernel_size: 1}}"],
        with_layer(0, Conv(out_channels=2, kernel_size=1)),
    ),
    "all layers": (
        ["layers=[flatten, linear: {out_features: 30}]"],
        BASE.model_copy(update={"layers": (Flatten(), Linear(out_features=30))}),
    ),
    "an item of a list": (
        ["input.1=9", "data="],
        BASE.model_copy(update={"input": (1, 9, 8), "data": None}),
    ),
    "a list": (
        ["input=[3, 9, 9]", "data="],
        BASE.model_copy(update={"input": (3, 9, 9), "data": None}),
    ),
    "a name with a sign": (["name=a-b.c"], BASE.model_copy(update={"name": "a-b.c"})),
    "text": (["name='010'"], BASE.model_copy(update={"name": "010"})),
    "an option of the same optimizer": (
        ["training.optimizer.adam.learning_rate=1"],
        with_training(optimizer=Adam(learning_rate=1, eps=1e-7)),
    ),
    "an option of the other optimizer": (
        ["training.optimizer.sgd.momentum=0.9"],
        with_training(optimizer=SGD(momentum=0.9)),
    ),
    "two options of the other optimizer": (
        ["training.optimizer.sgd.momentum=0.9", "training.optimizer.sgd.nesterov=true"],
        with_training(optimizer=SGD(momentum=0.9, nesterov=True)),
    ),
    "there and back": (
        ["training.optimizer.sgd.momentum=0.9", "training.optimizer.adam.eps=1e-3"],
        with_training(optimizer=Adam(eps=1e-3)),
    ),
    "another optimizer as a word": (["training.optimizer=sgd"], with_training(optimizer=SGD())),
    "the options of an optimizer as a whole": (
        ["training.optimizer.adam={learning_rate: 1}"],
        with_training(optimizer=Adam(learning_rate=1)),
    ),
    "an optimizer as a whole": (
        ["training.optimizer={sgd: {learning_rate: 1}}"],
        with_training(optimizer=SGD(learning_rate=1)),
    ),
    "a section as a whole": (
        ["training={epochs: 9}"],
        BASE.model_copy(update={"training": Training(epochs=9)}),
    ),
    "a section as a whole and one of its options": (
        ["training={epochs: 9}", "training.seed=1"],
        BASE.model_copy(update={"training": Training(epochs=9, seed=1)}),
    ),
    "a section that is not in the file": (
        ["initialization.normal.std=0.5"],
        BASE.model_copy(update={"initialization": Normal(std=0.5)}),
    ),
    "an option of data that were a word": (
        ["data.digits.train_samples=5"],
        BASE.model_copy(update={"data": Digits(train_samples=5)}),
    ),
    "other data as a word": (
        ["data=mnist", "input=[1, 28, 28]"],
        BASE.model_copy(update={"data": MNIST(), "input": (1, 28, 28)}),
    ),
    "an option of other data": (
        ["data.npz.path=a=b.npz"],
        BASE.model_copy(update={"data": NPZ(path="a=b.npz")}),
    ),
    "no data": (["data=null"], BASE.model_copy(update={"data": None})),
    "no data in short": (["data="], BASE.model_copy(update={"data": None})),
    "a section in a section": (
        ["data.digits.normalize.mean=[0.5]", "data.digits.normalize.std=[2]"],
        BASE.model_copy(update={"data": Digits(normalize=Normalize(mean=[0.5], std=[2]))}),
    ),
}


@pytest.mark.parametrize(("overrides", "wanted"), FORMS.values(), ids=FORMS)
def test_forms(overrides: list[str], wanted: ModelSpec) -> None:
    assert changed(*overrides) == wanted


def test_files_can_be_overridden_too(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(TEXT)
    assert load_spec(path, overrides=["training.epochs=3"]) == with_training(epochs=3)
    assert path.read_text() == TEXT


def test_an_override_mends_what_is_wrong_in_the_file() -> None:
    text = TEXT.replace("epochs: 2", "epochs: many").replace("[1, 8, 8]", "[1, 8, eight]")
    mended = parse_spec(text, overrides=["training.epochs=2", "input.2=8"])
    assert mended == BASE


def test_the_other_options_of_an_optimizer_stay() -> None:
    optimizer = changed("training.optimizer.adam.betas=[0.5, 0.6]").training.optimizer
    assert optimizer == Adam(learning_rate=1e-3, eps=1e-7, betas=(0.5, 0.6))


SHOWN = {
    "training.epochs=three": """\
wrong-type: `epochs` of `training`: wanted a whole number; found "three" (text)
 --> --set:1:17
  |
1 | training.epochs=three
  |                 ^^^^^""",
    "training.epochs = 3.0": """\
wrong-type: `epochs` of `training`: wanted a whole number; found `3.0`
 --> --set:1:19
  |
1 | training.epochs = 3.0
  |                   ^^^
help: write `3`""",
    "training.optmizer=adam": """\
unknown-option: `training` has no option `optmizer`
 --> --set:1:1
  |
1 | training.optmizer=adam
  | ^^^^^^^^^^^^^^^^^
help: did you mean `optimizer`?""",
    "training.optimizer={sgd: {lr: 0.1}}": """\
unknown-option: `sgd` has no option `lr`
 --> --set:1:27
  |
1 | training.optimizer={sgd: {lr: 0.1}}
  |                           ^^
help: did you mean `learning_rate`?""",
    "layers.second.kernel_size=7": """\
kernel-too-large: second: the kernel's height (7) is larger than the padded input
 --> --set:1:27
  |
1 | layers.second.kernel_size=7
  |                           ^
  = output height and width: (6 + 2*0 - 7)//1 + 1 = 0
  = shapes: input 1 x 8 x 8 -> conv1 4 x 6 x 6 -> second
help: a kernel of at most 6 fits, or a padding of at least 1""",
    "layers.linear1.in_features=65": """\
input-width: linear1: `in_features` is written as 65, but the layer receives 64
 --> --set:1:28
  |
1 | layers.linear1.in_features=65
  |                            ^^
  = shapes: input 1 x 8 x 8 -> conv1 4 x 6 x 6 -> second 4 x 4 x 4 -> flatten1 64 -> linear1
help: write 64, or leave `in_features` out: it is inferred""",
    "layers.conv9.padding=1": """\
override: no layer is named `conv9`; there are conv1, relu1, second, flatten1, linear1
 --> --set:1:1
  |
1 | layers.conv9.padding=1
  | ^^^^^^^^^^^^^^^^^^^^^^""",
    "layers.conv2.padding=1": """\
override: no layer is named `conv2`; there are conv1, relu1, second, flatten1, linear1
 --> --set:1:1
  |
1 | layers.conv2.padding=1
  | ^^^^^^^^^^^^^^^^^^^^^^""",
    "layers.5=relu": """\
override: `5` is no place in a list of 5
 --> --set:1:1
  |
1 | layers.5=relu
  | ^^^^^^^^^^^^^
help: write 0 to 4""",
    "layers.-1=relu": """\
override: no layer is named `-1`; there are conv1, relu1, second, flatten1, linear1
 --> --set:1:1
  |
1 | layers.-1=relu
  | ^^^^^^^^^^^^^^""",
    "input.height=9": """\
override: `height` is no place in a list of 3
 --> --set:1:1
  |
1 | input.height=9
  | ^^^^^^^^^^^^^^
help: write 0 to 2""",
    "training.epochs": """\
override: wanted `option=value`, as in training.epochs=3
 --> --set:1:1
  |
1 | training.epochs
  | ^^^^^^^^^^^^^^^""",
    "training.epochs: 3": """\
override: wanted `option=value`, as in training.epochs=3
 --> --set:1:1
  |
1 | training.epochs: 3
  | ^^^^^^^^^^^^^^^^^^""",
    "=3": """\
override: wanted `option=value`, as in training.epochs=3
 --> --set:1:1
  |
1 | =3
  | ^^""",
    "training..epochs=3": """\
override: wanted `option=value`, as in training.epochs=3
 --> --set:1:1
  |
1 | training..epochs=3
  | ^^^^^^^^^^^^^^^^^^""",
    "training={epochs: 3, epochs: 4}": """\
duplicate-key: `epochs` is written twice; the first is in line 1
 --> --set:1:22
  |
1 | training={epochs: 3, epochs: 4}
  |                      ^^^^^^
help: keep one of them""",
    "training={epochs: 3": """\
syntax: the `{` is never closed
 --> --set:1:10
  |
1 | training={epochs: 3
  |          ^
help: add `}`""",
    "name=&a b": """\
anchor: anchors (`&a`) are not supported
 --> --set:1:6
  |
1 | name=&a b
  |      ^^
help: remove it; write values out""",
}


@pytest.mark.parametrize(("override", "shown"), SHOWN.items(), ids=SHOWN)
def test_problems_are_shown_in_the_override(override: str, shown: str) -> None:
    assert str(refusal(override)) == shown


def test_another_kind_begins_with_its_defaults() -> None:
    """Options of the first optimizer that the other one has, too, are not taken over."""
    optimizer = changed("training.optimizer.sgd.momentum=0.5").training.optimizer
    assert optimizer == SGD(learning_rate=0.01, momentum=0.5)


def test_problems_of_overrides_come_before_those_of_the_file() -> None:
    text = TEXT.replace("name: model", "name: my model")
    found = refusal("training.epochs=0", text=text)
    places = [at.location.file for at in found.diagnostics if at.location]
    assert places == ["--set", "s.yaml"]


@pytest.mark.parametrize(
    "override",
    [
        "training.epochs=",
        "trainin.epochs=3",
        "name.first=model",
        "layers.conv1.out_channels.x=3",
        "layers.conv1.kernel.x=3",
        "data.npz.train_samples=3",
        "data.digits.normalize.mean=[0.5]",
        "training.optimizer.rmsprop.decay=0.1",
        "training.optimizer.sgd.nesterov=true",
        "training.optimizer.adam.betas.0=0.5",
    ],
)
def test_what_an_override_broke_is_shown_in_the_override(override: str) -> None:
    errors = [found for found in refusal(override).diagnostics if found.severity == "error"]
    assert errors
    for found in errors:
        assert found.location is not None
        assert (found.location.file, found.location.text) == ("--set", override)


@pytest.mark.parametrize(
    "override",
    [
        "layers." + "1" * 5000 + "=relu",
        'name="\\U00110000"',
        "training.epochs=%YAML " + "1" * 5000 + ".1",
    ],
    ids=["a number of many digits", "beyond unicode", "a directive"],
)
def test_no_override_is_a_crash(override: str) -> None:
    assert problem(override).location is not None


TREE = """\
input: [4, 8, 8]
layers:
  - residual:
      body:
        - conv: {out_channels: 4, kernel_size: 3, padding: 1}
        - relu
  - repeat:
      name: stage
      times: 2
      layers: [residual: {body: [batch_norm, relu]}, relu]
  - parallel:
      paths: [[], [relu, conv: {out_channels: 4, kernel_size: 1}]]
  - flatten
  - linear: {out_features: 10}
"""

INTO_BLOCKS = {
    "by the names of the plan": "layers.residual1.body.conv1.out_channels",
    "by numbers": "layers.0.body.0.out_channels",
    "with the kinds written out": "layers.0.residual.body.0.conv.out_channels",
    "with some of them": "layers.residual1.residual.body.conv1.out_channels",
}


@pytest.mark.parametrize("target", INTO_BLOCKS.values(), ids=INTO_BLOCKS)
def test_a_layer_in_a_block(target: str) -> None:
    block = parse_spec(
        TREE,
        overrides=[f"{target}=5", "layers.0.shortcut=[conv: {out_channels: 5, kernel_size: 1}]"],
    ).layers[0]
    assert isinstance(block, Residual)
    assert block.body[0] == Conv(out_channels=5, kernel_size=3, padding=1)
    assert block.shortcut == (Conv(out_channels=5, kernel_size=1),)


def test_a_layer_in_a_block_in_a_repeat() -> None:
    overrides = [
        "layers.stage.times=3",
        "layers.stage.layers.residual1.body.batch_norm1.eps=1e-3",
        "layers.stage.layers.1.name=last",
    ]
    assert parse_spec(TREE, overrides=overrides).layers[1] == Repeat(
        name="stage",
        times=3,
        layers=[Residual(body=[BatchNorm(eps=1e-3), ReLU()]), ReLU(name="last")],
    )


def test_a_layer_in_a_path() -> None:
    overrides = [
        "layers.parallel1.paths.1.conv1.out_channels=2",
        "layers.parallel1.paths.0=[relu]",
        "layers.parallel1.paths.1.relu1=batch_norm",
        "layers.parallel1.name=mix",
    ]
    assert parse_spec(TREE, overrides=overrides).layers[2] == Parallel(
        name="mix", paths=[[ReLU()], [BatchNorm(), Conv(out_channels=2, kernel_size=1)]]
    )


def test_the_options_of_a_layer_as_a_whole() -> None:
    block = parse_spec(TREE, overrides=["layers.0.residual={body: [relu]}"]).layers[0]
    assert block == Residual(body=[ReLU()])


IN_BLOCKS = {
    "layers.stage.1.relu1.name=x": """\
override: `1` is no option of a `repeat`: its layers are written once, and changed in all \
repetitions alike
 --> --set:1:1
  |
1 | layers.stage.1.relu1.name=x
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
help: write `layers.stage.layers.relu1.name`""",
    "layers.stage.1.nothing.name=x": """\
override: `1` is no option of a `repeat`: its layers are written once, and changed in all \
repetitions alike
 --> --set:1:1
  |
1 | layers.stage.1.nothing.name=x
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
help: write `layers` in its place""",
    "layers.residual1.conv1.bias=false": """\
override: `conv1` is no option of a `residual`
 --> --set:1:1
  |
1 | layers.residual1.conv1.bias=false
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
help: write `layers.residual1.body.conv1.bias`""",
    "layers.residual1.body.conv9.bias=false": """\
override: no layer is named `conv9`; there are conv1, relu1
 --> --set:1:1
  |
1 | layers.residual1.body.conv9.bias=false
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^""",
    "layers.parallel1.paths.2.relu1.name=x": """\
override: `2` is no place in a list of 2
 --> --set:1:1
  |
1 | layers.parallel1.paths.2.relu1.name=x
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
help: write 0 or 1""",
    "layers.residual1.body.conv1.kernel_size=9": """\
branches-differ: residual1: body gives 4 x 2 x 2, but the input is 4 x 8 x 8
 --> --set:1:41
  |
1 | layers.residual1.body.conv1.kernel_size=9
  |                                         ^
  = residual1.body.conv1: output height and width: (8 + 2*1 - 9)//1 + 1 = 2
help: write `padding: 4` in body[0]""",
}


@pytest.mark.parametrize(("override", "shown"), IN_BLOCKS.items(), ids=IN_BLOCKS)
def test_problems_in_blocks_are_shown_in_the_override(override: str, shown: str) -> None:
    assert str(refusal(override, text=TREE)) == shown


def test_nothing_can_be_set_in_what_is_no_mapping() -> None:
    override, spec = refusal("training.epochs=3", text="- relu\n").diagnostics
    assert override.code == "override"
    assert override.message == "the spec is not a mapping, so nothing in it can be set"
    assert spec.code == "not-a-mapping"


DEEP = """\
input: [4, 8, 8]
layers:
  - repeat:
      times: 2
      name: stage
      layers:
        - residual:
            body:
              - relu
              - repeat:
                  times: 2
                  layers: [dropout, parallel: {merge: add, paths: [[], [relu]]}]
  - flatten
  - linear: {out_features: 10}
"""


@pytest.mark.parametrize(
    ("missed", "whole"),
    [
        ("stage.residual1.relu1.name", "stage.layers.residual1.body.relu1.name"),
        ("stage.0.residual1.body.relu1.name", "stage.layers.residual1.body.relu1.name"),
        (
            "stage.1.residual1.body.repeat1.0.dropout1.p",
            "stage.layers.residual1.body.repeat1.layers.dropout1.p",
        ),
        (
            "stage.residual1.repeat1.1.parallel1.relu1.name",
            "stage.layers.residual1.body.repeat1.layers.parallel1.paths.1.relu1.name",
        ),
        (
            "stage.layers.residual1.residual.repeat1.dropout1.p",
            "stage.layers.residual1.residual.body.repeat1.layers.dropout1.p",
        ),
    ],
)
def test_an_option_that_was_missed_on_the_way_is_put_into_the_path(missed: str, whole: str) -> None:
    (found,) = refusal(f"layers.{missed}=0.25", text=DEEP).diagnostics
    assert found.help == f"write `layers.{whole}`"
    value = "0.25" if whole.endswith(".p") else "other"
    assert parse_spec(DEEP, overrides=[f"layers.{whole}={value}"]) != parse_spec(DEEP)


def test_a_place_is_taken_as_errors_write_it() -> None:
    path = "layers[0].repeat.layers[0].residual.body[1].repeat.layers[1].parallel.paths[1][0]"
    changed_there = parse_spec(DEEP, overrides=[f"{path}=batch_norm"])
    dotted = path.replace("[", ".").replace("]", "")
    assert changed_there == parse_spec(DEEP, overrides=[f"{dotted}=batch_norm"])
    assert changed_there != parse_spec(DEEP)
