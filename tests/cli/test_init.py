"""cnnspec init: starters that are valid, canonical, fitted to their data, and that learn."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec.cli.init import DATA, TEMPLATES
from cnnspec.data import load_data, survey
from cnnspec.plan import resolve
from cnnspec.spec.checks import check
from cnnspec.spec.format import format_spec
from cnnspec.spec.load import inspect_spec, load_spec
from cnnspec.spec.sections import Sections
from cnnspec.spec.sizes import show
from cnnspec.starter import DATA as SOURCES
from cnnspec.starter import TEMPLATES as MAKERS

Call = Callable[..., Any]

SMALL = """\
name: small-digits
input: [1, 8, 8]                                          # channels x height x width

layers:                                                   # what each gives
  - conv: {out_channels: 16, kernel_size: 3, padding: 1}  # 16 x 8 x 8
  - relu                                                  # 16 x 8 x 8
  - pool: {kernel_size: 2}                                # 16 x 4 x 4
  - conv: {out_channels: 32, kernel_size: 3, padding: 1}  # 32 x 4 x 4
  - relu                                                  # 32 x 4 x 4
  - pool: {kernel_size: 2}                                # 32 x 2 x 2
  - flatten                                               # 128 features
  - linear: {out_features: 64}                            # 64 features
  - relu                                                  # 64 features
  - linear: {out_features: 10}                            # 10: one for each class

data: digits

training:
  epochs: 20                                              # times through the images
  batch_size: 32                                          # images a step
  optimizer: {adam: {learning_rate: 1e-3}}                # or sgd
  seed: 0                                                 # of weights and order
"""


RESNET = """\
  - repeat:                                               # 16 x 8 x 8
      times: 2
      layers:
        - residual:                                       # 16 x 8 x 8
            body:
              - conv: {out_channels: 16, kernel_size: 3, padding: 1}  # 16 x 8 x 8
              - batch_norm                                # 16 x 8 x 8
              - relu                                      # 16 x 8 x 8
              - conv: {out_channels: 16, kernel_size: 3, padding: 1}  # 16 x 8 x 8
              - batch_norm                                # 16 x 8 x 8
        - relu                                            # 16 x 8 x 8
  - residual:                                             # 32 x 4 x 4
      body:
        - conv: {out_channels: 32, kernel_size: 3, stride: 2, padding: 1}  # 32 x 4 x 4
        - batch_norm                                      # 32 x 4 x 4
        - relu                                            # 32 x 4 x 4
        - conv: {out_channels: 32, kernel_size: 3, padding: 1}  # 32 x 4 x 4
        - batch_norm                                      # 32 x 4 x 4
      shortcut:
        - conv: {out_channels: 32, kernel_size: 1, stride: 2}  # 32 x 4 x 4
        - batch_norm                                      # 32 x 4 x 4
"""


def test_the_names_on_the_command_line_are_those_that_there_are() -> None:
    assert list(TEMPLATES) == list(MAKERS)
    assert list(DATA) == list(SOURCES)


def test_what_is_written(call: Call, folder: Path) -> None:
    assert call("init") == (0, "wrote net.yaml; next: cnnspec build net.yaml\n", "")
    header, _, text = (folder / "net.yaml").read_text().partition("\n\n")
    assert text == SMALL
    assert header.splitlines()[0] == "# Written by `cnnspec init`: the template small for digits."
    for line in header.splitlines()[2:]:
        command = line.removeprefix("#   cnnspec ").split("  ")[0].split()
        assert command[1] == "net.yaml"
        assert call(command[0], "--help").code == 0


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("data", DATA)
def test_every_template_fits_every_data_set(
    call: Call, folder: Path, template: str, data: str
) -> None:
    assert call("init", "x.yaml", "--template", template, "--data", data).code == 0
    text = (folder / "x.yaml").read_text()
    found = inspect_spec(text)
    assert found.diagnostics == ()
    assert found.spec is not None
    assert found.spec.name == f"{template}-{data}"
    assert format_spec(text) == text
    plan = resolve(found.spec)
    lines = [line for line in text.splitlines() if line.lstrip().startswith("- ")]
    written = dict.fromkeys(at.path for at in check(Sections.of(found.spec)).layers)
    repeats = text.count("repeat:")  # each line but its own is a layer's, or a block's with a join
    assert len(lines) - repeats == len(written)
    assert all("# " in line for line in lines)
    top = [line for line in lines if line.startswith("  - ")]
    assert len(top) == len(found.spec.layers)
    assert top[-1].endswith(f"# {plan.classes}: one for each class")
    if repeats == 0:
        assert [line.split("# ")[1].split(" f")[0].split(":")[0] for line in lines] == [
            show(layer.output) for layer in plan.layers
        ]


def test_what_blocks_give_is_said_within_them_too(call: Call) -> None:
    assert RESNET in call("init", "-", "--template", "resnet").out


def test_templates_are_what_they_are_called(call: Call, folder: Path) -> None:
    call("init", "x.yaml", "--template", "lenet5", "--data", "mnist")
    assert resolve(load_spec("x.yaml")).parameter_count == 61_706  # LeNet-5 as it is known


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name in ("resnet", "vgg")))
        for name in TEMPLATES
    ],
)
def test_starters_learn_the_digits(call: Call, folder: Path, template: str) -> None:
    call("init", "x.yaml", "--template", template)
    done = call("train", "x.yaml", "--set", "training.epochs=8")
    assert done.code == 0
    assert float(done.out.splitlines()[-1].split(" %")[0]) > 90


def test_a_file_that_exists_is_left_as_it_is(call: Call, folder: Path) -> None:
    before = (folder / "small.yaml").read_text()
    done = call("init", "small.yaml")
    assert (done.code, done.out) == (2, "")
    assert "small.yaml exists, and is left as it is" in done.err
    assert (folder / "small.yaml").read_text() == before


def test_stdout(call: Call, folder: Path) -> None:
    done = call("init", "-")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("\n\n" + SMALL)
    assert [path.name for path in folder.iterdir()] == ["small.yaml"]


def test_a_folder_that_is_not_there(call: Call) -> None:
    done = call("init", "nowhere/net.yaml")
    assert done.code == 2
    assert "cannot write nowhere/net.yaml: No such file or directory" in done.err


@pytest.mark.parametrize("shape", [(3, 12, 20), (12, 20), (1, 2, 2), (1, 1, 1)])
@pytest.mark.parametrize("template", TEMPLATES)
def test_data_of_ones_own(call: Call, folder: Path, shape: tuple[int, ...], template: str) -> None:
    labels = np.arange(40) % 4
    images = np.linspace(0, 255, 40 * math.prod(shape)).astype(np.uint8).reshape(40, *shape)
    np.savez(folder / "my images.npz", images=images, labels=labels)
    assert call("init", "x.yaml", "--data", "my images.npz", "--template", template).code == 0
    found = inspect_spec((folder / "x.yaml").read_text())
    assert found.diagnostics == ()
    assert found.spec is not None
    assert found.spec.data is not None
    plan = resolve(found.spec)
    load_data(found.spec.data).check_fits(plan.input, plan.classes)
    assert (plan.classes, plan.name) == (4, f"{template}-my-images")


def test_unknown_data(call: Call, folder: Path) -> None:
    done = call("init", "x.yaml", "--data", "cifar")
    assert done.code == 2
    words = " ".join(done.err.split())
    assert "there is no data set `cifar`; known are digits, mnist, fashion_mnist" in words
    assert call("init", "x.yaml", "--data", "no.npz").err.startswith("cnnspec: there is no file")
    assert not (folder / "x.yaml").exists()


def test_the_schema_is_named_where_it_lies(call: Call, folder: Path) -> None:
    (folder / "cnnspec.schema.json").write_text("{}")
    (folder / "a" / "b").mkdir(parents=True)
    call("init", "x.yaml")
    call("init", "a/b/x.yaml")
    for path, schema in (("x.yaml", ""), ("a/b/x.yaml", "../../")):
        first = (folder / path).read_text().splitlines()[0]
        assert first == f"# yaml-language-server: $schema={schema}cnnspec.schema.json"


def test_names_of_files_that_are_no_names_of_models(call: Call, folder: Path) -> None:
    for number, stem in enumerate(["été", "x" * 150]):
        np.savez(
            folder / f"{stem}.npz", images=np.zeros((20, 8, 8), np.uint8), labels=np.arange(20) % 2
        )
        assert call("init", f"{number}.yaml", "--data", f"{stem}.npz").code == 0
        assert inspect_spec((folder / f"{number}.yaml").read_text()).diagnostics == ()


def test_images_with_channels_last(call: Call, folder: Path) -> None:
    images = np.arange(50 * 32 * 32 * 3).astype(np.uint8).reshape(50, 32, 32, 3)
    np.savez(folder / "hwc.npz", images=images, labels=np.arange(50) % 2)
    assert call("init", "x.yaml", "--data", "hwc.npz").code == 0
    text = (folder / "x.yaml").read_text()
    assert "layout: nhwc" in text
    assert inspect_spec(text, look=survey).diagnostics == ()
    assert inspect_spec(text).spec.input == (3, 32, 32)  # type: ignore[union-attr]


def test_arrays_of_other_names(call: Call, folder: Path) -> None:
    np.savez(folder / "keras.npz", x=np.zeros((20, 8, 8), np.uint8), y=np.arange(20) % 2)
    done = call("init", "x.yaml", "--data", "keras.npz")
    assert (done.code, done.out) == (2, "")
    assert "it has `x`, `y`; write `images: x, labels: y` in `data.npz`" in done.err
    assert not (folder / "x.yaml").exists()


# For a class of students.


def test_an_assignment_and_the_skeleton_of_it(call: Call) -> None:
    done = call("init", "--assignment", "a.yaml", "--kinds", "relu, linear")
    assert done == (0, "wrote a.yaml; next: cnnspec check submissions/ --assignment a.yaml\n", "")
    done = call("init", "--skeleton", "layers.py", "--from", "a.yaml")
    next_one = "fill it in, then: cnnspec check layers.py:ReLU --as relu"
    assert done == (0, f"wrote layers.py; next: {next_one}\n", "")
    text = Path("layers.py").read_text()
    assert re.findall(r"^class (\w+):", text, re.MULTILINE) == ["ReLU", "Linear"]


def test_the_kinds_of_a_first_course(call: Call) -> None:
    call("init", "--skeleton", "layers.py")
    assert Path("layers.py").read_text().count("\nclass ") == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--assignment", "small.yaml"], "small.yaml exists, and is left as it is"),
        (["--assignment", "none/a.yaml"], "cannot write none/a.yaml: No such file or directory"),
        (["--assignment", "a.yaml", "--kinds", "rleu"], "no kind `rleu`; did you mean `relu`?"),
        (["--assignment", "a.yaml", "--data", "mnist"], "--data is for a spec"),
        (["net.yaml", "--skeleton", "a.py"], "[FILE] is for a spec"),
        (["--skeleton", "layers"], "--skeleton wants a file of Python, as in layers.py"),
        (["--skeleton", "a.py", "--assignment", "a.yaml"], "--skeleton is for a call of its own"),
        (["--skeleton", "a.py", "--kinds", "relu", "--from", "a.yaml"], "keep one of them"),
        (["--skeleton", "a.py", "--from", "small.yaml"], "the assignment has no option `input`"),
        (["--from", "a.yaml"], "--from is for --skeleton"),
        (["--kinds", "relu"], "--kinds is for --assignment or --skeleton"),
        (["--skeleton", "\x1b.py"], "--skeleton wants a file of Python"),
    ],
)
def test_what_is_no_assignment_and_no_skeleton(
    arguments: list[str], message: str, call: Call
) -> None:
    done = call("init", *arguments)
    assert done.code == 2
    assert message in done.err
    assert not Path("a.py").exists()
