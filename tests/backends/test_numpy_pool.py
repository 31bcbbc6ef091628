"""Max pooling in predictions: few images slide, more go axis by axis, all as in training."""

from __future__ import annotations

import numpy as np
import pytest

from cnnspec.backends.numpy import pool
from cnnspec.backends.numpy.pool import PoolNumPy
from cnnspec.spec.layers import Pool
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array
from tests.cases import normal
from tests.kinds.pool import SETTINGS as POOLS


def layer_of(options: dict[str, object], shape: Shape, kind: str = "max") -> PoolNumPy:
    layer = Pool.model_validate({**options, "kind": kind})
    return PoolNumPy(layer, shape, layer.output_shape(shape), np.dtype("float64"))


@pytest.mark.parametrize("name", POOLS)
def test_a_prediction_is_what_training_gives(name: str) -> None:
    options, shape = POOLS[name]
    few, many = layer_of(options, shape), layer_of(options, shape)
    random = np.random.default_rng(0)
    for images in (3, pool.FEW, 1, pool.FEW + 1):
        x = normal((*shape, images), name, images)
        x[random.random(x.shape) < 0.2] = -np.inf
        x[random.random(x.shape) < 0.05] = np.nan
        before = x.copy()
        np.testing.assert_array_equal(few.predict(x), many.forward(x.copy()))
        np.testing.assert_array_equal(x, before)


def test_few_small_images_slide(monkeypatch: pytest.MonkeyPatch) -> None:
    slid: list[int] = []
    sliding = PoolNumPy._wanted_maxima

    def noted(self: PoolNumPy, padded: Array) -> Array:
        slid.append(padded.shape[-1])
        return sliding(self, padded)

    def slide(kind: str) -> list[int]:
        slid.clear()
        layer = layer_of({"kernel_size": 2}, (2, 4, 6), kind)
        for images in (1, 2, pool.FEW, pool.FEW + 1):
            layer.predict(np.zeros((2, 4, 6, images)))
        return slid

    monkeypatch.setattr(PoolNumPy, "_wanted_maxima", noted)
    assert slide("max") == [1, 2, pool.FEW]
    assert slide("avg") == []
    monkeypatch.setattr(pool, "SLIDES", 2 * 4 * 6 * 2)
    assert slide("max") == [1, 2]
