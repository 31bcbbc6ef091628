"""Shapes of which some sizes are not known, and the problems along the layers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cnnspec.errors import ShapeError
from cnnspec.spec.layers import KINDS, Conv, Flatten, Layer, Linear, Pool, ReLU
from cnnspec.spec.layers.window import Windows, misfits
from cnnspec.spec.shapes import Entry, Unknown, layer_names, place_layers
from cnnspec.spec.sizes import PartialShape, is_known, show

CONV = Conv(out_channels=6, kernel_size=3)
POOL = Pool(kernel_size=2)
LINEAR = Linear(out_features=5)

# layer, input, output
OUTLINES: dict[str, tuple[Layer, PartialShape | None, PartialShape | None]] = {
    "conv, all known": (CONV, (2, 8, 9), (6, 6, 7)),
    "conv, nothing known": (CONV, None, (6, None, None)),
    "conv, no channels": (CONV, (None, 8, 9), (6, 6, 7)),
    "conv, no height": (CONV, (2, None, 9), (6, None, 7)),
    "conv, too small": (CONV, (2, 2, 9), (6, None, 7)),
    "conv, features": (CONV, (10,), None),
    "conv, a feature that is not known": (CONV, (None,), None),
    "conv, same": (Conv(out_channels=6, kernel_size=4, padding="same"), (2, 1, None), (6, 1, None)),
    "pool, all known": (POOL, (2, 8, 9), (2, 4, 4)),
    "pool, nothing known": (POOL, None, (None, None, None)),
    "pool, no width": (POOL, (2, 8, None), (2, 4, None)),
    "pool, too small": (POOL, (2, 1, 9), (2, None, 4)),
    "pool, features": (POOL, (10,), None),
    "flatten, all known": (Flatten(), (2, 3, 4), (24,)),
    "flatten, one not known": (Flatten(), (2, None, 4), (None,)),
    "flatten, nothing known": (Flatten(), None, (None,)),
    "flatten, features": (Flatten(), (7,), (7,)),
    "linear, all known": (LINEAR, (7,), (5,)),
    "linear, nothing known": (LINEAR, None, (5,)),
    "linear, images": (LINEAR, (2, 3, 4), (5,)),
    "relu, nothing known": (ReLU(), None, None),
    "relu, some known": (ReLU(), (2, None, 3), (2, None, 3)),
}


@pytest.mark.parametrize(("layer", "input", "output"), OUTLINES.values(), ids=OUTLINES)
def test_outline(layer: Layer, input: PartialShape | None, output: PartialShape | None) -> None:
    assert layer.outline(input) == output


def drafted(kind: type[Layer], **options: Any) -> Layer:
    """Return a layer of which the other options are not valid: None."""
    return kind.model_construct(**{**dict.fromkeys(kind.model_fields), **options})


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("input", [None, (4,), (None,), (2, 8, 8), (2, None, 8), (None,) * 3])
def test_nothing_is_said_of_options_that_are_not_known(
    kind: type[Layer], input: PartialShape | None
) -> None:
    draft = drafted(kind)
    draft.outline(input)
    if input is not None:
        codes = {problem.code for problem in draft.problems(input)}
        assert codes <= {"not-an-image", "not-features"}


def test_what_is_known_of_a_draft() -> None:
    assert drafted(Conv, out_channels=6).outline((2, 8, 8)) == (6, None, None)
    assert drafted(Conv).outline((2, 8, 8)) == (None, None, None)
    assert drafted(Pool).outline((2, 8, 8)) == (2, None, None)
    assert drafted(Linear).outline((2,)) == (None,)


PROBLEMS: dict[str, tuple[Layer, PartialShape, list[tuple[str, str | None]]]] = {
    "conv on features": (CONV, (10,), [("not-an-image", None)]),
    "conv on a feature that is not known": (CONV, (None,), [("not-an-image", None)]),
    "conv on images": (CONV, (2, 8, 8), []),
    "a kernel that is too large for one axis": (
        CONV,
        (2, 8, 2),
        [("kernel-too-large", "kernel_size")],
    ),
    "a size that is not known is never too small": (CONV, (2, None, None), []),
    "one size that is known and too small": (
        CONV,
        (None, None, 2),
        [("kernel-too-large", "kernel_size")],
    ),
    "all at once": (
        Conv(out_channels=3, kernel_size=9, groups=2, in_channels=7),
        (3, 8, 8),
        [("input-width", "in_channels"), ("groups", "groups"), ("kernel-too-large", "kernel_size")],
    ),
    "channels that are not known are divisible": (
        Conv(out_channels=4, kernel_size=1, groups=2, in_channels=7),
        (None, 8, 8),
        [],
    ),
    "out_channels are known": (
        Conv(out_channels=3, kernel_size=1, groups=2),
        (None, 8, 8),
        [("groups", "groups")],
    ),
    "same with a stride": (
        Conv(out_channels=3, kernel_size=9, padding="same", stride=(1, 2)),
        (3, 8, 8),
        [("same-stride", "padding")],
    ),
    "pool on features": (POOL, (4,), [("not-an-image", None)]),
    "pool with too much padding": (
        Pool(kernel_size=(2, 3), padding=(1, 2)),
        (None, None, None),
        [("padding-too-large", "padding")],
    ),
    "pool with a kernel that is too large": (
        POOL,
        (1, 1, None),
        [("kernel-too-large", "kernel_size")],
    ),
    "linear on images": (LINEAR, (None, None, None), [("not-features", None)]),
    "linear with a written width": (
        Linear(out_features=5, in_features=4),
        (3,),
        [("input-width", "in_features")],
    ),
    "linear with a width that is not known": (Linear(out_features=5, in_features=4), (None,), []),
    "relu": (ReLU(), (None,), []),
    "flatten": (Flatten(), (2, 2, 2), []),
}


@pytest.mark.parametrize(("layer", "input", "wanted"), PROBLEMS.values(), ids=PROBLEMS)
def test_problems(layer: Layer, input: PartialShape, wanted: list[tuple[str, str | None]]) -> None:
    assert [(problem.code, problem.option) for problem in layer.problems(input)] == wanted


@pytest.mark.parametrize(("layer", "input", "wanted"), PROBLEMS.values(), ids=PROBLEMS)
def test_output_shape_raises_the_first_problem(
    layer: Layer, input: PartialShape, wanted: list[tuple[str, str | None]]
) -> None:
    if wanted and is_known(input):
        with pytest.raises(ShapeError) as caught:
            layer.output_shape(input)
        assert (caught.value.code, caught.value.option) == wanted[0]


def test_show() -> None:
    assert show((16, None, 14)) == "16 x ? x 14"
    assert show((10,)) == "10"


def test_is_known() -> None:
    assert is_known((1, 2, 3))
    assert not is_known((1, None, 3))
    assert not is_known(None)


# Windows.


def windows(**options: Any) -> Windows:
    return Windows(**{"axis": "height", "kernel": 3, "stride": 1, "padding": (0, 0), **options})


@pytest.mark.parametrize(
    ("at", "size", "count"),
    [
        (windows(), 3, 1),
        (windows(), 2, None),
        (windows(), None, None),
        (windows(padding=(1, 1)), 1, 1),
        (windows(padding=(0, 1)), 2, 1),
        (windows(stride=2), 8, 3),
        (windows(stride=2, ceil_mode=True), 8, 4),
        (windows(stride=2, ceil_mode=True), 7, 3),
        (windows(kernel=1, stride=3, ceil_mode=True), 3, 1),
        (windows(kernel=2, stride=2, padding=(1, 1), ceil_mode=True), 4, 3),
        (windows(kernel=3, stride=4, ceil_mode=True), 2, 1),
        (windows(kernel=3, stride=1, ceil_mode=True), 2, None),
        (windows(kernel=6, stride=4, padding=(1, 1), ceil_mode=True), 1, 1),
        (windows(kernel=7, stride=4, padding=(1, 1), ceil_mode=True), 1, None),
        (windows(dilation=3), 7, 1),
        (windows(dilation=3), 6, None),
    ],
)
def test_count(at: Windows, size: int | None, count: int | None) -> None:
    assert at.count(size) == count


def test_extent_and_room() -> None:
    at = windows(kernel=4, dilation=3, padding=(1, 2))
    assert at.extent == 10
    assert at.room(10) == 3
    assert at.room(6) == -1


def test_arithmetic() -> None:
    assert windows(kernel=7).arithmetic(5) == "(5 + 2*0 - 7)//1 + 1 = -1"
    assert windows(kernel=9, stride=3, padding=(1, 1)).arithmetic(4) == "(4 + 2*1 - 9)//3 + 1 = 0"
    assert windows(padding=(0, 1)).arithmetic(1) == "(1 + 0 + 1 - 3)//1 + 1 = 0"
    ceil = windows(kernel=7, stride=4, ceil_mode=True)
    assert ceil.arithmetic(3) == "(3 + 2*0 - 7 + 4 - 1)//4 + 1 = 0"
    beyond = windows(kernel=1, stride=3, ceil_mode=True)
    assert beyond.arithmetic(3) == (
        "(3 + 2*0 - 1 + 3 - 1)//3 + 1 = 2, of which the last would start behind the input: 1"
    )


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("ceil", [{}, {"stride": 4, "ceil_mode": True}])
def test_the_kernel_and_the_padding_that_are_offered_are_the_nearest_that_fit(
    size: int, padding: int, dilation: int, ceil: dict[str, Any]
) -> None:
    base = {"kernel": 20, "padding": (padding, padding), "dilation": dilation, **ceil}
    (problem,) = misfits((windows(**base),), (size,))
    found = re.fullmatch(
        "a kernel of at most ([0-9]+) fits, or a padding of at least ([0-9]+)", problem.help
    )
    assert found is not None
    kernel, pads = map(int, found.groups())
    assert kernel >= 1
    assert windows(**{**base, "kernel": kernel}).room(size) >= 0
    assert windows(**{**base, "kernel": kernel + 1}).room(size) < 0
    assert windows(**{**base, "padding": (pads, pads)}).room(size) >= 0
    assert windows(**{**base, "padding": (pads - 1, pads - 1)}).room(size) < 0


def test_both_axes_are_one_problem() -> None:
    axes = (windows(kernel=5), windows(axis="width", kernel=7))
    assert list(misfits(axes, (5, 7))) == []
    assert list(misfits(axes, (None, None))) == []
    (both,) = misfits(axes, (4, 4))
    assert both.notes == (
        "output height: (4 + 2*0 - 5)//1 + 1 = 0",
        "output width: (4 + 2*0 - 7)//1 + 1 = -2",
    )
    (width,) = misfits(axes, (5, 4))
    assert width.message.startswith("the kernel's width (7) ")
    assert width.notes == ("output width: (4 + 2*0 - 7)//1 + 1 = -2",)
    (same,) = misfits((windows(), windows(axis="width")), (2, 2))
    assert same.notes == ("output height and width: (2 + 2*0 - 3)//1 + 1 = 0",)


# Layers one after the other.


def test_layer_names() -> None:
    layers = [("conv", None), ("conv", "first"), (None, None), ("conv", None), (None, "x")]
    assert layer_names(layers) == ["conv1", "first", "layer1", "conv3", "x"]


def test_a_layer_of_an_unknown_kind_hides_what_follows_up_to_the_next_that_tells() -> None:
    layers: list[Entry] = [
        CONV,
        Unknown(None),
        Linear(out_features=5),
        Linear(out_features=10, in_features=4),
    ]
    placed = place_layers((2, 8, 8), layers)
    assert [problem.code for problem in placed.problems] == ["input-width"]
    assert [item.name for item in placed.layers] == ["conv1"]
    assert placed.output == (10,)
    (problem,) = placed.problems
    assert problem.path == ("layers", 3, "linear", "in_features")
    assert problem.notes == ("shapes: linear1 5 -> linear2",)


def test_the_shapes_up_to_a_problem_are_shown() -> None:
    layers: list[Entry] = [POOL, ReLU(), POOL, POOL, POOL, Pool(kernel_size=3), Flatten()]
    placed = place_layers((1, 32, 32), layers)
    (problem,) = placed.problems
    assert problem.notes[-1] == (
        "shapes: ... -> pool1 1 x 16 x 16 -> pool2 1 x 8 x 8 -> pool3 1 x 4 x 4 "
        "-> pool4 1 x 2 x 2 -> pool5"
    )


def test_without_an_input_only_what_is_sure_is_said() -> None:
    layers: list[Entry] = [Conv(out_channels=2, kernel_size=99), LINEAR, POOL]
    placed = place_layers(None, layers)
    assert [problem.code for problem in placed.problems] == ["not-features", "not-an-image"]
    assert placed.layers == []
    assert placed.output is None
