"""The plan: names, shapes, parameters and counts, worked out by hand."""

import math
from pathlib import Path
from typing import Any

import pytest

from cnnspec import (
    BatchNorm,
    Conv,
    Digits,
    Flatten,
    Linear,
    ModelSpec,
    Normal,
    Pool,
    ReLU,
    SpecError,
    Training,
    load_spec,
    resolve,
)
from cnnspec.plan import INPUT, PlannedLayer, resolve_to_train, write_out
from cnnspec.spec.layers import AnyLayer
from cnnspec.spec.sizes import Shape

LENET5 = Path(__file__).parents[1] / "specs" / "lenet5.yaml"

# name, kind, input, output, parameters, multiply-accumulates
BY_HAND = [
    (
        "conv1",
        "conv",
        (1, 28, 28),
        (6, 28, 28),
        {"weight": (6, 1, 5, 5), "bias": (6,)},
        156,
        6 * 28 * 28 * 25,
    ),
    ("relu1", "relu", (6, 28, 28), (6, 28, 28), {}, 0, 0),
    ("pool1", "pool", (6, 28, 28), (6, 14, 14), {}, 0, 0),
    (
        "conv2",
        "conv",
        (6, 14, 14),
        (16, 10, 10),
        {"weight": (16, 6, 5, 5), "bias": (16,)},
        2_416,
        16 * 10 * 10 * 150,
    ),
    ("relu2", "relu", (16, 10, 10), (16, 10, 10), {}, 0, 0),
    ("pool2", "pool", (16, 10, 10), (16, 5, 5), {}, 0, 0),
    ("flatten1", "flatten", (16, 5, 5), (400,), {}, 0, 0),
    (
        "linear1",
        "linear",
        (400,),
        (120,),
        {"weight": (120, 400), "bias": (120,)},
        48_120,
        48_000,
    ),
    ("relu3", "relu", (120,), (120,), {}, 0, 0),
    ("linear2", "linear", (120,), (84,), {"weight": (84, 120), "bias": (84,)}, 10_164, 10_080),
    ("relu4", "relu", (84,), (84,), {}, 0, 0),
    ("linear3", "linear", (84,), (10,), {"weight": (10, 84), "bias": (10,)}, 850, 840),
]


def test_lenet5() -> None:
    plan = resolve(load_spec(LENET5))
    assert [
        (
            layer.name,
            layer.kind,
            layer.input,
            layer.output,
            dict(layer.parameters),
            layer.parameter_count,
            layer.macs,
        )
        for layer in plan.layers
    ] == BY_HAND
    assert plan.name == "lenet5"
    assert plan.input == (1, 28, 28)
    assert plan.classes == 10
    assert plan.parameter_count == 61_706
    assert plan.macs == 416_520
    assert plan.parameters == {
        "conv1.weight": (6, 1, 5, 5),
        "conv1.bias": (6,),
        "conv2.weight": (16, 6, 5, 5),
        "conv2.bias": (16,),
        "linear1.weight": (120, 400),
        "linear1.bias": (120,),
        "linear2.weight": (84, 120),
        "linear2.bias": (84,),
        "linear3.weight": (10, 84),
        "linear3.bias": (10,),
    }
    assert list(plan.parameters)[:2] == ["conv1.weight", "conv1.bias"]


def planned(layer: AnyLayer, input: Shape) -> PlannedLayer:
    """Resolve a layer alone, on images."""
    return resolve(ModelSpec(input=input, layers=[layer, Flatten()])).layers[0]


# layer, input, output, shape of the weights, multiply-accumulates
CONVS: dict[str, tuple[dict[str, Any], Shape, Shape, Shape, int]] = {
    "plain": ({"kernel_size": 3}, (2, 5, 7), (6, 3, 5), (6, 2, 3, 3), 6 * 3 * 5 * 18),
    "pair": ({"kernel_size": (3, 1)}, (2, 5, 7), (6, 3, 7), (6, 2, 3, 1), 6 * 3 * 7 * 6),
    "padding": (
        {"kernel_size": 3, "padding": (1, 2)},
        (2, 5, 7),
        (6, 5, 9),
        (6, 2, 3, 3),
        6 * 5 * 9 * 18,
    ),
    "stride": (
        {"kernel_size": 2, "stride": (2, 3)},
        (2, 5, 7),
        (6, 2, 2),
        (6, 2, 2, 2),
        6 * 2 * 2 * 8,
    ),
    "dilation": (
        {"kernel_size": 3, "dilation": (2, 3)},
        (2, 5, 7),
        (6, 1, 1),
        (6, 2, 3, 3),
        6 * 18,
    ),
    "same": (
        {"kernel_size": (4, 3), "padding": "same", "dilation": (1, 2)},
        (2, 5, 7),
        (6, 5, 7),
        (6, 2, 4, 3),
        6 * 5 * 7 * 24,
    ),
    "groups": (
        {"kernel_size": 3, "groups": 2},
        (2, 5, 7),
        (6, 3, 5),
        (6, 1, 3, 3),
        6 * 3 * 5 * 9,
    ),
    "whole input": ({"kernel_size": (5, 7)}, (2, 5, 7), (6, 1, 1), (6, 2, 5, 7), 6 * 70),
}


@pytest.mark.parametrize(
    ("options", "input", "output", "weight", "macs"), CONVS.values(), ids=CONVS
)
def test_convolutions(
    options: dict[str, Any], input: Shape, output: Shape, weight: Shape, macs: int
) -> None:
    layer = planned(Conv(out_channels=6, **options), input)
    assert (layer.output, dict(layer.parameters), layer.macs) == (
        output,
        {"weight": weight, "bias": (6,)},
        macs,
    )
    without = planned(Conv(out_channels=6, bias=False, **options), input)
    assert dict(without.parameters) == {"weight": weight}
    assert without.parameter_count == math.prod(weight) == layer.parameter_count - 6


@pytest.mark.parametrize(
    ("kernel_size", "dilation", "pads"),
    [
        (1, 1, (0, 0)),
        (2, 1, (0, 1)),
        (3, 1, (1, 1)),
        (4, 1, (1, 2)),
        (2, 3, (1, 2)),
        (3, 2, (2, 2)),
    ],
)
def test_padding_same_has_the_odd_cell_after(
    kernel_size: int, dilation: int, pads: tuple[int, int]
) -> None:
    tall = Conv(
        out_channels=1, kernel_size=(kernel_size, 1), dilation=(dilation, 1), padding="same"
    )
    assert tall.pads() == (pads, (0, 0))
    wide = Conv(
        out_channels=1, kernel_size=(1, kernel_size), dilation=(1, dilation), padding="same"
    )
    assert wide.pads() == ((0, 0), pads)


# options, input, output
POOLS: dict[str, tuple[dict[str, Any], Shape, Shape]] = {
    "plain": ({"kernel_size": 2}, (3, 6, 8), (3, 3, 4)),
    "odd": ({"kernel_size": 2}, (3, 7, 5), (3, 3, 2)),
    "odd, ceil": ({"kernel_size": 2, "ceil_mode": True}, (3, 7, 5), (3, 4, 3)),
    "overlapping": ({"kernel_size": 3, "stride": 2}, (3, 7, 5), (3, 3, 2)),
    "overlapping, ceil": ({"kernel_size": 3, "stride": 2, "ceil_mode": True}, (3, 6, 5), (3, 3, 2)),
    "pair": ({"kernel_size": (3, 2), "stride": (1, 2)}, (3, 5, 6), (3, 3, 3)),
    "padding": ({"kernel_size": 3, "padding": (1, 0)}, (3, 5, 6), (3, 2, 2)),
    "a window that would start in the padding after": (
        {"kernel_size": 2, "stride": 2, "padding": 1, "ceil_mode": True},
        (3, 4, 5),
        (3, 3, 3),
    ),
    "a window that would start beyond the input": (
        {"kernel_size": 1, "stride": 3, "ceil_mode": True},
        (3, 3, 4),
        (3, 1, 2),
    ),
}


@pytest.mark.parametrize(("options", "input", "output"), POOLS.values(), ids=POOLS)
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_pools(options: dict[str, Any], input: Shape, output: Shape, kind: str) -> None:
    layer = planned(Pool(kind=kind, **options), input)
    assert (layer.output, dict(layer.parameters), layer.macs) == (output, {}, 0)


def test_linear_without_bias() -> None:
    plan = resolve(
        ModelSpec(input=(2, 3, 4), layers=[Flatten(), Linear(out_features=5, bias=False)])
    )
    assert plan.parameters == {"linear1.weight": (5, 24)}
    assert (plan.parameter_count, plan.macs, plan.classes) == (120, 120, 5)


def test_batch_norm() -> None:
    layers = [
        Conv(out_channels=3, kernel_size=1, bias=False),
        BatchNorm(),
        Flatten(),
        BatchNorm(affine=False),
    ]
    plan = resolve(ModelSpec(input=(2, 3, 4), layers=layers))
    assert [layer.output for layer in plan.layers] == [(3, 3, 4), (3, 3, 4), (36,), (36,)]
    assert plan.parameters == {
        "conv1.weight": (3, 2, 1, 1),
        "batch_norm1.weight": (3,),
        "batch_norm1.bias": (3,),
    }
    assert plan.buffers == {
        "batch_norm1.running_mean": (3,),
        "batch_norm1.running_var": (3,),
        "batch_norm2.running_mean": (36,),
        "batch_norm2.running_var": (36,),
    }
    assert list(plan.state) == [*plan.parameters, *plan.buffers]
    assert plan.state == plan.parameters | plan.buffers
    assert plan.parameter_count == 6 + 3 + 3
    assert [layer.macs for layer in plan.layers] == [72, 0, 0, 0]
    written = write_out(ModelSpec(input=(2, 3, 4), layers=layers)).layers
    assert (written[1].num_features, written[3].num_features) == (3, 36)


def test_names_are_kind_and_number_unless_they_are_written() -> None:
    layers = [ReLU(), ReLU(name="act"), ReLU(), Flatten(), Flatten(name="relu9"), ReLU()]
    plan = resolve(ModelSpec(input=(1, 2, 2), layers=layers))
    assert [layer.name for layer in plan.layers] == [
        "relu1",
        "act",
        "relu3",
        "flatten1",
        "relu9",
        "relu4",
    ]
    assert plan.layer("act") is plan.layers[1]
    with pytest.raises(KeyError, match="relu2"):
        plan.layer("relu2")


def test_each_layer_of_a_chain_reads_the_one_before_it() -> None:
    spec = ModelSpec(input=(1, 2, 3), layers=[ReLU(name="act"), Flatten(), Linear(out_features=5)])
    layers = resolve(spec).layers
    assert [layer.inputs for layer in layers] == [(INPUT,), ("act",), ("flatten1",)]
    assert [layer.input_shapes for layer in layers] == [((1, 2, 3),), ((1, 2, 3),), ((6,),)]
    assert [layer.input for layer in layers] == [(1, 2, 3), (1, 2, 3), (6,)]


def test_a_layer_is_not_called_as_the_images_are() -> None:
    with pytest.raises(ValueError, match="wanted another name, since `input` stands for the imag"):
        ReLU(name=INPUT)


def test_the_initialization_is_in_the_plan() -> None:
    spec = ModelSpec(input=(1, 2, 2), layers=[Flatten()], initialization=Normal(std=0.5))
    assert resolve(spec).initialization == Normal(std=0.5)


def test_write_out() -> None:
    spec = ModelSpec(
        name="some",
        input=(1, 8, 8),
        layers=[
            Conv(out_channels=4, kernel_size=3, padding="same"),
            ReLU(name="act"),
            Pool(kernel_size=(2, 4)),
            Pool(kernel_size=2, stride=1),
            Flatten(),
            Linear(out_features=10),
        ],
        data=Digits(),
        training=Training(epochs=3),
    )
    out = write_out(spec)
    assert out == ModelSpec(
        name="some",
        input=(1, 8, 8),
        layers=[
            Conv(name="conv1", out_channels=4, kernel_size=3, padding="same", in_channels=1),
            ReLU(name="act"),
            Pool(name="pool1", kernel_size=(2, 4), stride=(2, 4)),
            Pool(name="pool2", kernel_size=2, stride=1),
            Flatten(name="flatten1"),
            Linear(name="linear1", out_features=10, in_features=12),
        ],
        data=Digits(),
        training=Training(epochs=3),
    )
    assert write_out(out) == out
    assert [(layer.name, layer.output) for layer in resolve(out).layers] == [
        (layer.name, layer.output) for layer in resolve(spec).layers
    ]
    assert spec.layers[0].name is None


def test_what_does_not_fit_is_refused_with_every_problem() -> None:
    spec = ModelSpec(
        input=(1, 8, 8),
        layers=[
            Linear(out_features=3),
            ReLU(name="act"),
            Pool(kernel_size=2),
            ReLU(name="act"),
            Conv(out_channels=2, kernel_size=9),
        ],
    )
    shown = (
        "duplicate-name: two layers are named `act`: number 2 and 4\n"
        " --> layers[3].relu.name\n"
        "help: rename one of them\n"
        "\n"
        "not-features: linear1: `linear` takes features, but receives images of 1 x 8 x 8\n"
        " --> layers[0].linear\n"
        " = shapes: input 1 x 8 x 8 -> linear1\n"
        "help: put `- flatten` before it\n"
        "\n"
        "not-an-image: pool1: `pool` takes images (channels x height x width), "
        "but receives 3 features\n"
        " --> layers[2].pool\n"
        " = shapes: input 1 x 8 x 8 -> linear1 3 -> pool1\n"
        "help: move `pool` before `flatten`"
    )
    for refuses in (resolve, write_out):
        with pytest.raises(SpecError) as caught:
            refuses(spec)
        assert str(caught.value) == shown
        assert [problem.location for problem in caught.value.diagnostics] == [None] * 3


def test_a_spec_may_end_in_images() -> None:
    plan = resolve(ModelSpec(input=(1, 8, 8), layers=[Conv(out_channels=2, kernel_size=3)]))
    assert plan.output == (2, 6, 6)
    assert resolve(ModelSpec(input=(1, 2, 3), layers=[Flatten()])).output == (6,)


def test_images_at_the_end_are_refused_where_a_loss_is_needed() -> None:
    spec = ModelSpec(input=(1, 8, 8), layers=[ReLU()])
    with pytest.raises(SpecError) as caught:
        resolve_to_train(spec)
    for refuses in (resolve, resolve_to_train):
        with pytest.raises(SpecError, match="no-logits"):
            refuses(spec.model_copy(update={"data": Digits()}))
    features = spec.model_copy(update={"layers": (Flatten(), Linear(out_features=2))})
    assert resolve_to_train(features) == resolve(features)
    assert str(caught.value) == (
        "no-logits: relu1: the last layer gives images of 1 x 8 x 8, "
        "but logits are wanted: one number for each class\n"
        " --> layers[0].relu\n"
        "help: end with `- flatten` and `- linear: {out_features: ...}`"
    )


def test_a_plan_does_not_change() -> None:
    plan = resolve(load_spec(LENET5))
    with pytest.raises(AttributeError):
        plan.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        plan.layers[0].parameters["weight"] = (1,)  # type: ignore[index]
