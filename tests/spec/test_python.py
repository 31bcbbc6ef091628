"""The same specs built in Python."""

from typing import Any

import pydantic
import pytest

from cnnspec import (
    MNIST,
    NPZ,
    SGD,
    Adam,
    Conv,
    Digits,
    FashionMNIST,
    Flatten,
    Linear,
    ModelSpec,
    Normal,
    Normalize,
    Pool,
    ReLU,
    TorchDefault,
    Training,
    parse_spec,
)

TEXT = """\
name: model
input: [1, 28, 28]
layers:
  - conv: {out_channels: 16, kernel_size: 3, padding: 1}
  - relu
  - pool: {kernel_size: [2, 2]}
  - flatten
  - linear: {out_features: 10}
initialization: {normal: {std: 0.1}}
data:
  mnist: {normalize: {mean: [0.1307], std: [0.3081]}}
training:
  epochs: 5
  optimizer: {adam: {betas: [0.5, 0.75]}}
"""


def test_python_and_yaml_say_the_same() -> None:
    built = ModelSpec(
        name="model",
        input=(1, 28, 28),
        layers=[
            Conv(out_channels=16, kernel_size=3, padding=1),
            ReLU(),
            Pool(kernel_size=2),
            Flatten(),
            Linear(out_features=10),
        ],
        initialization=Normal(std=0.1),
        data=MNIST(normalize=Normalize(mean=[0.1307], std=(0.3081,))),
        training=Training(epochs=5, optimizer=Adam(betas=[0.5, 0.75])),
    )
    assert parse_spec(TEXT) == built


def test_lists_and_tuples_are_the_same() -> None:
    layers = [Flatten(), Linear(out_features=3)]
    as_lists = ModelSpec(input=[1, 2, 3], layers=layers)
    as_tuples = ModelSpec(input=(1, 2, 3), layers=tuple(layers))
    assert as_lists == as_tuples
    assert hash(as_lists) == hash(as_tuples)
    assert as_lists.input == (1, 2, 3)
    assert as_lists.layers == (Flatten(), Linear(out_features=3))


def test_a_list_that_is_given_may_be_changed_afterwards() -> None:
    layers = [Flatten(), Linear(out_features=3)]
    spec = ModelSpec(input=(1, 2, 3), layers=layers)
    layers.clear()
    assert spec.layers == (Flatten(), Linear(out_features=3))


def test_what_is_not_written() -> None:
    spec = ModelSpec(input=(1, 2, 3), layers=[Flatten()])
    assert spec.name == "model"
    assert spec.data is None
    assert spec.initialization == TorchDefault()
    assert spec.training == Training(
        epochs=1, batch_size=32, optimizer=SGD(), precision="float32", seed=0
    )
    assert SGD() == SGD(learning_rate=0.01, momentum=0, nesterov=False, weight_decay=0)
    assert Adam() == Adam(learning_rate=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)
    assert Conv(out_channels=2, kernel_size=3) == Conv(
        name=None,
        out_channels=2,
        kernel_size=3,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        in_channels=None,
    )
    assert Pool(kernel_size=3) == Pool(
        name=None, kind="max", kernel_size=3, stride=None, padding=0, ceil_mode=False
    )
    assert Linear(out_features=2) == Linear(name=None, out_features=2, bias=True, in_features=None)


@pytest.mark.parametrize("option", ["kernel_size", "stride", "padding", "dilation"])
def test_a_number_is_a_pair_of_equal_numbers(option: str) -> None:
    def conv(size: Any) -> Conv:
        return Conv(**{"out_channels": 2, "kernel_size": 1, option: size})

    assert conv(3) == conv((3, 3)) == conv([3, 3])
    assert hash(conv(3)) == hash(conv((3, 3)))
    assert getattr(conv((3, 3)), option) == 3
    assert conv([3, 5]) == conv((3, 5))
    assert getattr(conv([3, 5]), option) == (3, 5)
    assert conv((3, 5)) != conv((5, 3))


def test_whole_numbers_are_numbers() -> None:
    assert Adam(learning_rate=1) == Adam(learning_rate=1.0)
    assert type(Adam(learning_rate=1).learning_rate) is float
    assert Normalize(mean=[0], std=[1]) == Normalize(mean=(0.0,), std=(1.0,))


def test_words_and_mappings_stand_for_kinds_as_in_yaml() -> None:
    spec = ModelSpec(
        input=(1, 2, 3),
        layers=["flatten", {"linear": {"out_features": 3}}],
        data="digits",
        training={"optimizer": "adam"},
    )
    assert spec == ModelSpec(
        input=(1, 2, 3),
        layers=[Flatten(), Linear(out_features=3)],
        data=Digits(),
        training=Training(optimizer=Adam()),
    )


@pytest.mark.parametrize(
    "thing",
    [
        ModelSpec(input=(1, 2, 3), layers=[Flatten()]),
        Conv(out_channels=2, kernel_size=3),
        Pool(kernel_size=2),
        Linear(out_features=2),
        ReLU(),
        Flatten(),
        SGD(),
        Adam(),
        Normal(std=1),
        TorchDefault(),
        Training(),
        Digits(),
        MNIST(),
        FashionMNIST(),
        NPZ(path="a.npz"),
        Normalize(mean=[0], std=[1]),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_nothing_changes(thing: Any) -> None:
    for option in [*type(thing).model_fields, "unknown"]:
        with pytest.raises(pydantic.ValidationError):
            setattr(thing, option, None)
    assert len({thing, thing.model_copy()}) == 1


WRONG: dict[str, tuple[type, dict[str, Any]]] = {
    "missing": (Conv, {"out_channels": 2}),
    "unknown": (ReLU, {"inplace": True}),
    "zero channels": (Conv, {"out_channels": 0, "kernel_size": 3}),
    "negative channels": (Conv, {"out_channels": -1, "kernel_size": 3}),
    "channels with a point": (Conv, {"out_channels": 2.0, "kernel_size": 3}),
    "channels as text": (Conv, {"out_channels": "2", "kernel_size": 3}),
    "true channels": (Conv, {"out_channels": True, "kernel_size": 3}),
    "size with a point": (Conv, {"out_channels": 2, "kernel_size": 3.0}),
    "true size": (Conv, {"out_channels": 2, "kernel_size": True}),
    "zero size": (Conv, {"out_channels": 2, "kernel_size": 0}),
    "three sizes": (Conv, {"out_channels": 2, "kernel_size": (3, 3, 3)}),
    "one size": (Conv, {"out_channels": 2, "kernel_size": (3,)}),
    "sizes in a set": (Conv, {"out_channels": 2, "kernel_size": {3, 5}}),
    "size of nothing": (Conv, {"out_channels": 2, "kernel_size": None}),
    "padding below zero": (Conv, {"out_channels": 2, "kernel_size": 3, "padding": -1}),
    "padding of another kind": (Conv, {"out_channels": 2, "kernel_size": 3, "padding": "valid"}),
    "pool padding same": (Pool, {"kernel_size": 3, "padding": "same"}),
    "kind of pool": (Pool, {"kernel_size": 3, "kind": "mean"}),
    "one as true": (Linear, {"out_features": 2, "bias": 1}),
    "zero features": (Linear, {"out_features": 2, "in_features": 0}),
    "name with a point": (ReLU, {"name": "a.b"}),
    "empty name": (ReLU, {"name": ""}),
    "name with a newline": (ReLU, {"name": "a\n"}),
    "name that starts with a digit": (ReLU, {"name": "1a"}),
    "name in Greek": (ReLU, {"name": "λ"}),
    "rate below zero": (SGD, {"learning_rate": -0.1}),
    "rate that is no number": (SGD, {"learning_rate": float("nan")}),
    "infinite rate": (Adam, {"learning_rate": float("inf")}),
    "rate as text": (SGD, {"learning_rate": "0.1"}),
    "true rate": (SGD, {"learning_rate": True}),
    "momentum of one": (SGD, {"momentum": 1.0}),
    "nesterov alone": (SGD, {"nesterov": True}),
    "no eps": (Adam, {"eps": 0}),
    "one beta": (Adam, {"betas": (0.9,)}),
    "three betas": (Adam, {"betas": (0.9, 0.9, 0.9)}),
    "beta of one": (Adam, {"betas": (0.9, 1.0)}),
    "std of zero": (Normal, {"std": 0}),
    "no std": (Normal, {}),
    "no epochs": (Training, {"epochs": 0}),
    "batches of halves": (Training, {"batch_size": 0.5}),
    "seed below zero": (Training, {"seed": -1}),
    "half precision": (Training, {"precision": "float16"}),
    "nothing as training": (ModelSpec, {"input": (1, 2, 3), "layers": [Flatten()], "training": 3}),
    "unequal lists": (Normalize, {"mean": [0, 0], "std": [1]}),
    "empty lists": (Normalize, {"mean": [], "std": []}),
    "divided by zero": (Normalize, {"mean": [0], "std": [0]}),
    "infinite mean": (Normalize, {"mean": [float("inf")], "std": [1]}),
    "no samples": (Digits, {"train_samples": 0}),
    "no path": (NPZ, {}),
    "path of bytes": (NPZ, {"path": b"a.npz"}),
    "no layers": (ModelSpec, {"input": (1, 2, 3), "layers": []}),
    "a word as layers": (ModelSpec, {"input": (1, 2, 3), "layers": "flatten"}),
    "layers that are generated": (ModelSpec, {"input": (1, 2, 3), "layers": iter([Flatten()])}),
    "a class as layer": (ModelSpec, {"input": (1, 2, 3), "layers": [Flatten]}),
    "data as layer": (ModelSpec, {"input": (1, 2, 3), "layers": [Digits()]}),
    "a layer as data": (ModelSpec, {"input": (1, 2, 3), "layers": [Flatten()], "data": ReLU()}),
    "two sizes": (ModelSpec, {"input": (2, 3), "layers": [Flatten()]}),
    "sizes without an order": (ModelSpec, {"input": {1, 2, 3}, "layers": [Flatten()]}),
    "size of zero": (ModelSpec, {"input": (1, 0, 3), "layers": [Flatten()]}),
    "name with a space": (ModelSpec, {"name": "a b", "input": (1, 2, 3), "layers": [Flatten()]}),
    "name of a path": (ModelSpec, {"name": "../a", "input": (1, 2, 3), "layers": [Flatten()]}),
    "name that ends a line": (
        ModelSpec,
        {"name": "a\n", "input": (1, 2, 3), "layers": [Flatten()]},
    ),
}


@pytest.mark.parametrize(("kind", "options"), WRONG.values(), ids=WRONG)
def test_wrong_options(kind: type, options: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        kind(**options)


def test_options_have_names() -> None:
    with pytest.raises(TypeError):
        Conv(16, 3)  # type: ignore[call-arg]
