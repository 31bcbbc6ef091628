"""The starting weights of torch: the bounds that its own modules draw between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from cnnspec.initial import initial_weights
from cnnspec.plan import resolve
from cnnspec.spec.initializations import TorchDefault
from cnnspec.spec.layers import AnyLayer, Conv, Linear
from cnnspec.spec.sizes import Shape
from tests.drawn import WIDE, chance, deviation, wide

if TYPE_CHECKING:
    import torch

CASES = {"plain": TorchDefault()}


def torch_module(layer: AnyLayer, shape: Shape) -> torch.nn.Module:
    import torch

    if isinstance(layer, Linear):
        return torch.nn.Linear(shape[0], layer.out_features)
    assert isinstance(layer, Conv)
    return torch.nn.Conv2d(
        shape[0],
        layer.out_channels,
        layer.kernel_size,
        stride=layer.stride,
        groups=layer.groups,
        bias=layer.bias,
    )


@pytest.mark.torch
@pytest.mark.parametrize("name", WIDE)
def test_default_weights_have_torchs_bounds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    bounds = []

    def record(tensor: torch.Tensor, low: float, high: float, **_: object) -> torch.Tensor:
        bounds.append((tuple(tensor.shape), low, high))
        return tensor

    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "uniform_", record)
        torch_module(WIDE[name][1], WIDE[name][0])
    drawn = list(initial_weights(resolve(wide(name)), seed=0).values())
    assert [array.shape for array in drawn] == [shape for shape, _, _ in bounds]
    for array, (_, low, high) in zip(drawn, bounds):
        assert low == -high
        assert np.abs(array).max() <= np.float32(high)
        values = np.sort(array, axis=None).astype(np.float64)
        uniform = ((values + high) / (2 * high)).tolist()
        assert deviation(values, uniform) <= chance(values.size)
