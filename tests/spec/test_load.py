"""Texts and files that are read, or refused with every problem; the corpus has the words."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnnspec.errors import CnnspecError, SpecError
from cnnspec.spec import ModelSpec, load_spec, parse_spec, read_text
from cnnspec.spec.diagnostics import Diagnostic, Location, show_path
from cnnspec.spec.layers import KINDS, Conv, ReLU
from cnnspec.spec.load import most_bytes, parse_layer, parse_optimizer
from cnnspec.spec.optimizers import SGD, Adam
from cnnspec.spec.source import MAX_BYTES
from tests.rooms import CASES

GOOD = """\
name: model
input: [1, 8, 8]
layers:
  - flatten
  - linear: {out_features: 10}
"""


def refusal(text: str | bytes) -> SpecError:
    with pytest.raises(SpecError) as caught:
        parse_spec(text, file="s.yaml")
    return caught.value


def layers(*lines: str) -> str:
    """Write a spec whose layers start in line 3, column 5."""
    return "input: [1, 8, 8]\nlayers:\n" + "".join(f"  - {line}\n" for line in lines)


def line_3(line: str) -> str:
    """Write a spec with a line after its input and layers, which take two."""
    return f"input: [1, 8, 8]\nlayers: [flatten, linear: {{out_features: 10}}]\n{line}\n"


TAIL = ("flatten", "linear: {out_features: 10}")


MANY = """\
name: my model
input: [1, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 9}
  - conv: {out_channels: 4.0, kernel_size: 3}
  - relu: {name: act}
  - drop_out
  - relu: {name: act}
  - flatten
  - linear: {out_features: 32}
  - pool: {kernel_size: 2}
  - linear: {out_features: 10}
  - linear: {out_features: 10, in_features: 11}
training:
  epochs: 3
  epochs: 4
  optimizer: {sgd: {lr: 0.1}}
dta: digits
"""


def test_all_problems_of_a_file_come_at_once_in_its_order() -> None:
    found = refusal(MANY)
    assert [
        (problem.code, problem.location.line, problem.location.column, problem.message)
        for problem in found.diagnostics
        if problem.location
    ] == [
        (
            "wrong-value",
            1,
            7,
            "`name`: wanted at most 100 letters, digits, `.`, `_` and `-`, starting with a letter "
            "or a digit; "
            'found "my model" (text)',
        ),
        (
            "kernel-too-large",
            4,
            42,
            "conv1: the kernel's height (9) is larger than the padded input",
        ),
        ("wrong-type", 5, 26, "`out_channels` of `conv2`: wanted a whole number; found `4.0`"),
        ("unknown-kind", 7, 5, "there is no kind of layer called `drop_out`"),
        ("duplicate-name", 8, 18, "two layers are named `act`: number 3 and 5"),
        (
            "not-an-image",
            11,
            5,
            "pool1: `pool` takes images (channels x height x width), but receives 32 features",
        ),
        (
            "input-width",
            13,
            45,
            "linear3: `in_features` is written as 11, but the layer receives 10",
        ),
        ("duplicate-key", 16, 3, "`epochs` is written twice; the first is in line 15"),
        ("unknown-option", 17, 21, "`sgd` has no option `lr`"),
        ("unknown-option", 18, 1, "the spec has no option `dta`"),
    ]
    assert str(found) == "\n\n".join(problem.render() for problem in found.diagnostics)
    assert found.diagnostics[-1].help == "did you mean `data`?"
    assert found.diagnostics[-1].path == ("dta",)


def test_a_layer_whose_shape_is_wrong_hides_only_what_depends_on_its_size() -> None:
    """The pool might fit and the linear's width might be right; that it gets images is sure."""
    text = layers(
        "conv: {out_channels: 2, kernel_size: 9}",
        "pool: {kernel_size: 99}",
        "linear: {out_features: 4, in_features: 99}",
        "linear: {out_features: 4, in_features: 5}",
    )
    found = refusal(text).diagnostics
    assert [(problem.code, problem.message.split(":")[0]) for problem in found] == [
        ("kernel-too-large", "conv1"),
        ("not-features", "linear1"),
        ("input-width", "linear2"),
    ]
    assert found[1].message.endswith("receives images of 2 x ? x ?")


def test_an_input_that_is_not_valid_hides_only_what_depends_on_it() -> None:
    text = "input: [1, 8]\nlayers:\n" + (
        "  - conv: {out_channels: 2, kernel_size: 99}\n"
        "  - flatten\n"
        "  - linear: {out_features: 4}\n"
        "  - pool: {kernel_size: 2}\n"
    )
    assert [found.location.line for found in refusal(text).diagnostics if found.location] == [1, 6]


# What is said here must be true; in which words is left open.


@pytest.mark.parametrize("written", ["[]", "[8]", "[8, 8]"])
def test_too_few_sizes_as_input(written: str) -> None:
    (found,) = refusal(f"input: {written}\nlayers: [flatten]\n").diagnostics
    assert found.code == "wrong-length"
    assert found.message.startswith("`input`: wanted ")
    assert found.message.endswith(f"found {written}")


def test_one_beta() -> None:
    text = line_3("training: {optimizer: {adam: {betas: [0.9]}}}")
    (found,) = refusal(text).diagnostics
    assert found.code == "wrong-length"
    assert found.message.startswith("`betas` of `adam`: wanted ")
    assert found.message.endswith("found [0.9]")


def test_empty_lists() -> None:
    text = line_3("data: {digits: {normalize: {mean: [], std: []}}}")
    mean, std = refusal(text).diagnostics
    for found, option in ((mean, "mean"), (std, "std")):
        assert found.path == ("data", "digits", "normalize", option)
        assert found.code == "wrong-length"
        assert found.message == (
            f"`{option}` of `normalize`: wanted one number for each channel; found []"
        )


def test_a_word_as_layers() -> None:
    (found,) = refusal("input: [1, 8, 8]\nlayers: relu\n").diagnostics
    assert found.message == '`layers`: wanted a list; found "relu" (text)'


@pytest.mark.parametrize("written", ["[a]", "[.inf]", "[true]"])
def test_a_wrong_number_in_a_list_is_one_problem(written: str) -> None:
    text = line_3(f"data: {{digits: {{normalize: {{mean: {written}, std: [1]}}}}}}")
    (found,) = refusal(text).diagnostics
    assert found.path == ("data", "digits", "normalize", "mean", 0)


def test_values_in_a_list_are_shown_as_they_are_written() -> None:
    text = layers("conv: {out_channels: 2, kernel_size: [true, ~]}", *TAIL)
    (found,) = refusal(text).diagnostics
    assert found.message.endswith("; found [true, nothing]")


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("data: imagenet", 7),
        ("initialization: xavier", 17),
        ("training: {optimizer: rmsprop}", 23),
    ],
)
def test_the_caret_of_an_unknown_kind_is_under_the_kind(line: str, column: int) -> None:
    (found,) = refusal(line_3(line)).diagnostics
    assert found.code == "unknown-kind"
    assert found.location is not None
    assert (found.location.line, found.location.column) == (3, column)


def test_the_caret_of_an_unknown_option_is_under_it_whatever_it_is_called() -> None:
    (found,) = refusal(GOOD + '"\\uD800": 3\n').diagnostics
    assert found.location is not None
    assert found.location.line == 6


def test_escape_sequences_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in str(refusal(GOOD.replace("name: model", 'name: "\\e[31mred"')))


COUNTLESS = """
from cnnspec import SpecError, parse_spec

try:
    parse_spec('''
input: [1000000000000, 8, 8]
layers:
  - conv: {out_channels: 1000000000000, kernel_size: 1, groups: 3}
  - flatten
  - linear: {out_features: 10}
''')
except SpecError as error:
    print(error.diagnostics[1].message)
"""


def test_wrong_groups_of_a_great_many_channels_are_refused_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNTLESS], capture_output=True, text=True, timeout=5, check=True
    )
    assert done.stdout == (
        "conv1: `in_channels` (= 1000000000000) must be divisible by `groups` (= 3)\n"
    )


# A person reads 100 problems, and no more.


def wrong_options(count: int) -> str:
    return GOOD + "".join(f"option_{number}: 1\n" for number in range(count))


def test_100_problems_are_shown() -> None:
    found = refusal(wrong_options(100)).diagnostics
    assert [problem.code for problem in found] == ["unknown-option"] * 100


@pytest.mark.parametrize(("more", "said"), [(1, "1 "), (2345, "2,345 ")])
def test_of_more_than_100_problems_the_first_are_shown_and_the_others_counted(
    more: int, said: str
) -> None:
    found = refusal(wrong_options(100 + more)).diagnostics
    assert len(found) == 101
    lines = [problem.location.line for problem in found if problem.location]
    assert lines == list(range(6, 106))
    assert found[-1].code == "too-many-problems"
    assert found[-1].message.startswith(said)
    assert found[-1].location is None


def test_problems_of_the_reader_and_of_the_options_count_together() -> None:
    twice = "".join(f"  - relu: {{name: act{n}, name: x}}\n  - conv\n" for n in range(60))
    found = refusal("input: [1, 8, 8]\nlayers:\n" + twice).diagnostics
    assert len(found) == 101
    assert {problem.code for problem in found[:-1]} == {"duplicate-key", "missing-option"}
    assert found[-1].message.startswith("80 more ")


# Files.


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(GOOD)
    assert load_spec(path) == load_spec(str(path)) == parse_spec(GOOD)
    assert isinstance(load_spec(path), ModelSpec)


def test_problems_name_the_file_as_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(b"layers: [flatten]\r\ninput: [1, 8, 0]\r\n")
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert str(caught.value) == (
        "out-of-range: `input[2]`: wanted a number above 0; found `0`\n"
        f" --> {path}:2:15\n"
        "  |\n"
        "2 | input: [1, 8, 0]\n"
        "  |               ^"
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert str(caught.value) == f"unreadable: cannot read {path}: No such file or directory"


@pytest.mark.parametrize("size", [0, 10, MAX_BYTES, MAX_BYTES + 1, 10 * MAX_BYTES])
def test_no_more_is_read_than_is_needed_to_see_that_it_is_too_much(
    size: int, tmp_path: Path
) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(b"#" * size)
    assert read_text(path) == b"#" * min(size, most_bytes())
    if size > MAX_BYTES:
        with pytest.raises(SpecError, match="too-large: the file is longer than 200,000 bytes"):
            load_spec(path)


def test_an_endless_file_is_refused() -> None:
    with pytest.raises(SpecError, match="it is a device, not a regular file"):
        load_spec("/dev/zero")


def test_a_pipe_is_refused_at_once_with_the_way_to_read_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / "pipe.yaml")
    (problem,) = caught.value.diagnostics
    assert problem.code == "unreadable"
    assert problem.message.endswith("pipe.yaml: it is a pipe, not a regular file")
    assert problem.help == (
        "write `-` for the file, and send the spec there: `... | cnnspec COMMAND -`"
    )


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path)
    assert (
        str(caught.value)
        == f"unreadable: cannot read {tmp_path}: it is a folder, not a regular file"
    )


def test_a_path_that_cannot_be() -> None:
    with pytest.raises(SpecError):
        load_spec("a\0b")


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(b"name: \xe9\n")
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    (found,) = caught.value.diagnostics
    assert found.code == "not-utf8"
    assert found.message == "the file is not UTF-8 text: byte 6 is 0xe9"
    assert found.help == "save it as UTF-8"


# Diagnostics by themselves.


def test_a_problem_in_a_line_of_several_digits() -> None:
    at = Location("s.yaml", 120, 3, 6, "  abc: 1")
    found = Diagnostic("tab", "message", ("abc",), at, "way out", ("one", "two"))
    assert found.render() == (
        "tab: message\n"
        "   --> s.yaml:120:3\n"
        "    |\n"
        "120 |   abc: 1\n"
        "    |   ^^^\n"
        "    = one\n"
        "    = two\n"
        "help: way out"
    )


def test_a_problem_without_a_place_names_the_path() -> None:
    path = ("layers", 3, "conv", "kernel_size")
    assert show_path(path) == "layers[3].conv.kernel_size"
    assert Diagnostic("groups", "message", path).render() == (
        "groups: message\n --> layers[3].conv.kernel_size"
    )
    assert Diagnostic("groups", "message").render() == "groups: message"
    assert Diagnostic("one-logit", "message").render() == "one-logit (warning): message"


def test_a_spec_error_is_a_cnnspec_error_with_its_problems() -> None:
    problems = [Diagnostic("tab", "one"), Diagnostic("tag", "two", help="three")]
    error = SpecError(iter(problems))
    assert isinstance(error, CnnspecError)
    assert error.diagnostics == tuple(problems)
    assert str(error) == "tab: one\n\ntag: two\nhelp: three"


OF_LAYERS = {name: case.layer for name, case in CASES.items() if case.layer.keyword in KINDS}


@pytest.mark.parametrize("name", OF_LAYERS)
def test_a_layer_is_read_from_its_options_alone(name: str) -> None:
    layer = OF_LAYERS[name]
    for options in (layer.model_dump(exclude_unset=True), layer.model_dump()):
        assert parse_layer(layer.keyword, json.dumps(options), file="options") == layer


def test_options_are_held_against_no_images() -> None:
    layer = parse_layer("conv", "{out_channels: 2, kernel_size: 900}", file="options")
    assert isinstance(layer, Conv)
    assert layer.kernel_size == 900
    assert parse_layer("relu", " ", file="options") == ReLU()
    uneven = "{out_channels: 2, kernel_size: 3, in_channels: 3, groups: 2}"
    with pytest.raises(SpecError, match=r"`in_channels` \(= 3\) must be divisible by `groups`"):
        parse_layer("conv", uneven, file="options")


def test_an_optimizer_is_read_from_its_options_alone() -> None:
    read = parse_optimizer("sgd", "{momentum: 0.9, nesterov: true}", file="options")
    assert read == SGD(momentum=0.9, nesterov=True)
    assert parse_optimizer("adam", "", file="options") == Adam()
    with pytest.raises(SpecError, match="did you mean `learning_rate`"):
        parse_optimizer("adam", "{lr: 0.1}", file="options")
