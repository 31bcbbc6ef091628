"""Starting weights from a normal distribution: their deviation, and biases of 0."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnspec.initial import initial_weights
from cnnspec.plan import resolve
from cnnspec.spec.initializations import Normal
from tests.drawn import WIDE, chance, deviation, wide

CASES = {"std": Normal(std=0.1)}


@pytest.mark.parametrize("name", WIDE)
def test_normal_weights_have_their_std_and_biases_are_0(name: str) -> None:
    std = 0.02
    state = initial_weights(resolve(wide(name, initialization=Normal(std=std))), seed=0)
    for key, array in state.items():
        if key.endswith(".bias"):
            assert not array.any()
        else:
            values = np.sort(array, axis=None).astype(np.float64)
            normal = [(1 + math.erf(value / (std * math.sqrt(2)))) / 2 for value in values]
            assert deviation(values, normal) <= chance(values.size)
