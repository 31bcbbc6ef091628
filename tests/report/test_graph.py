"""The picture of a plan: to scale, complete, within its page, and with no text over another."""

import dataclasses
import itertools
import math
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, get_args

import pytest

from cnnspec.compare.planted.random_specs import random_spec
from cnnspec.plan import Plan, PlannedLayer, resolve, write_out
from cnnspec.report.graph import plan_svg
from cnnspec.report.legend import COLOURS
from cnnspec.spec import load_spec
from cnnspec.spec.composites import AnyEntry, Parallel, Repeat, Residual
from cnnspec.spec.layers import (
    AnyLayer,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    Join,
    Linear,
    Pool,
    ReLU,
)
from cnnspec.spec.layers.layer import Family
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.sizes import Shape, show

SVG = "{http://www.w3.org/2000/svg}"
SPECS = Path(__file__).parents[2] / "specs"

# Advances in hundredths of an em of DejaVu Sans Bold, the widest of the usual fonts; the
# regular letters are narrower. Letters that are not here are at most 100 wide.
ADVANCES = {
    50: "'ijl /IJ\\|,.:;-f!()[]tr_`",
    60: '"*?zcs',
    73: "LvxyakEFTeo$0123456789hnu{}SYbdgpqCPZ",
    86: "BAKRVXUGD#+<=>HN^~OQ",
    112: "mW",
}

RECT = "x", "y", "width", "height"

Point = tuple[float, float]


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def holds(self, other: "Box") -> bool:
        return (
            self.left < other.left
            and other.right < self.right
            and self.top < other.top
            and other.bottom < self.bottom
        )


class Picture:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.source = plan_svg(plan)
        self.root = ET.fromstring(self.source)
        self.groups = {  # of activations, by the layer that gives each
            group.findtext(f"{SVG}title", "").split(":")[0]: group
            for group in self.root.iter(f"{SVG}g")
            if any(part.get("class") == "front" for part in group)
        }

    @property
    def texts(self) -> list[str]:
        return [element.text or "" for element in self.root.iter(f"{SVG}text")]

    @property
    def frames(self) -> list[Box]:
        return [box_of(part) for part in self.root.iter() if part.get("class") == "frame"]

    @property
    def page(self) -> Box:
        return Box(*map(float, self.root.attrib["viewBox"].split()))

    def parts(self, block: str, name: str) -> list[ET.Element]:
        return [part for part in self.groups[block] if part.get("class") == name]

    def part(self, block: str, name: str) -> list[Point]:
        (found,) = self.parts(block, name)
        return points(found)

    def thickness(self, block: str) -> float:
        front = self.part(block, "front")
        return front[1][0] - front[0][0]

    def height(self, block: str) -> float:
        front = self.part(block, "front")
        return front[2][1] - front[1][1]

    def depth(self, block: str) -> float:
        front, back = self.part(block, "side")[:2]
        return math.dist(front, back)


def points(element: ET.Element) -> list[Point]:
    x_and_y = (pair.split(",") for pair in element.attrib["points"].split())
    return [(float(x), float(y)) for x, y in x_and_y]


def box_of(element: ET.Element) -> Box:
    if element.tag == f"{SVG}text":
        size, text = float(element.attrib["font-size"]), element.text or ""
        bold = element.get("font-weight") == "bold"
        ems = sum(next((a for a, b in ADVANCES.items() if c in b), 100) for c in text) / 100
        width = size * ems * (1 if bold else 0.93)
        x, y = float(element.attrib["x"]), float(element.attrib["y"])
        left = x - width / 2 if element.get("text-anchor") == "middle" else x
        return Box(left, y - 0.8 * size, left + width, y + 0.24 * size)
    if element.tag == f"{SVG}rect":
        left, top, width, height = (float(element.attrib[name]) for name in RECT)
        return Box(left, top, left + width, top + height)
    xs, ys = zip(*points(element))
    return Box(min(xs), min(ys), max(xs), max(ys))


def assert_within_page(net: Picture) -> None:
    page = net.page
    for element in net.root.iter():
        if element.tag == f"{SVG}text" or {"points", "rx"} & element.attrib.keys():
            box = box_of(element)
            assert page.left < box.left <= box.right < page.right, (element.text, element.attrib)
            assert page.top < box.bottom < page.bottom, (element.text, element.attrib)
            assert page.top < box.top, (element.text, element.attrib)


def assert_texts_apart(net: Picture) -> None:
    texts = [(element.text, box_of(element)) for element in net.root.iter(f"{SVG}text")]
    for (text, box), (other, its) in itertools.combinations(texts, 2):
        assert not box.meets(its), (text, other)
    for element in net.root.iter():
        if "points" not in element.attrib:
            continue
        corners = points(element)
        # a line that turns a corner is as many boxes as it has parts
        pieces = itertools.pairwise(corners) if element.tag == f"{SVG}polyline" else [corners]
        for piece in pieces:
            xs, ys = zip(*piece)
            line = Box(min(xs) - 0.5, min(ys) - 0.5, max(xs) + 0.5, max(ys) + 0.5)
            for text, box in texts:
                assert not box.meets(line), (text, element.attrib)


def assert_frames_apart(net: Picture) -> None:
    frames = net.frames
    things = [
        box_of(part)
        for part in net.root.iter()
        if part.tag == f"{SVG}text" or part.get("class") in ("front", "side", "break")
    ]
    for number, frame in enumerate(frames):
        for other in [*frames[number + 1 :], *things]:
            assert not frame.meets(other) or frame.holds(other) or other.holds(frame)


def model(shape: tuple[int, int, int], *layers: AnyEntry, name: str = "model") -> Plan:
    return resolve(ModelSpec(name=name, input=shape, layers=layers))


def conv(channels: int) -> Conv:
    return Conv(out_channels=channels, kernel_size=3, padding=1)


def named_conv(name: str) -> Conv:
    return Conv(name=name, out_channels=4, kernel_size=3, padding=1)


def vgg() -> Plan:
    layers: list[AnyLayer] = []
    for channels, times in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        layers += [*(conv(channels), ReLU()) * times, Pool(kernel_size=2)]
    layers += [Flatten(), Linear(out_features=4096), ReLU(), Linear(out_features=1000)]
    return model((3, 224, 224), *layers, name="vgg")


def long_names() -> Plan:
    names = ["a_layer_whose_name_takes_more_than_a_line_has", "W" * 100, "under_" * 9]
    first, second, third = (
        Conv(
            name=name,
            out_channels=2048,
            kernel_size=(3, 5),
            stride=(1, 2),
            padding=(1, 0),
            dilation=(1, 2),
            bias=False,
        )
        for name in names
    )
    acting = ReLU(name="another_name_that_is_far_too_long")
    return model((3, 90, 200), first, acting, second, third, Flatten(), name="W" * 100)


def larger(plan: Plan, *shapes: Shape) -> Plan:
    """Give a plan shapes that a spec may not have: there are limits."""
    layers = [
        dataclasses.replace(layer, input_shapes=(before,), output=after)
        for layer, (before, after) in zip(plan.layers, itertools.pairwise(shapes))
    ]
    return dataclasses.replace(plan, input=shapes[0], layers=tuple(layers))


def nested(around: Callable[[list[AnyEntry]], AnyEntry], deep: int = 8) -> Plan:
    entries: list[AnyEntry] = [conv(4)]
    for _ in range(deep):
        entries = [around(entries)]
    return model((4, 8, 8), *entries, Flatten(), Linear(out_features=3))


def long_blocks() -> Plan:
    inner = Residual(name="m" * 100, body=[named_conv("W" * 100)])
    times = Repeat(name="r" * 100, times=3, layers=[named_conv("under_" * 16)])
    return model((4, 8, 8), Residual(name="W" * 100, body=[inner]), times, Flatten())


PLANS = {
    **{path.stem: resolve(load_spec(path)) for path in sorted(SPECS.glob("*.yaml"))},
    "vgg": vgg(),
    "100 layers": model((3, 32, 32), *(conv(16), ReLU()) * 49, Flatten(), Linear(out_features=10)),
    "100 blocks": model((8, 9, 9), *[conv(8 + i) for i in range(99)], Flatten()),
    "100 in place": model((1, 4, 4), Flatten(), *[ReLU()] * 99),
    "one layer": model((3, 20, 60), Flatten()),
    "one pixel": model((1, 1, 1), Conv(out_channels=1, kernel_size=1), ReLU(), Flatten()),
    "2048 channels": model((3, 7, 7), conv(2048), Pool(kernel_size=7), Flatten()),
    "not square": model((3, 20, 60), conv(12), ReLU(), Pool(kernel_size=(1, 2)), Flatten()),
    "one row of pixels": model((1, 1, 900), conv(4), Flatten(), Linear(out_features=2)),
    "one column of pixels": model((1, 900, 1), conv(4), Flatten(), Linear(out_features=2)),
    "50,000 features": model((2, 250, 100), Flatten(), Linear(out_features=10)),
    "long names": long_names(),
    "long names of blocks": long_blocks(),
    "8 residuals": nested(lambda inside: Residual(body=[*inside, ReLU()])),
    "8 repeats": nested(lambda inside: Repeat(times=2, layers=[*inside, ReLU()])),
    "8 parallels": nested(lambda inside: Parallel(paths=[[], inside, [conv(4)]])),
    "4 shortcuts": nested(lambda inside: Residual(body=[conv(4), *inside], shortcut=inside), 4),
    "64 paths": model((4, 8, 8), Parallel(paths=[[conv(4), ReLU()]] * 64), Flatten()),
    "no paths": model((4, 8, 8), Parallel(paths=[[], []]), ReLU(), Flatten()),
    "long bodies": model(
        (4, 8, 8), Residual(body=[conv(4)] * 20), Repeat(times=3, layers=[conv(4)] * 20), Flatten()
    ),
    "branches of features": model(
        (4, 8, 6), Flatten(), Parallel(paths=[[Linear(out_features=20), ReLU()], []]), name="x"
    ),
    "images at the end": model((4, 8, 6), Residual(body=[conv(4), ReLU()])),
    **{f"random {number}": resolve(random_spec(6, number)) for number in range(30)},
    "large numbers": larger(model((3, 2, 2), Flatten()), (200_000, 2000, 2000), (8 * 10**11,)),
    "large kernel": larger(
        model((3, 2, 2), Conv(out_channels=1, kernel_size=2), Flatten()),
        (200_000, 2000, 2000),
        (1, 1, 1),
        (1,),
    ),
}
every_plan = pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)


def test_sizes_are_in_proportion() -> None:
    net = Picture(
        model(
            (10, 20, 60),
            Conv(name="a", out_channels=40, kernel_size=1),
            Pool(name="b", kernel_size=(2, 1)),
            Pool(name="c", kernel_size=(1, 3)),
            Flatten(name="d"),
            Linear(name="e", out_features=4000),
            Linear(name="f", out_features=3000),
        )
    )
    shapes = {"input": (10, 20, 60), "a": (40, 20, 60), "b": (40, 10, 60), "c": (40, 10, 20)}
    ratios = {
        "channels": [net.thickness(name) / shape[0] for name, shape in shapes.items()],
        "height": [net.height(name) / shape[1] for name, shape in shapes.items()],
        "width": [net.depth(name) / shape[2] for name, shape in shapes.items()],
        "features": [net.height(name) / n for name, n in (("d", 8000), ("e", 4000), ("f", 3000))],
    }
    for ratio in ratios.values():
        assert ratio == pytest.approx([ratio[0]] * len(ratio), rel=2e-3)
    # a cabinet projection: depth at half the length
    assert ratios["width"][0] == pytest.approx(ratios["height"][0] / 2, rel=2e-3)
    assert not [text for text in net.texts if text.startswith(("Enlarged", "Broken"))]


def test_scale_bars_say_the_truth() -> None:
    net = Picture(PLANS["lenet5"])
    space, channels, features = (
        points(part) for part in net.root.iter() if part.get("class") == "bar"
    )
    said = [text for text in net.texts if "pixel" in text or "channel" in text or "feature" in text]
    assert said == [
        "10 pixels: height upright, width slanted",
        "10 channels",
        "100 features",
    ]
    top, corner, end = space
    assert math.dist(top, corner) / 10 == pytest.approx(net.height("conv1") / 28, rel=2e-3)
    assert math.dist(corner, end) / 10 == pytest.approx(net.depth("conv1") / 28, rel=2e-3)
    assert math.dist(*channels) / 10 == pytest.approx(net.thickness("conv1") / 6, rel=2e-3)
    assert math.dist(*features) / 100 == pytest.approx(net.height("flatten1") / 400, rel=2e-3)


def test_what_is_tiny_is_enlarged_and_the_legend_says_so() -> None:
    net = Picture(PLANS["2048 channels"])
    assert net.thickness("conv1") == pytest.approx(64)
    assert net.thickness("input") == pytest.approx(2.5)
    assert "Enlarged, to be visible: fewer than 80 channels." in net.texts
    layers = Pool(kernel_size=100), Flatten(), Linear(out_features=900), Linear(out_features=900)
    small = Picture(model((4, 100, 100), *layers))
    assert small.height("pool1") == pytest.approx(2.5)
    assert small.depth("pool1") == pytest.approx(2.5 * math.sqrt(2), abs=0.02)
    assert small.height("flatten1") == pytest.approx(2.5)
    assert (
        "Enlarged, to be visible: fewer than 3 pixels of height, fewer than 6 pixels of width, "
        "fewer than 21 features."
    ) in " ".join(small.texts)


def test_long_columns_are_broken_and_the_legend_says_so() -> None:
    net = Picture(PLANS["50,000 features"])
    assert net.part("flatten1", "break")
    assert net.height("flatten1") == pytest.approx(140)
    assert net.height("linear1") == pytest.approx(40)
    assert "Broken, not to scale: columns of more than 10 features." in net.texts
    whole = Picture(PLANS["lenet5"])
    assert not [part for part in whole.root.iter() if part.get("class") == "break"]
    assert not [text for text in whole.texts if text.startswith("Broken")]


def joins(plan: Plan) -> list[PlannedLayer]:
    """Return the joins that are drawn."""
    return [
        layer
        for layer in plan.layers
        if isinstance(layer.layer, Join) and in_first_repetitions(layer.name) == layer.name
    ]


@every_plan
def test_every_layer_stands_in_the_picture(plan: Plan) -> None:
    net = Picture(plan)
    titles = [group.findtext(f"{SVG}title", "") for group in net.groups.values()]
    said = {part.split(", ")[0] for title in titles for part in title.split("; ")}
    # names that are folded stand on several lines, one after the other
    printed = "".join(net.texts)
    for layer in plan.layers:
        assert all(part in printed for part in re.split(r"\.(?:\d+\.)?", layer.name))
        if in_first_repetitions(layer.name) == layer.name:
            assert f"{layer.name}: {show(layer.output)}" in said
            assert show(layer.output) in net.texts
            if layer.parameter_count:
                assert f"{layer.parameter_count:,}" in printed
    assert show(plan.input) in net.texts


def in_first_repetitions(name: str) -> str:
    """Return the name of a layer in the first repetitions of all repeats around it."""
    return re.sub(r"(?<!\bpaths)\.\d+\.", ".0.", name)


def test_labels() -> None:
    layers: list[AnyLayer] = [
        Conv(out_channels=4, kernel_size=(3, 1), stride=2, padding=(1, 0), groups=2, bias=False),
        Pool(kernel_size=3, stride=2, padding=1, kind="avg", ceil_mode=True),
        Pool(kernel_size=2),
        ReLU(name="act"),
        Flatten(),
        Linear(out_features=1),
    ]
    net = Picture(model((2, 16, 16), *layers))
    assert [part.text for part in net.groups["conv1"].iter(f"{SVG}text")] == [
        "conv1",
        "conv 3 x 1",
        "stride 2",
        "padding 1 x 0",
        "groups 2",
        "no bias",
        "12",
        "parameters",
        "4 x 8 x 8",
    ]
    assert [part.text for part in net.groups["pool1"].iter(f"{SVG}text")] == [
        "pool1",
        "avg pool",
        "3 x 3",
        "stride 2",
        "padding 1",
        "ceil mode",
        "4 x 5 x 5",
    ]
    assert [part.text for part in net.groups["pool2"].iter(f"{SVG}text")] == [
        "pool2",
        "max pool",
        "2 x 2",
        "4 x 2 x 2",
        "act",
        "relu",
    ]
    assert [part.text for part in net.groups["linear1"].iter(f"{SVG}text")] == [
        "linear1",
        "linear",
        "17",
        "parameters",
        "1",
        "logits",
    ]


def test_written_out_spec_gives_the_same_picture() -> None:
    spec = load_spec(SPECS / "lenet5.yaml")
    assert plan_svg(resolve(write_out(spec))) == plan_svg(resolve(spec))


def test_layers_that_keep_the_shape_share_a_block() -> None:
    net = Picture(model((1, 8, 8), ReLU(), conv(1), ReLU(), Flatten(), ReLU(), Dropout()))
    assert list(net.groups) == ["input", "conv1", "flatten1"]
    # each that acts has an edging in its colour, the last where the data leave
    assert [len(net.parts(name, "edging")) for name in net.groups] == [1, 1, 2]
    last, first = net.parts("flatten1", "edging")
    assert first.get("fill") != last.get("fill") != net.parts("flatten1", "front")[0].get("fill")
    assert first.get("fill") == net.parts("input", "edging")[0].get("fill")
    beside, inside = box_of(last), box_of(first)
    assert inside.right <= beside.right
    assert inside.left < beside.left
    front = box_of(net.parts("flatten1", "front")[0])
    assert inside.left >= (front.left + front.right) / 2
    plain = Picture(model((1, 8, 8), conv(1), Flatten()))
    assert not [part for part in plain.root.iter() if part.get("class") == "edging"]


def test_head() -> None:
    net = Picture(PLANS["lenet5"])
    title, counts = net.texts[:2]
    assert title == net.root.findtext(f"{SVG}title") == "lenet5: 1 x 28 x 28 -> 10 logits"
    assert counts == "12 layers, 61,706 parameters, 416,520 MACs for one image"
    described = net.root.findtext(f"{SVG}desc", "")
    assert described.startswith(counts)
    assert "conv2: 16 x 10 x 10, conv 5 x 5, 2,416 parameters; relu2: 16 x 10 x 10, relu." in (
        described
    )
    assert net.root.attrib["role"] == "img"


@every_plan
def test_nothing_lies_outside_of_the_page(plan: Plan, request: pytest.FixtureRequest) -> None:
    net = Picture(plan)
    most = 1500 if "8" in request.node.name else 1240 if joins(plan) else 1100
    assert net.page.right <= most
    assert net.root.attrib["width"] == f"{net.page.right:g}"
    assert net.root.attrib["height"] == f"{net.page.bottom:g}"
    assert_within_page(net)


@every_plan
def test_frames_stand_apart_or_within_each_other(plan: Plan) -> None:
    """And so do texts and blocks, and frames."""
    assert_frames_apart(Picture(plan))


@every_plan
def test_no_text_meets_another_or_a_block_or_a_line(plan: Plan) -> None:
    assert_texts_apart(Picture(plan))


@every_plan
def test_blocks_and_lines_stay_apart(plan: Plan) -> None:
    net = Picture(plan)
    blocks = [
        (name, [box_of(part) for part in group if part.get("class") in ("front", "side", "break")])
        for name, group in net.groups.items()
    ]
    for (name, boxes), (other, its) in itertools.combinations(blocks, 2):
        for one, two in itertools.product(boxes, its):
            assert not one.meets(two), (name, other)
    arrows = [box_of(part) for part in net.root.iter() if part.get("class") == "arrow"]
    # one to each block but the input; into a join, one from the left, from above and from below
    assert len(arrows) == len(blocks) - 1 + sum(min(3, len(join.inputs)) for join in joins(plan))
    for arrow in arrows:
        for name, boxes in blocks:
            assert not any(arrow.meets(box) for box in boxes), name


def test_every_family_has_a_colour_of_its_own() -> None:
    assert COLOURS.keys() == set(get_args(Family))
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_legend_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "a family of layers with quite a long name"
    monkeypatch.setitem(COLOURS, name, "#000000")
    monkeypatch.setattr(Conv, "family", name)
    net = Picture(PLANS["lenet5"])
    boxes = [box_of(part) for part in net.root.iter() if part.get("class") == "swatch"]
    assert len({box.top for box in boxes}) == 2
    assert_within_page(net)
    assert_texts_apart(net)


def test_long_chains_wrap_into_rows_that_fill_the_page() -> None:
    net = Picture(PLANS["100 blocks"])
    rows: dict[float, list[float]] = {}
    for part in net.root.iter():
        if part.get("class") == "arrow":
            tip = points(part)[1]
            rows.setdefault(tip[1], []).append(tip[0])
    counts = [len(row) for row in rows.values()]
    assert sum(counts) == 100
    assert 12 < len(rows) < 25
    assert list(rows) == sorted(rows)
    assert max(counts) - min(counts) <= 2
    # each row but the last reaches the right margin
    ends = [max(row) for row in rows.values()][:-1]
    assert max(ends) - min(ends) < 40
    assert min(ends) > net.page.right - 150


def residual() -> Plan:
    first, second = conv(8), Conv(out_channels=8, kernel_size=1)
    block = Residual(body=[first, BatchNorm(), ReLU()], shortcut=[second])
    return model((3, 8, 8), block, ReLU(), Flatten(), Linear(out_features=2))


def test_branches_stand_one_below_the_other_and_meet() -> None:
    net = Picture(residual())
    assert list(net.groups) == [
        "input",
        "residual1.body.conv1",
        "residual1.shortcut.conv1",
        "residual1.add",
        "flatten1",
        "linear1",
    ]
    body, shortcut = (net.part(f"residual1.{name}.conv1", "front") for name in BRANCHES)
    assert body[2][1] < shortcut[0][1]
    (frame,) = net.frames
    (ring,) = (part for part in net.root.iter() if part.get("class") == "join")
    at, axis = float(ring.attrib["cx"]), float(ring.attrib["cy"])
    assert body[1][0] < at < frame.right < net.part("residual1.add", "front")[0][0]
    # it is met from the left and from below
    tips = [points(part)[1] for part in net.root.iter() if part.get("class") == "arrow"]
    assert {(at - 8, axis), (at, axis + 8)} <= {*tips}
    sign, name = (text for text in net.root.iter(f"{SVG}text") if text.text in ("+", "add"))
    assert float(sign.attrib["x"]) == at < float(name.attrib["x"])
    for word in ("residual1", *BRANCHES):
        (text,) = (text for text in net.root.iter(f"{SVG}text") if text.text == word)
        assert frame.holds(box_of(text))
    # what follows the join acts on what the join gives
    assert net.part("residual1.add", "edging")
    assert {"joining branches", "relu1"} <= {*net.texts}


BRANCHES = "body", "shortcut"


def test_branches_without_layers_are_arrows_that_go_round() -> None:
    paths: list[list[AnyEntry]] = [[], [conv(4)], []]
    net = Picture(model((3, 8, 8), Parallel(paths=paths, name="both"), Flatten()))
    assert {"both", "paths.1", "||", "concat", "10 x 8 x 8"} <= {*net.texts}
    heights = sorted(
        (float(text.attrib["y"]), text.text)
        for text in net.root.iter(f"{SVG}text")
        if text.text in ("the input itself", "paths.1")
    )
    # in the order in which they are joined
    assert [text for _, text in heights] == ["the input itself", "paths.1", "the input itself"]
    (words,) = net.root.iter(f"{SVG}desc")
    assert words.text is not None
    said = [sentence.partition(": ")[::2] for sentence in words.text.split(". ")]
    assert [(name, rest) for name, rest in said if rest == "the input itself"] == [
        *(("both.paths.0", "the input itself"), ("both.paths.2", "the input itself")),
    ]
    block = Residual(body=[conv(3)])
    (words,) = Picture(model((3, 8, 8), block, Flatten())).root.iter(f"{SVG}desc")
    assert ". residual1: the input itself. residual1.add: " in str(words.text)


def test_layers_at_the_start_of_a_branch_do_not_act_on_what_others_read() -> None:
    block = Parallel(paths=[[ReLU(), BatchNorm(), conv(4)], []])
    net = Picture(model((3, 8, 8), block, Flatten()))
    assert not [part for part in net.groups["input"] if part.get("class") == "edging"]
    assert net.part("parallel1.paths.0.relu1", "edging")


def test_layers_behind_a_repeat_do_not_act_within_it() -> None:
    net = Picture(model((3, 8, 8), Repeat(times=2, layers=[conv(3)]), ReLU(), Flatten()))
    assert list(net.groups) == ["input", "repeat1.0.conv1", "relu1", "flatten1"]


def test_repetitions_that_are_alike_are_drawn_once() -> None:
    net = Picture(model((3, 8, 8), Repeat(times=5, layers=[conv(3), ReLU()]), Flatten()))
    assert "repeat1: 5 times" in net.texts
    assert "84" in net.texts
    assert not [text for text in net.texts if "first to last" in text]
    assert len([part for part in net.root.iter() if part.get("class") == "sheet"]) == 2
    assert "repeat1: 5 times. repeat1.0.conv1: 3 x 8 x 8, conv 3 x 3" in (
        net.root.findtext(f"{SVG}desc", "")
    )
    once = Picture(model((3, 8, 8), Repeat(times=1, layers=[conv(3)]), Flatten()))
    assert "repeat1: 1 time" in once.texts
    assert not [part for part in once.root.iter() if part.get("class") == "sheet"]


def test_of_repetitions_that_differ_the_first_and_the_last_are_told() -> None:
    grows = Parallel(paths=[[conv(4)], []])
    net = Picture(model((3, 8, 8), Repeat(times=4, layers=[grows]), Flatten()))
    assert {"repeat1: 4 times", "shapes and counts: first to last"} <= {*net.texts}
    after = net.texts.index("112")
    assert net.texts[after : after + 3] == ["112", "to 544", "parameters"]
    after = net.texts.index("7 x 8 x 8")
    assert net.texts[after + 1] == "to 19 x 8 x 8"
    # the picture is to scale for the first
    thickness = net.thickness("repeat1.0.parallel1.concat")
    assert thickness / net.thickness("repeat1.0.parallel1.paths.0.conv1") == pytest.approx(7 / 4)


@pytest.mark.parametrize("name", ["resnet20", "densenet-small", "inception-small"])
def test_networks_with_branches_fit_on_a_sheet(name: str) -> None:
    page = Picture(PLANS[name]).page
    assert page.bottom < 1.75 * page.right


@pytest.mark.slow
def test_ten_thousand_layers_are_drawn_in_seconds() -> None:
    body = [Residual(body=[conv(2)])] * 1000
    started = time.process_time()
    flat = plan_svg(model((2, 2, 2), *[conv(2), ReLU()] * 4999, Flatten()))
    deep = plan_svg(model((2, 2, 2), Repeat(times=4, layers=body), Flatten()))
    assert time.process_time() - started < 8
    assert len(deep) < len(flat)


def test_names_are_escaped_and_the_text_is_ascii() -> None:
    plan = PLANS["lenet5"]
    first = dataclasses.replace(plan.layers[0], name="<b>&\"'é")
    second = dataclasses.replace(plan.layers[1], name="]]>&amp;")
    plan = dataclasses.replace(
        plan, name="<x> & \N{SNOWMAN}", layers=(first, second, *plan.layers[2:])
    )
    net = Picture(plan)
    assert net.source.isascii()
    assert {"<b>&\"'é", "]]>&amp;"} <= set(net.texts)
    assert net.texts[0] == "<x> & \N{SNOWMAN}: 1 x 28 x 28 -> 10 logits"


def test_the_picture_is_self_contained_and_always_the_same() -> None:
    source = plan_svg(vgg())
    assert source == plan_svg(vgg())
    assert source.count("http") == 1
    tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(source).iter()}
    assert tags == {"svg", "title", "desc", "rect", "g", "text", "polygon", "polyline"}
    assert source.endswith("</svg>\n")
