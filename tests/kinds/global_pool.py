"""Global pool: settings, conventions by hand, and faults that are named.

The first maximum takes the gradient.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnspec.compare.faults.fault import LayerSituation
from cnnspec.errors import ShapeError
from cnnspec.spec.layers import GlobalPool
from cnnspec.trace import Array
from tests.cases import Case, each_backend, run
from tests.compare.causes.layer_probes import Faulty, Setting, setting
from tests.room import LayerRoom

MAX = GlobalPool(kind="max")

CASES = {
    "average": Case(GlobalPool(), (2, 3, 4)),
    "maximum": Case(MAX, (2, 3, 4)),
    "one-pixel": Case(GlobalPool(), (3, 1, 1)),
    "one-row": Case(MAX, (2, 1, 5)),
    "wide": Case(GlobalPool(), (1, 7, 9)),
}

AVERAGE, MAXIMUM = setting(GlobalPool(), (2, 3, 4)), setting(MAX, (2, 3, 4))

PROBED = {"average": AVERAGE, "maximum": MAXIMUM}


def channels(at: LayerSituation) -> Array:
    found: Array = at.x.reshape(*at.x.shape[:2], -1)
    return found


def kept(array: Array) -> Array:
    found: Array = array[:, :, None, None]
    return found


def to_maximum(at: LayerSituation, *, last: bool = False) -> Array:
    cells = channels(at)
    place = cells.shape[2] - 1 - cells[:, :, ::-1].argmax(2) if last else cells.argmax(2)
    hit = np.arange(cells.shape[2]) == place[:, :, None]
    return at.grad_output * hit.reshape(at.x.shape)


def to_all(at: LayerSituation, divisor: float = 1) -> Array:
    found: Array = np.broadcast_to(at.grad_output, at.x.shape) / divisor
    return found


def maxima(at: LayerSituation) -> Array:
    found: Array = at.x == at.x.max(axis=(2, 3), keepdims=True)
    return found


FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (AVERAGE, "output", lambda at, y: kept(channels(at).sum(2)), "scale"),
    (AVERAGE, "output", lambda at, y: kept(channels(at).max(2)), "max-for-average"),
    (AVERAGE, "output", lambda at, y: y["output"] * 12 / 4, "divided-by-side"),
    (AVERAGE, "output", lambda at, y: y["output"] * 12 / 3, "divided-by-side"),
    (
        AVERAGE,
        "output",
        lambda at, y: y["output"].mean(axis=1, keepdims=True).repeat(2, axis=1),
        "channels-together",
    ),
    (AVERAGE, "output", lambda at, y: at.x[:, :, :1, :1], "one-cell"),
    (MAXIMUM, "output", lambda at, y: kept(channels(at).mean(2)), "average-for-max"),
    (MAXIMUM, "output", lambda at, y: kept(channels(at).sum(2)), "sum-for-max"),
    (MAXIMUM, "output", lambda at, y: kept(channels(at).min(2)), "min-for-max"),
    (MAXIMUM, "output", lambda at, y: kept(abs(channels(at)).max(2)), "largest-magnitude"),
    (AVERAGE, "grad_input", lambda at, y: to_all(at), "scale"),
    (AVERAGE, "grad_input", lambda at, y: to_all(at, 12 * 12), "scale"),
    (AVERAGE, "grad_input", lambda at, y: to_all(at, 4), "divided-by-side"),
    (AVERAGE, "grad_input", lambda at, y: to_maximum(at), "max-for-average"),
    (MAXIMUM, "grad_input", lambda at, y: to_all(at, 12), "average-for-max"),
    (MAXIMUM, "grad_input", lambda at, y: to_all(at), "whole-to-all"),
    (MAXIMUM, "grad_input", lambda at, y: at.grad_output * maxima(at), "ties-to-all"),
    (
        MAXIMUM,
        "grad_input",
        lambda at, y: at.grad_output * maxima(at) / maxima(at).sum(axis=(2, 3), keepdims=True),
        "ties-shared",
    ),
    (MAXIMUM, "grad_input", lambda at, y: to_maximum(at, last=True), "ties-to-last"),
    (MAXIMUM, "grad_input", lambda at, y: 1.0 * (y["grad_input"] != 0), "upstream-missing"),
]

CALLED = {
    "GlobalAveragePooling2D": "global_pool: {kind: avg}",
    "GlobalMaxPooling2D": "global_pool: {kind: max}",
    "global_avg_pool": "global_pool: {kind: avg}",
}

ROOM = LayerRoom(CASES, PROBED, FAULTS, called=CALLED)

CELLS = [[1, 8, 8], [2, 8, 3]]


@each_backend
def test_average_of_all_cells(backend: str) -> None:
    output, grad_input = run(backend, GlobalPool(), CELLS, [[6]])
    assert output == [[5]]
    assert grad_input == [[1, 1, 1], [1, 1, 1]]


@each_backend
def test_the_first_maximum_takes_the_gradient(backend: str) -> None:
    output, grad_input = run(backend, MAX, CELLS, [[6]])
    assert output == [[8]]
    assert grad_input == [[0, 6, 0], [0, 0, 0]]


@each_backend
def test_the_first_of_minus_infinities_takes_the_gradient(backend: str) -> None:
    output, grad_input = run(backend, MAX, [[-math.inf] * 2] * 2, [[6]])
    assert output == [[-math.inf]]
    assert grad_input == [[6, 0], [0, 0]]


@each_backend
@pytest.mark.parametrize("kind", ["avg", "max"])
def test_nan_is_the_result(backend: str, kind: str) -> None:
    ((found,),), _ = run(backend, GlobalPool(kind=kind), [[1, math.nan], [2, 3]])
    assert math.isnan(found)


def test_features_are_refused() -> None:
    with pytest.raises(ShapeError, match="takes images"):
        GlobalPool().output_shape((8,))
    assert GlobalPool().output_shape((5, 7, 9)) == (5, 1, 1)
