"""Starting weights: drawn once, for every backend, layer by layer."""

from __future__ import annotations

import numpy as np
import pytest

from cnnspec.backends import BACKENDS, build
from cnnspec.initial import initial_weights
from cnnspec.plan import resolve
from cnnspec.spec.initializations import AnyInitialization
from cnnspec.spec.layers import Conv, Flatten, Linear, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Training
from cnnspec.trace import Array
from tests.cases import assert_same_bits, each_precision
from tests.rooms import INITIALIZATIONS

CASES = {
    f"{kind}-{name}": case for kind, room in INITIALIZATIONS.items() for name, case in room.items()
}


@pytest.mark.torch
@pytest.mark.parametrize("initialization", CASES.values(), ids=CASES)
@each_precision
def test_starting_weights_are_the_same_for_all_backends(
    initialization: AnyInitialization, precision: str
) -> None:
    layers = [Conv(out_channels=3, kernel_size=2), ReLU(), Flatten(), Linear(out_features=4)]
    plan = resolve(ModelSpec(input=(2, 4, 3), layers=layers, initialization=initialization))
    wanted = {key: array.astype(precision) for key, array in initial_weights(plan, seed=3).items()}
    for backend in BACKENDS:
        training = Training(seed=3, precision=precision)
        assert_same_bits(build(plan, training, backend).state(), wanted)
        other = build(plan, Training(seed=4, precision=precision), backend).state()
        assert all(np.any(other[key] != wanted[key]) for key in wanted if "weight" in key)


def test_a_changed_layer_leaves_the_other_weights_as_they_were() -> None:
    def weights(channels: int) -> dict[str, Array]:
        layers = [
            Conv(out_channels=2, kernel_size=3),
            Conv(out_channels=channels, kernel_size=1),
            Flatten(),
            Linear(name="last", out_features=3),
        ]
        return initial_weights(resolve(ModelSpec(input=(1, 4, 4), layers=layers)), seed=0)

    few, many = weights(2), weights(5)
    for key in ("conv1.weight", "conv1.bias"):
        assert np.array_equal(few[key], many[key])
    assert few["conv2.weight"].shape != many["conv2.weight"].shape
    assert len({array.flat[0] for array in many.values()}) == len(many)
