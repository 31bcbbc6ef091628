"""Starting weights and the random streams they come from."""

import math

import numpy as np
import pytest

from cnnspec import (
    BatchNorm,
    Conv,
    Flatten,
    Linear,
    ModelSpec,
    Normal,
    Plan,
    ReLU,
    initial_weights,
    resolve,
)
from cnnspec.initial import State
from cnnspec.randomness import stream

LAYERS = [
    Conv(out_channels=8, kernel_size=(3, 5), groups=2),
    ReLU(),
    Flatten(),
    Linear(out_features=40),
    Linear(out_features=10, bias=False),
]


def plan(layers: list = LAYERS, **options: object) -> Plan:
    return resolve(ModelSpec(input=(4, 8, 9), layers=layers, **options))


def same(a: State, b: State) -> bool:
    assert a.keys() == b.keys()
    return all(np.array_equal(a[name], b[name]) for name in a)


def test_every_parameter_in_its_shape_and_in_float32() -> None:
    weights = initial_weights(plan(), 0)
    assert list(weights) == [
        "conv1.weight",
        "conv1.bias",
        "linear1.weight",
        "linear1.bias",
        "linear2.weight",
    ]
    assert {name: array.shape for name, array in weights.items()} == plan().parameters
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float32)}


def test_the_same_seed_gives_the_same_weights() -> None:
    assert same(initial_weights(plan(), 3), initial_weights(plan(), 3))


def test_every_machine_gives_these_weights() -> None:
    weights = initial_weights(plan(), 0)
    found = {name: array.ravel()[:2].tolist() for name, array in weights.items()}
    assert found == {
        "conv1.weight": [0.13368074595928192, -0.06229955330491066],
        "conv1.bias": [-0.038411010056734085, 0.1394864171743393],
        "linear1.weight": [0.0048668235540390015, -0.004508048761636019],
        "linear1.bias": [0.017369519919157028, 0.04826458543539047],
        "linear2.weight": [-0.1254531592130661, -0.13911326229572296],
    }


@pytest.mark.parametrize("seed", [1, 2**32, 2**64, 10**30])
def test_another_seed_gives_other_weights(seed: int) -> None:
    a, b = initial_weights(plan(), 0), initial_weights(plan(), seed)
    for name in a:
        assert not np.any(a[name] == b[name]), name


def test_arrays_are_the_callers_own() -> None:
    weights = initial_weights(plan(), 0)
    for array in weights.values():
        array[...] = 0
    assert np.all(initial_weights(plan(), 0)["linear1.weight"] != 0)


def test_a_new_layer_leaves_the_others_as_they_were() -> None:
    before = initial_weights(plan(), 0)
    after = initial_weights(plan([*LAYERS, ReLU(), Linear(out_features=3)]), 0)
    assert list(after) == [*before, "linear3.weight", "linear3.bias"]
    assert same(before, {name: after[name] for name in before})


def test_a_wider_layer_leaves_the_others_as_they_were() -> None:
    wider = [*LAYERS[:3], Linear(out_features=40), Linear(out_features=11)]
    before, after = initial_weights(plan(), 0), initial_weights(plan(wider), 0)
    for name in ("conv1.weight", "conv1.bias", "linear1.weight", "linear1.bias"):
        assert np.array_equal(before[name], after[name])


def test_a_name_has_its_weights_wherever_it_stands() -> None:
    a = Linear(name="a", out_features=6)
    b = Linear(name="b", out_features=6)
    first = initial_weights(resolve(ModelSpec(input=(6, 1, 1), layers=[Flatten(), a, b])), 0)
    other = initial_weights(resolve(ModelSpec(input=(6, 1, 1), layers=[Flatten(), b, a])), 0)
    assert same(first, {name: other[name] for name in first})
    assert not np.any(first["a.weight"] == first["b.weight"])


def test_torch_default_is_uniform_up_to_one_over_the_root_of_fan_in() -> None:
    layers = [Conv(out_channels=64, kernel_size=3, groups=2), Flatten(), Linear(out_features=200)]
    found = initial_weights(resolve(ModelSpec(input=(8, 5, 4), layers=layers)), 0)
    for name, fan_in in (("conv1", 4 * 9), ("linear1", 64 * 3 * 2)):
        bound = 1 / math.sqrt(fan_in)
        weight, bias = found[f"{name}.weight"], found[f"{name}.bias"]
        for array in (weight, bias):
            assert np.abs(array).max() <= np.float32(bound)
            assert np.abs(array).max() > 0.9 * bound
            assert array.min() < 0 < array.max()
        # five standard errors of the mean and of the variance of a uniform distribution
        assert abs(weight.mean()) < 5 * bound / math.sqrt(3 * weight.size)
        assert weight.var() == pytest.approx(bound**2 / 3, rel=5 * math.sqrt(0.8 / weight.size))
        assert np.unique(weight).size > 0.99 * weight.size


def test_normal() -> None:
    found = initial_weights(
        plan([Flatten(), Linear(out_features=100)], initialization=Normal(std=0.25)), 0
    )
    weight = found["linear1.weight"]
    assert weight.size == 28_800
    assert abs(weight.mean()) < 5 * 0.25 / math.sqrt(weight.size)
    assert weight.std() == pytest.approx(0.25, rel=5 / math.sqrt(2 * weight.size))
    assert 3 < np.abs(weight).max() / 0.25 < 6
    assert np.array_equal(found["linear1.bias"], np.zeros(100, np.float32))


@pytest.mark.parametrize("options", [{}, {"initialization": Normal(std=0.25)}])
def test_batch_norm_starts_as_in_torch(options: dict[str, Normal]) -> None:
    found = initial_weights(plan([BatchNorm(), Flatten(), BatchNorm(affine=False)], **options), 0)
    assert {name: set(array.tolist()) for name, array in found.items()} == {
        "batch_norm1.weight": {1.0},
        "batch_norm1.bias": {0.0},
        "batch_norm1.running_mean": {0.0},
        "batch_norm1.running_var": {1.0},
        "batch_norm2.running_mean": {0.0},
        "batch_norm2.running_var": {1.0},
    }
    assert found["batch_norm1.weight"].shape == (4,)
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}


def first(*purpose: str | int, seed: int = 0) -> float:
    return float(stream(seed, *purpose).random())


def test_streams() -> None:
    assert first("order", 1) == first("order", 1)
    different = {
        first(),
        first("order"),
        first("order", 1),
        first("order", 2),
        first("weights"),
        first("weights", "conv1.weight"),
        first("weights", "conv1.bias"),
        first("conv1.weight", "weights"),
        first("order", 1, seed=1),
        first("order", 1, seed=2**32),
        first("order", 1, seed=2**64),
    }
    assert len(different) == 11


def test_zero_is_a_purpose_like_any_other() -> None:
    assert first("order", 0) != first("order")
    assert first("order", 0, 0) != first("order", 0)


def test_a_long_seed_is_not_a_short_one_with_a_purpose() -> None:
    assert first("order", seed=2**32) != first(1, "order")


def test_a_stream_is_not_the_global_one() -> None:
    before = np.random.get_state()[1].tolist()
    stream(0, "order").random(100)
    assert np.random.get_state()[1].tolist() == before
