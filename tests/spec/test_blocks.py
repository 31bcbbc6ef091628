"""Blocks: how they are laid out, what is said where they do not fit, and that it is true."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any
from unittest import mock

import pytest
from pydantic import ValidationError

from cnnspec import (
    BatchNorm,
    Conv,
    Diagnostic,
    Flatten,
    Linear,
    ModelSpec,
    Parallel,
    Pool,
    ReLU,
    Repeat,
    Residual,
    dump_spec,
    inspect_spec,
    parse_spec,
)
from cnnspec.errors import SpecError
from cnnspec.plan import INPUT, Plan, resolve, write_out
from cnnspec.spec.composites import COMPOSITES, ENTRIES, AnyEntry, count_layers
from cnnspec.spec.composites.composite import MOST_NESTED
from cnnspec.spec.composites.parallel import MOST_PATHS
from cnnspec.spec.diagnostics import show_path
from cnnspec.spec.limits import MOST_LAYERS
from cnnspec.spec.model import kinds_at
from cnnspec.spec.sizes import Shape

END = (Flatten(), Linear(out_features=10))


def plan_of(*layers: AnyEntry, input: tuple[int, int, int] = (4, 8, 8)) -> Plan:
    return resolve(ModelSpec(input=input, layers=[*layers, *END]))


def laid_out(plan: Plan) -> list[tuple[str, tuple[str, ...], tuple[Shape, ...], Shape]]:
    """Return each layer but the last two: its name, what it reads, and its shapes."""
    return [(at.name, at.inputs, at.input_shapes, at.output) for at in plan.layers[:-2]]


def conv(channels: int, **options: Any) -> Conv:
    return Conv(**{"out_channels": channels, "kernel_size": 3, "padding": 1} | options)


S, T = (4, 8, 8), (6, 4, 4)


def test_a_residual_block_adds_its_input() -> None:
    plan = plan_of(ReLU(), Residual(body=[conv(4), ReLU(), conv(4, name="last")]), ReLU())
    assert laid_out(plan) == [
        ("relu1", (INPUT,), (S,), S),
        ("residual1.body.conv1", ("relu1",), (S,), S),
        ("residual1.body.relu1", ("residual1.body.conv1",), (S,), S),
        ("residual1.body.last", ("residual1.body.relu1",), (S,), S),
        ("residual1.add", ("residual1.body.last", "relu1"), (S, S), S),
        ("relu2", ("residual1.add",), (S,), S),
    ]
    assert list(plan.parameters)[:2] == ["residual1.body.conv1.weight", "residual1.body.conv1.bias"]
    assert plan.layer("residual1.add").kind == "add"
    assert plan.layer("residual1.add").parameter_count == plan.layer("residual1.add").macs == 0


def test_a_residual_block_adds_its_shortcut() -> None:
    shortcut = [conv(6, kernel_size=1, padding=0, stride=2), BatchNorm()]
    block = Residual(name="down", body=[conv(6, stride=2)], shortcut=shortcut)
    assert laid_out(plan_of(block)) == [
        ("down.body.conv1", (INPUT,), (S,), T),
        ("down.shortcut.conv1", (INPUT,), (S,), T),
        ("down.shortcut.batch_norm1", ("down.shortcut.conv1",), (T,), T),
        ("down.add", ("down.body.conv1", "down.shortcut.batch_norm1"), (T, T), T),
    ]


def test_paths_are_joined_in_their_order_and_an_empty_one_is_the_input() -> None:
    block = Parallel(paths=[[conv(2), ReLU()], [], [Pool(kernel_size=3, stride=1, padding=1)]])
    assert laid_out(plan_of(block))[-1] == (
        "parallel1.concat",
        ("parallel1.paths.0.relu1", INPUT, "parallel1.paths.2.pool1"),
        ((2, 8, 8), S, S),
        (10, 8, 8),
    )


def test_paths_are_added() -> None:
    block = Parallel(merge="add", paths=[[], [conv(4)], [conv(4)], []])
    assert laid_out(plan_of(block))[-1] == (
        "parallel1.add",
        (INPUT, "parallel1.paths.1.conv1", "parallel1.paths.2.conv1", INPUT),
        (S, S, S, S),
        S,
    )


def test_features_are_joined_too() -> None:
    block = Parallel(paths=[[Linear(out_features=3)], []])
    plan = resolve(ModelSpec(input=(1, 1, 5), layers=[Flatten(), block]))
    assert plan.layers[-1].output == (8,)


def test_layers_are_repeated_each_with_weights_of_its_own() -> None:
    plan = plan_of(Repeat(times=3, layers=[conv(6), ReLU()]))
    assert [(at.name, at.inputs) for at in plan.layers[:-2]] == [
        ("repeat1.0.conv1", (INPUT,)),
        ("repeat1.0.relu1", ("repeat1.0.conv1",)),
        ("repeat1.1.conv1", ("repeat1.0.relu1",)),
        ("repeat1.1.relu1", ("repeat1.1.conv1",)),
        ("repeat1.2.conv1", ("repeat1.1.relu1",)),
        ("repeat1.2.relu1", ("repeat1.2.conv1",)),
    ]
    weights = [plan.parameters[f"repeat1.{number}.conv1.weight"] for number in range(3)]
    assert weights == [(6, 4, 3, 3), (6, 6, 3, 3), (6, 6, 3, 3)]


def test_blocks_stand_within_each_other_and_are_numbered_in_their_list() -> None:
    inner = Residual(body=[conv(4), Residual(body=[conv(4)])])
    block = Repeat(times=2, layers=[inner, Parallel(merge="add", paths=[[inner], []])])
    names = [at.name for at in plan_of(inner, block).layers]
    assert names[:4] == [
        "residual1.body.conv1",
        "residual1.body.residual1.body.conv1",
        "residual1.body.residual1.add",
        "residual1.add",
    ]
    assert names[8:13] == [
        "repeat1.0.parallel1.paths.0.residual1.body.conv1",
        "repeat1.0.parallel1.paths.0.residual1.body.residual1.body.conv1",
        "repeat1.0.parallel1.paths.0.residual1.body.residual1.add",
        "repeat1.0.parallel1.paths.0.residual1.add",
        "repeat1.0.parallel1.add",
    ]
    assert names[13] == "repeat1.1.residual1.body.conv1"
    assert len(set(names)) == len(names) == count_layers([inner, block]) + 2


def test_a_layer_reads_earlier_ones_alone() -> None:
    inner = Residual(body=[conv(4)], shortcut=[Residual(body=[conv(4), ReLU()]), ReLU()])
    plan = plan_of(Repeat(times=2, layers=[Parallel(paths=[[inner], [], [ReLU()]]), conv(4)]))
    known = {INPUT}
    for at in plan.layers:
        assert set(at.inputs) <= known
        known.add(at.name)


# Written out, dumped and read back.

RESNET = """\
input: [3, 32, 32]
layers:
  - conv: {out_channels: 16, kernel_size: 3, padding: 1, bias: false}
  - repeat:
      times: 3
      layers:
        - residual:
            name: block
            body:
              - conv: {out_channels: 16, kernel_size: 3, padding: 1}
              - batch_norm
              - relu
            shortcut: [batch_norm]
        - relu
  - parallel: {paths: [[conv: {out_channels: 8, kernel_size: 1}], []]}
  - parallel: {merge: add, paths: [[], [relu]]}
  - flatten
  - linear: {out_features: 10}
"""


@pytest.mark.parametrize("defaults", [False, True])
def test_a_tree_is_written_and_read_back(defaults: bool) -> None:
    spec = parse_spec(RESNET)
    assert parse_spec(dump_spec(spec, defaults=defaults)) == spec


def test_a_tree_is_laid_out_as_people_write_it() -> None:
    assert dump_spec(parse_spec(RESNET)) == RESNET


def test_what_is_alike_in_all_repetitions_is_written_out() -> None:
    repeat = Repeat(times=2, layers=[conv(6), Residual(body=[conv(6), BatchNorm()])])
    written = write_out(ModelSpec(input=S, layers=[repeat, *END])).layers[0]
    assert written == Repeat(
        name="repeat1",
        times=2,
        layers=[
            conv(6, name="conv1"),  # 4 channels in the first repetition, 6 in the second
            Residual(
                name="residual1",
                body=[
                    conv(6, name="conv1", in_channels=6),
                    BatchNorm(name="batch_norm1", num_features=6),
                ],
            ),
        ],
    )


def test_what_is_written_out_gives_the_same_plan() -> None:
    spec = parse_spec(RESNET)
    out = write_out(spec)
    assert write_out(out) == out
    assert laid_out(resolve(out)) == laid_out(resolve(spec))
    assert resolve(out).state == resolve(spec).state


# Problems.


def problems(*layers: AnyEntry, input: tuple[int, int, int] = (16, 32, 32)) -> list[Diagnostic]:
    with pytest.raises(SpecError) as caught:
        resolve(ModelSpec(input=input, layers=[*layers, *END]))
    return list(caught.value.diagnostics)


def problem(*layers: AnyEntry, input: tuple[int, int, int] = (16, 32, 32)) -> Diagnostic:
    (found,) = problems(*layers, input=input)
    return found


PLAIN = {"padding": 0}
POOL3 = Pool(kernel_size=3)
POOL1 = Pool(kernel_size=3, stride=1)

# a block over images of 16 x 32 x 32, and what is offered where it does not fit
OFFERS: dict[str, tuple[AnyEntry, str]] = {
    "a body that halves": (
        Residual(body=[conv(32, stride=2), ReLU(), conv(32)]),
        "add `shortcut: [conv: {out_channels: 32, kernel_size: 1, stride: 2}]`",
    ),
    "a body of another width": (
        Residual(body=[conv(32)]),
        "add `shortcut: [conv: {out_channels: 32, kernel_size: 1}]`",
    ),
    "a body with other strides": (
        Residual(body=[conv(16, stride=(1, 2))]),
        "add `shortcut: [conv: {out_channels: 16, kernel_size: 1, stride: [1, 2]}]`",
    ),
    "a body with strides of three": (
        Residual(body=[conv(16, stride=3)]),
        "add `shortcut: [conv: {out_channels: 16, kernel_size: 1, stride: 3}]`",
    ),
    "a body without padding": (Residual(body=[conv(16, **PLAIN)]), "write `padding: 1` in body[0]"),
    "a body of which one layer has no padding": (
        Residual(body=[conv(8), ReLU(), conv(16, kernel_size=5, **PLAIN)]),
        "write `padding: 2` in body[2]",
    ),
    "a body without any padding": (
        Residual(body=[conv(8, **PLAIN), ReLU(), conv(16, **PLAIN)]),
        "write `padding: 1` in body[0] and body[2]",
    ),
    "a body without padding, of another width": (
        Residual(body=[conv(24, **PLAIN)]),
        "write `padding: 1` in body[0], and add `shortcut: [conv: {out_channels: 24, "
        "kernel_size: 1}]`",
    ),
    "a body that pools": (
        Residual(body=[conv(16), Pool(kernel_size=4)]),
        "add `shortcut: [conv: {out_channels: 16, kernel_size: 1, stride: 4}]`",
    ),
    "a body without padding and with a dilation": (
        Residual(body=[conv(16, dilation=(2, 1), **PLAIN)]),
        "write `padding: [2, 1]` in body[0]",
    ),
    "an even kernel": (
        Residual(body=[conv(16, kernel_size=4)]),
        "write `padding: same` in body[0]",
    ),
    "a shortcut of another width": (
        Residual(body=[conv(32, stride=2)], shortcut=[conv(16, kernel_size=1, padding=0)]),
        "write `out_channels: 32, stride: 2` in shortcut[0]",
    ),
    "a shortcut that keeps the size": (
        Residual(body=[conv(32, stride=2)], shortcut=[conv(32, kernel_size=1, padding=0), ReLU()]),
        "write `stride: 2` in shortcut[0]",
    ),
    "a shortcut that no option mends": (
        Residual(body=[conv(16, **PLAIN)], shortcut=[ReLU()]),
        "write `padding: 1` in body[0]",
    ),
    "a body of a block": (
        Residual(body=[conv(16), Repeat(times=2, layers=[conv(24)])]),
        "add `shortcut: [conv: {out_channels: 24, kernel_size: 1}]`",
    ),
    "a path without padding": (
        Parallel(paths=[[conv(8, kernel_size=1, padding=0)], [conv(24, **PLAIN)]]),
        "write `padding: 1` in paths[1][0]",
    ),
    "a path that pools": (
        Parallel(paths=[[conv(8)], [POOL3, conv(8)], []]),
        "write `stride: 1, padding: 1` in paths[1][0]",
    ),
    "several paths": (
        Parallel(paths=[[], [conv(8, **PLAIN)], [conv(8), conv(8, kernel_size=5, **PLAIN)]]),
        "write `padding: 1` in paths[1][0], and `padding: 2` in paths[2][1]",
    ),
    "one path that does not halve": (
        Parallel(paths=[[conv(8)], [conv(24, stride=2)], [Pool(kernel_size=2)]]),
        "write `stride: 2` in paths[0][0]",
    ),
    "a sum of other widths": (
        Parallel(merge="add", paths=[[conv(8)], [conv(24)], [conv(8)]]),
        "write `out_channels: 8` in paths[1][0]",
    ),
    "a sum with the input": (
        Parallel(merge="add", paths=[[conv(8, stride=2)], []]),
        "write `out_channels: 16, stride: 1` in paths[0][0]",
    ),
    "layers of a repeat": (
        Residual(body=[Repeat(times=2, layers=[ReLU(), conv(16, **PLAIN)])]),
        "write `padding: 1` in body[0].repeat.layers[1]",
    ),
    "layers of a repeat that come to half the size": (
        Residual(body=[Repeat(times=4, layers=[conv(16, kernel_size=5, **PLAIN)])]),
        "write `padding: 2` in body[0].repeat.layers[0]",
    ),
    "a repeat in one path, a block in another": (
        Parallel(
            paths=[
                [],
                [conv(16, **PLAIN)],
                [Repeat(times=3, layers=[Parallel(paths=[[conv(16, **PLAIN)], [POOL1]])])],
            ]
        ),
        "write `padding: 1` in paths[1][0], and `padding: 1` in "
        "paths[2][0].repeat.layers[0].parallel.paths[0][0] and "
        "paths[2][0].repeat.layers[0].parallel.paths[1][0]",
    ),
    "two paths that halve, of which one has no padding": (
        Parallel(paths=[[conv(8, stride=2, **PLAIN)], [Pool(kernel_size=3, stride=2, padding=1)]]),
        "write `padding: 1` in paths[0][0]",
    ),
    "a shortcut that cannot change its channels": (
        Residual(body=[conv(24, stride=2)], shortcut=[Pool(kernel_size=2)]),
        "write `shortcut: [conv: {out_channels: 24, kernel_size: 1, stride: 2}]`",
    ),
    "two kernels, neither with padding": (
        Parallel(paths=[[conv(8, **PLAIN)], [conv(8, kernel_size=5, **PLAIN)]]),
        "write `padding: 1` in paths[0][0], and `padding: 2` in paths[1][0]",
    ),
    "two kernels that halve, neither with padding": (
        Parallel(paths=[[conv(8, stride=2, **PLAIN)], [conv(8, stride=2, kernel_size=5, **PLAIN)]]),
        "write `padding: 1` in paths[0][0], and `padding: 2` in paths[1][0]",
    ),
    "a sum of rows and columns": (
        Parallel(
            merge="add",
            paths=[[conv(8, kernel_size=(3, 1), **PLAIN)], [conv(8, kernel_size=(1, 3), **PLAIN)]],
        ),
        "write `padding: [1, 0]` in paths[0][0], and `padding: [0, 1]` in paths[1][0]",
    ),
    "features and the input": (
        Parallel(paths=[[Flatten()], []]),
        "put `- flatten` at the end of paths[1]",
    ),
    "features and two paths of images": (
        Parallel(paths=[[conv(8), Flatten()], [POOL3], [conv(8, **PLAIN)]]),
        "put `- flatten` at the end of paths[1], and `- flatten` at the end of paths[2]",
    ),
    "a body of features": (
        Residual(body=[Flatten()]),
        "add `shortcut: [flatten]`",
    ),
    "a body of fewer features": (
        Residual(body=[Flatten(), Linear(out_features=3)]),
        "add `shortcut: [flatten, linear: {out_features: 3}]`",
    ),
    "a body of images, and features beside it": (
        Residual(body=[ReLU()], shortcut=[BatchNorm(), Flatten()]),
        "put `- flatten` at the end of body",
    ),
    "features beside images": (
        Residual(body=[ReLU(), Flatten()], shortcut=[BatchNorm()]),
        "put `- flatten` at the end of shortcut",
    ),
    "two strides in the body, none in the shortcut": (
        Residual(
            body=[conv(16, stride=2), conv(16, stride=2)],
            shortcut=[conv(16, kernel_size=1, padding=0)],
        ),
        "write `stride: 4` in shortcut[0]",
    ),
}

NO_OFFERS: dict[str, tuple[AnyEntry, str]] = {
    "a sum of images and of fewer features": (
        Parallel(merge="add", paths=[[Flatten(), Linear(out_features=3)], []]),
        "have all paths give images, or all give features",
    ),
    "a shortcut of images, and fewer features": (
        Residual(body=[Flatten(), Linear(out_features=3)], shortcut=[ReLU()]),
        "have both give images, or both give features: images and features do not join",
    ),
    "a branch of very many layers": (
        Residual(body=[Repeat(times=9000, layers=[ReLU()]), conv(16, **PLAIN)]),
        "have both give one shape: a sum takes equal shapes",
    ),
    "one path that can be mended, and one that cannot": (
        Parallel(paths=[[], [conv(16, **PLAIN)], [Repeat(times=3, layers=[Pool(kernel_size=2)])]]),
        "have all paths give one height and width",
    ),
}


@pytest.mark.parametrize(("block", "offer"), OFFERS.values(), ids=OFFERS)
def test_what_would_make_branches_fit(block: AnyEntry, offer: str) -> None:
    found = problem(block)
    assert (found.code, found.path) == ("branches-differ", ("layers", 0, block.keyword))
    assert found.help == offer
    for place in re.findall(r"`- flatten` at the end of ([a-z]+(?:\[\d\])?)", offer):
        block = with_flatten(block, place)
    text = dump_spec(ModelSpec(input=(16, 32, 32), layers=[block, *END]))
    parse_spec(text, overrides=as_overrides(offer))


@pytest.mark.parametrize(("block", "wanted"), NO_OFFERS.values(), ids=NO_OFFERS)
def test_nothing_is_offered_that_would_not_fit(block: AnyEntry, wanted: str) -> None:
    assert problem(block).help == wanted


def with_flatten(block: AnyEntry, place: str) -> AnyEntry:
    """Return a block with `flatten` at the end of a branch."""
    option, _, number = place.rstrip("]").partition("[")
    branches = getattr(block, option)
    if not number:
        return block.model_copy(update={option: (*branches, Flatten())})
    paths = [(*path, Flatten()) if str(at) == number else path for at, path in enumerate(branches)]
    return block.model_copy(update={option: tuple(paths)})


def as_overrides(offer: str) -> list[str]:
    """Return what somebody sets who does as the help says."""
    overrides = [
        f"layers.0.{'.'.join([*re.findall(r'[a-z0-9]+', place), option])}={value}"
        for options, places in re.findall(r"`(\w+: [^`]*)` in ((?:\w[^ ,]*\d\](?: and )?)+)", offer)
        for place in re.findall(r"\w[^ ]*\]", places)
        for option, value in re.findall(r"(\w+): (\[[^]]*\]|\w+)", options)
    ]
    shortcuts = re.findall("(?:add|write) `shortcut: (.*)`", offer)
    return [*overrides, *(f"layers.0.shortcut={value}" for value in shortcuts)]


def test_the_shapes_and_the_arithmetic_are_shown() -> None:
    found = problem(ReLU(), Residual(body=[conv(32, stride=2), ReLU()]))
    assert str(SpecError([found])) == (
        "branches-differ: residual1: body gives 32 x 16 x 16, but the input is 16 x 32 x 32\n"
        " --> layers[1].residual\n"
        " = residual1.body.conv1: output height and width: (32 + 2*1 - 3)//2 + 1 = 16\n"
        "help: add `shortcut: [conv: {out_channels: 32, kernel_size: 1, stride: 2}]`"
    )


def test_paths_lead_into_the_tree() -> None:
    block = Repeat(times=2, layers=[Parallel(paths=[[], [ReLU(), Linear(out_features=3)]])])
    found = problems(Residual(body=[ReLU(), block]))
    assert found[0].code == "not-features"
    assert found[0].path == (
        *("layers", 0, "residual", "body", 1, "repeat", "layers", 0, "parallel"),
        *("paths", 1, 1, "linear"),
    )


def test_a_problem_of_a_repeat_is_said_once_with_its_repetition() -> None:
    found = problem(Repeat(times=4, layers=[conv(24, in_channels=16)]))
    assert found.path == ("layers", 0, "repeat", "layers", 0, "conv", "in_channels")
    assert found.message == (
        "repeat1.1.conv1: `in_channels` is written as 16, but the layer receives 24"
    )
    assert found.notes[0] == "in repetition 2 of 4 of repeat1"
    assert found.help == "leave `in_channels` out: it is inferred"


ONE = {"kernel_size": 1, "padding": 0}
OF_ONE_SHAPE = (
    "have the layers of `repeat1` give the shape that they take, or write them out, "
    "one repetition after the other"
)

# layers that come three times over images of 16 x 32 x 32, what is offered, and what they then are
REPEATED: dict[str, tuple[list[AnyEntry], str, list[AnyEntry] | None]] = {
    "a width that holds in all repetitions": (
        [conv(16, in_channels=3)],
        "write 16, or leave `in_channels` out: it is inferred",
        [conv(16, in_channels=16)],
    ),
    "a width that holds in the first alone": (
        [conv(8, in_channels=3)],
        "leave `in_channels` out: it is inferred",
        [conv(8)],
    ),
    "two problems of one layer": (
        [conv(16, in_channels=3, groups=5)],
        "write 16, or leave `in_channels` out: it is inferred",
        None,
    ),
    "a branch whose offer the next repetition undoes": (
        [Parallel(merge="add", paths=[[conv(8)], []]), conv(8)],
        OF_ONE_SHAPE,
        [Parallel(merge="add", paths=[[conv(16)], []]), conv(16)],
    ),
    "a shortcut that is in the way": (
        [Residual(body=[ReLU()], shortcut=[conv(16)]), conv(8)],
        "leave `shortcut` out: body gives the shape of the input",
        [Residual(body=[ReLU()]), conv(8)],
    ),
    "a shortcut that all repetitions take": (
        [Residual(body=[conv(8, stride=2)]), conv(16)],
        "add `shortcut: [conv: {out_channels: 8, kernel_size: 1, stride: 2}]`",
        [Residual(body=[conv(8, stride=2)], shortcut=[conv(8, **ONE, stride=2)]), conv(16)],
    ),
    "a padding that all repetitions take": (
        [Residual(body=[conv(16, **PLAIN)])],
        "write `padding: 1` in body[0]",
        [Residual(body=[conv(16)])],
    ),
    "features that are repeated": (
        [conv(8), Flatten()],
        "move `flatten` behind `repeat1`, whose layers come again",
        [conv(8)],
    ),
    "features before images": (
        [Flatten(), conv(8)],
        "move `flatten` behind `repeat1`, whose layers come again",
        [conv(8)],
    ),
    "a kernel that fits in all": (
        [Pool(kernel_size=4)],
        "a kernel of at most 2 fits, or a padding of at least 1",
        [Pool(kernel_size=2)],
    ),
    "a kernel that fits once": ([conv(8, kernel_size=40, **PLAIN)], OF_ONE_SHAPE, [conv(8)]),
    "groups that divide in all": (
        [conv(8, groups=3), conv(24)],
        "1, 2, 4, 8 would do",
        [conv(8, groups=8), conv(24)],
    ),
    "groups that divide once": ([conv(8, groups=3), conv(5)], OF_ONE_SHAPE, [conv(16, groups=4)]),
}


@pytest.mark.parametrize(("layers", "offer", "then"), REPEATED.values(), ids=REPEATED)
def test_what_is_offered_in_a_repeat_fits_in_all_repetitions(
    layers: list[AnyEntry], offer: str, then: list[AnyEntry] | None
) -> None:
    assert problems(Repeat(times=3, layers=layers))[0].help == offer
    if then is not None:
        resolve(ModelSpec(input=(16, 32, 32), layers=[Repeat(times=3, layers=then), *END]))


def test_what_is_offered_is_tried_in_repeats_of_repeats() -> None:
    inner = Repeat(times=2, layers=[Parallel(merge="add", paths=[[conv(8)], []])])
    found = problem(Repeat(name="outer", times=2, layers=[inner, conv(16)]))
    assert found.help == "write `out_channels: 16` in paths[0][0]"
    found = problem(Repeat(name="outer", times=2, layers=[inner, conv(4)]))
    assert found.help == OF_ONE_SHAPE.replace("repeat1", "outer")


def test_a_problem_of_the_first_repetition_says_nothing_of_repetitions() -> None:
    found = problem(Repeat(times=4, layers=[conv(24, kernel_size=99)]))
    assert not any("repetition" in note for note in found.notes)


def test_repetitions_of_repetitions() -> None:
    shrink = Repeat(times=3, layers=[Pool(kernel_size=2)])
    found = problem(Repeat(name="outer", times=2, layers=[ReLU(), shrink]))
    assert found.notes[:2] == (
        "in repetition 2 of 2 of outer",
        "in repetition 3 of 3 of outer.1.repeat1",
    )


def test_branches_that_differ_hide_only_what_hangs_on_them() -> None:
    body = [conv(32), Conv(out_channels=3, kernel_size=99)]
    after = [Pool(kernel_size=99), conv(4, in_channels=3)]
    codes = [found.code for found in problems(Residual(body=[conv(32, stride=2)]), *body, *after)]
    assert codes == ["branches-differ"]


def test_paths_that_differ_from_each_other_alone_are_found() -> None:
    text = """
input: [4, 8, 8]
layers:
  - parallel:
      merge: add
      paths: [[conv: {kernel_size: 3}], [conv: {out_channels: 2, kernel_size: 3}], [relu]]
"""
    (found,) = [
        found for found in inspect_spec(text).diagnostics if found.code == "branches-differ"
    ]
    assert found.message == (
        "parallel1: paths[2] gives 4 x 8 x 8, but paths[0] gives ? x 6 x 6: "
        "a sum takes equal shapes"
    )
    text = text.replace("{kernel_size: 3}", "{out_channels: 3}")
    (found,) = [
        found for found in inspect_spec(text).diagnostics if found.code == "branches-differ"
    ]
    assert found.message == (
        "parallel1: paths[1] gives 2 x 6 x 6, but paths[0] gives 3 x ? x ?: "
        "a sum takes equal shapes"
    )


def test_names_are_told_apart_in_each_list() -> None:
    plan_of(ReLU(name="act"), Residual(body=[ReLU(name="act")], name="block"), ReLU(name="body"))
    found = problem(Residual(name="act", body=[ReLU()]), ReLU(name="act"))
    assert (found.code, found.path[-1]) == ("duplicate-name", "name")
    inside = problem(Repeat(times=3, layers=[ReLU(name="a"), ReLU(name="a")]))
    assert inside.path == ("layers", 0, "repeat", "layers", 1, "relu", "name")


# Limits.


def test_layers_are_counted_before_anything_is_repeated() -> None:
    many = Repeat(times=10_000, layers=[Repeat(times=10_000, layers=[ReLU()])])
    found = problem(ReLU(), many)
    assert found.message == "the network has 100,000,003 layers; the limit is 10,000"
    assert found.path == ("layers", 1, "repeat")


def test_blocks_that_are_one_object_are_counted_once() -> None:
    block: AnyEntry = ReLU()
    for _ in range(MOST_NESTED):
        block = Parallel(paths=[[block] * 50] * MOST_PATHS)
    found = problem(block)
    assert found.code == "too-many-layers"
    assert "about 10^" in found.message


def test_the_limit_counts_joins_and_repetitions() -> None:
    block = Residual(body=[Repeat(times=2, layers=[ReLU(), ReLU()])])
    assert count_layers([block, ReLU()]) == 6
    assert count_layers([Residual(body=[ReLU()], shortcut=[ReLU(), ReLU()])]) == 4
    assert count_layers([Parallel(paths=[[], [ReLU(), block], [ReLU()]])]) == 8
    spec = ModelSpec(input=S, layers=[block, *END])
    resolve(spec.model_copy(update={"limits": spec.limits.model_copy(update={"layers": 7})}))
    with pytest.raises(SpecError, match=r"7 layers; the limit is 6(.|\n)*`limits: \{layers: 7\}`"):
        resolve(spec.model_copy(update={"limits": spec.limits.model_copy(update={"layers": 6})}))


@pytest.mark.parametrize("paths", [2, 4, pytest.param(MOST_PATHS, marks=pytest.mark.slow)])
def test_what_doubles_without_end_is_told_where_it_passes_the_limit(paths: int) -> None:
    wider = Parallel(paths=[[]] * paths)
    found = problems(Repeat(times=9000, layers=[wider]), Residual(body=[conv(3)]))
    assert [each.code for each in found] == ["too-many-activations"]
    assert len("".join(found[0].notes)) < 4000


def test_behind_what_has_to_be_smaller_anyway_no_parameters_are_counted() -> None:
    wide = conv(10**12, kernel_size=1, padding=0)
    assert [each.code for each in problems(wide, conv(10**12))] == [
        "too-many-parameters",  # of the first conv by itself
        "too-many-activations",
    ]
    wider = Repeat(times=30, layers=[Parallel(paths=[[], []])])
    assert [each.code for each in problems(wider)] == ["too-many-activations"]


def test_without_a_valid_limit_nothing_is_repeated_without_end() -> None:
    text = RESNET.replace("times: 3", "times: 10000") + "limits: {layers: many}\n"
    with mock.patch("cnnspec.spec.checks.place_layers", side_effect=AssertionError):
        assert [found.code for found in inspect_spec(text).diagnostics] == ["wrong-type"]


def nested(depth: int) -> AnyEntry:
    entry: AnyEntry = ReLU()
    for _ in range(depth):
        entry = Residual(body=[entry])
    return entry


def test_blocks_are_nested_to_a_depth() -> None:
    deepest = plan_of(nested(MOST_NESTED)).layers[0].name
    assert deepest.count("residual1") == MOST_NESTED
    with pytest.raises(ValidationError, match="blocks stand more than 8 deep within each other"):
        nested(MOST_NESTED + 1)


def test_the_deepest_tree_can_be_written_and_read_back() -> None:
    entry: AnyEntry = Conv(out_channels=2, kernel_size=(1, 3), padding=(0, 1))
    for _ in range(MOST_NESTED):
        entry = Parallel(paths=[[entry], []], merge="concat")
    spec = ModelSpec(input=S, layers=[entry, *END])
    assert parse_spec(dump_spec(spec)).layers == spec.layers


# The kinds.


def test_where_entries_stand_is_what_the_annotations_say() -> None:
    for kind in COMPOSITES.values():
        lists = {
            option: str(field.annotation).count("Sequence[")
            for option, field in kind.model_fields.items()
            if "Sequence[" in str(field.annotation)
        }
        assert lists == dict(kind.lists)
        if kind.ending:
            assert kind.ending in kind.lists


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("layers 0", True),
        ("layers", False),
        ("layers x", False),
        ("layers 0 conv", False),
        ("layers 0 residual body 3", True),
        ("layers 0 residual body", False),
        ("layers 0 residual name 0", False),
        ("layers 0 residual paths 0", False),
        ("layers 0 parallel paths 0", False),
        ("layers 0 parallel paths 0 1", True),
        ("layers 0 parallel paths 0 1 repeat layers 2", True),
        ("layers 0 parallel paths 0 repeat layers 2", False),
        ("layers 0 conv body 0", False),
    ],
)
def test_kinds_at(path: str, known: bool) -> None:
    steps = tuple(int(step) if step.isdecimal() else step for step in path.split())
    assert kinds_at(steps) == (ENTRIES if known else {})


def test_the_limit_of_repetitions_is_that_of_layers() -> None:
    with pytest.raises(ValidationError):
        Repeat(times=MOST_LAYERS + 1, layers=[ReLU()])


# What is held between sections, within blocks.


def found(layers: str, rest: str = "", input: str = "[4, 8, 8]") -> list[tuple[str, str]]:
    """Return the code and the path of each problem of a spec."""
    text = f"input: {input}\nlayers: {layers}\n{rest}"
    return [(each.code, show_path(each.path)) for each in inspect_spec(text).diagnostics]


SAME = "conv: {out_channels: 4, kernel_size: 3, padding: 1}"
ENDS = "flatten, linear: {out_features: 10}"

BETWEEN = {
    "too many parameters": (
        f"[residual: {{body: [relu, {SAME}]}}, {ENDS}]",
        "limits: {parameters: 100}",
        [("too-many-parameters", "layers[0].residual.body[1].conv")],
    ),
    "too many in the third repetition": (
        f"[repeat: {{times: 5, layers: [{SAME}]}}, {ENDS}]",
        "limits: {parameters: 400}",
        [("too-many-parameters", "layers[0].repeat.layers[0].conv")],
    ),
    "too many activations in a join": (
        f"[parallel: {{paths: [[], []]}}, {ENDS}]",
        "training: {batch_size: 1}\nlimits: {activations: 300}",
        [("too-many-activations", "layers[0].parallel")],
    ),
    "a batch of one": (
        f"[pool: {{kernel_size: 8}}, residual: {{body: [relu, batch_norm]}}, {ENDS}]",
        "training: {batch_size: 1}",
        [("one-value", "layers[1].residual.body[1].batch_norm")],
    ),
    "a rectified end": (
        f"[{ENDS}, repeat: {{times: 2, layers: [linear: {{out_features: 10}}, relu]}}]",
        "",
        [("rectified-logits", "layers[2].repeat.layers[1].relu")],
    ),
    "a rectified end that is dropped": (
        f"[{ENDS}, repeat: {{times: 2, layers: [linear: {{out_features: 10}}, relu, dropout]}}]",
        "",
        [
            ("dropped-logits", "layers[2].repeat.layers[2].dropout"),
            ("rectified-logits", "layers[2].repeat.layers[1].relu"),
        ],
    ),
    "an end that leaks": (f"[{ENDS}, leaky_relu]", "", []),
    "nothing is dropped": (f"[{ENDS}, dropout: {{p: 0}}]", "", []),
    "a branch may be rectified": (
        f"[{ENDS}, residual: {{body: [linear: {{out_features: 10}}, relu]}}]",
        "",
        [],
    ),
    "one logit": (
        "[flatten, repeat: {times: 1, layers: [linear: {out_features: 1}]}]",
        "",
        [("one-logit", "layers[1].repeat.layers[0].linear")],
    ),
    "no parameters": (
        "[residual: {body: [relu]}, flatten]",
        "",
        [("no-parameters", "layers")],
    ),
    "parameters in a block alone": (
        "[residual: {body: [batch_norm]}, flatten]",
        "",
        [],
    ),
    "too few logits": (
        f"[{ENDS}, repeat: {{times: 2, layers: [linear: {{out_features: 3}}, relu, relu]}}]",
        "data: digits",
        [
            ("rectified-logits", "layers[2].repeat.layers[2].relu"),
            ("too-few-logits", "layers[2].repeat.layers[0].linear.out_features"),
        ],
    ),
    "too few logits of a block": (
        "[flatten, parallel: {paths: [[linear: {out_features: 3}], [linear: {out_features: 4}]]}]",
        "data: digits",
        [("too-few-logits", "layers[1].parallel")],
    ),
    "images at the end": (
        "[residual: {body: [batch_norm]}]",
        "",
        [("ends-in-images", "layers[0].residual")],
    ),
    "images at the end, and data": (
        "[residual: {body: [batch_norm]}]",
        "data: digits",
        [("no-logits", "layers[0].residual")],
    ),
}


@pytest.mark.parametrize(("layers", "rest", "wanted"), BETWEEN.values(), ids=BETWEEN)
def test_what_is_held_between_sections(
    layers: str, rest: str, wanted: list[tuple[str, str]]
) -> None:
    image = "[1, 8, 8]" if "data" in rest else "[4, 8, 8]"
    assert sorted(found(layers, rest, image)) == sorted(wanted)


HIDES = {
    "a wrong option of a layer": (
        f"[residual: {{body: [conv: {{out_channels: many, kernel_size: 99}}, {SAME}]}}, {ENDS}]",
        [
            ("wrong-type", "layers[0].residual.body[0].conv.out_channels"),
            ("kernel-too-large", "layers[0].residual.body[0].conv.kernel_size"),
        ],
    ),
    "an unknown kind in a path": (
        "[parallel: {paths: [[mish, conv: {out_channels: 2, kernel_size: 99}], [lstm]]}, "
        "flatten, linear: {out_features: 10, in_features: 3}]",
        [
            ("unknown-kind", "layers[0].parallel.paths[0][0]"),
            ("kernel-too-large", "layers[0].parallel.paths[0][1].conv.kernel_size"),
            ("unknown-kind", "layers[0].parallel.paths[1][0]"),
        ],
    ),
    "wrong options of a block": (
        f"[residual: {{name: 1, shortcut: no, body: [linear: {{out_features: 3}}]}}, {ENDS}]",
        [
            ("wrong-type", "layers[0].residual.name"),
            ("wrong-type", "layers[0].residual.shortcut"),
            ("not-features", "layers[0].residual.body[0].linear"),
        ],
    ),
    "how often is not known": (
        f"[repeat: {{times: often, layers: [pool: {{kernel_size: 2}}]}}, {SAME}, "
        "pool: {kernel_size: 5}, batch_norm: {num_features: 5}, "
        f"{ENDS}]",
        [
            ("wrong-type", "layers[0].repeat.times"),
            ("input-width", "layers[3].batch_norm.num_features"),
        ],
    ),
    "a merge that there is not": (
        f"[parallel: {{merge: mix, paths: [[{SAME}], [conv: {{out_channels: 1, "
        f"kernel_size: 99}}]]}}, {ENDS}]",
        [
            ("wrong-value", "layers[0].parallel.merge"),
            ("kernel-too-large", "layers[0].parallel.paths[1][0].conv.kernel_size"),
        ],
    ),
}


@pytest.mark.parametrize(("layers", "wanted"), HIDES.values(), ids=HIDES)
def test_one_problem_in_a_block_hides_no_other(layers: str, wanted: list[tuple[str, str]]) -> None:
    assert sorted(found(layers)) == sorted(wanted)


# In Python.


def test_python_and_yaml_say_the_same() -> None:
    shortcut = [Conv(out_channels=16, kernel_size=1)]
    block = Residual(name="block", body=[conv(16), BatchNorm(), ReLU()], shortcut=[BatchNorm()])
    assert parse_spec(RESNET).layers == (
        conv(16, bias=False),
        Repeat(times=3, layers=[block, ReLU()]),
        Parallel(paths=[[Conv(out_channels=8, kernel_size=1)], []]),
        Parallel(merge="add", paths=([], ("relu",))),  # type: ignore[list-item]
        Flatten(),
        Linear(out_features=10),
    )
    assert Residual(body=[ReLU()], shortcut=shortcut).shortcut == tuple(shortcut)


def test_a_list_that_is_given_may_be_changed_afterwards() -> None:
    path: list[AnyEntry] = [ReLU()]
    paths = [path, []]
    block = Parallel(paths=paths)
    path.append(ReLU())
    paths.append([])
    assert block == Parallel(paths=[[ReLU()], []])
    with pytest.raises(ValidationError, match="frozen"):
        block.paths = ()


@pytest.mark.parametrize("way", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_trees_and_their_plans_can_be_copied_and_pickled(way: Any) -> None:
    spec = parse_spec(RESNET)
    assert way(spec) == spec
    plan = way(resolve(spec))
    assert laid_out(plan) == laid_out(resolve(spec))
    assert plan.state == resolve(spec).state


def helps(layers: str) -> list[tuple[str, str]]:
    text = f"input: [4, 8, 8]\nlayers: [{layers}, {ENDS}]"
    return [(each.message, each.help) for each in inspect_spec(text).diagnostics]


BARE = "conv: {out_channels: 4, kernel_size: 3}"
WIDER = "residual: {body: [conv: {out_channels: 8, kernel_size: 1}]}"


def test_after_one_wrong_block_the_next_one_is_helped_with_what_is_known() -> None:
    path = f"parallel: {{paths: [[], [{BARE}]]}}"
    told = helps(f"{WIDER}, residual: {{body: [{BARE}]}}, residual: {{body: [flatten]}}")
    assert told[1:] == [
        (
            "residual2: body gives 4 x 6 x 6, but the input is ? x 8 x 8",
            "write `padding: 1` in body[0]",
        ),
        (
            "residual3: body gives features, but the input is 4 x ? x ?",
            "have both give images, or both give features: images and features do not join",
        ),
    ]
    assert helps(f"{WIDER}, {path}")[1][1] == "write `padding: 1` in paths[1][0]"


@pytest.mark.parametrize(
    ("block", "cause"),
    [
        ("residual: {body: [linear: {out_features: 3}]}", "not-features"),
        (f"parallel: {{paths: [[], [{ENDS}, {BARE}, flatten]]}}", "not-an-image"),
    ],
)
def test_of_a_layer_that_does_not_take_its_input_only_the_cause_is_told(
    block: str, cause: str
) -> None:
    assert [code for code, _ in found(f"[{block}, flatten]")] == [cause]


# Lists: what is written, what is told, and what is written then.
LISTS = {
    "residual: {layers: [relu]}": ("did you mean `body`?", "residual: {body: [relu]}"),
    "parallel: {layers: [[relu], []]}": (
        "did you mean `paths`?",
        "parallel: {paths: [[relu], []]}",
    ),
    "repeat: {times: 2, body: [relu]}": (
        "did you mean `layers`?",
        "repeat: {times: 2, layers: [relu]}",
    ),
    "residual: [body: [relu], shortcut: [relu]]": (
        "write `residual: {body: [...], shortcut: [...]}`: options stand in no list",
        "residual: {body: [relu], shortcut: [relu]}",
    ),
    "parallel: [merge: add, paths: [[relu], []]]": (
        "write `parallel: {merge: add, paths: [[...], [...]]}`: options stand in no list",
        "parallel: {merge: add, paths: [[relu], []]}",
    ),
    "repeat: [relu]": (
        "put it under `layers:`, as in `repeat: {times: 2, layers: [...]}`",
        "repeat: {times: 2, layers: [relu]}",
    ),
    "parallel: [[relu], []]": (
        "put it under `paths:`, as in `parallel: {paths: [[...], [...]]}`",
        "parallel: {paths: [[relu], []]}",
    ),
    "residual: {body: relu}": ("write `[relu]`", "residual: {body: [relu]}"),
    "residual: {body: gru}": (
        "write a list of layers, as in `[relu]`",
        "residual: {body: [relu]}",
    ),
    f"residual: {{body: {{{SAME}}}}}": ("write `[conv: {...}]`", f"residual: {{body: [{SAME}]}}"),
    "residual: {body: null}": (
        "write layers into it, as in `body: [relu]`, or leave the whole block out",
        "residual: {body: [relu]}",
    ),
    **{
        f"residual: {{body: [relu], shortcut: {nothing}}}": (
            "leave it out, or write `[]`: the input itself is added",
            "residual: {body: [relu], shortcut: []}",
        )
        for nothing in ("null", "true", "identity", "None")
    },
    **{
        f"parallel: {{paths: [[relu], {nothing}]}}": (
            "write `[]`: an empty path is the input itself",
            "parallel: {paths: [[relu], []]}",
        )
        for nothing in ("null", "false", "identity")
    },
    f"parallel: {{paths: [[relu], {SAME}]}}": (
        "a path is a list: write `[conv: {...}]`",
        f"parallel: {{paths: [[relu], [{SAME}]]}}",
    ),
    "parallel: {paths: [{branch: [relu]}, []]}": (
        "a path is a list: write it without `branch:`",
        "parallel: {paths: [[relu], []]}",
    ),
    "parallel: {paths: {a: [relu], b: [relu]}}": (
        "write a list of paths without names, as in `paths: [[...], [...]]`",
        "parallel: {paths: [[relu], [relu]]}",
    ),
    "parallel: {paths: relu}": (
        "write two paths or more, as in `paths: [[relu], []]`",
        "parallel: {paths: [[relu], []]}",
    ),
    "residual: {body: [[relu, relu]]}": (
        "layers stand in one list, one after the other: take these out of theirs",
        "residual: {body: [relu, relu]}",
    ),
    "residual: {body: [relu, []]}": ("leave it out", "residual: {body: [relu]}"),
}


@pytest.mark.parametrize(("written", "told"), LISTS.items(), ids=LISTS)
def test_what_stands_in_the_place_of_a_list_is_told_what_to_write(
    written: str, told: tuple[str, str]
) -> None:
    way_out, then = told
    assert [said for _, said in helps(written)] == [way_out]
    assert helps(then) == []


def test_the_layers_of_a_layer_are_no_limit() -> None:
    ((_, way_out),) = helps("relu: {layers: [relu]}")
    assert "limits" not in way_out
