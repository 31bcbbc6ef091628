"""Leaky relu: settings, conventions by hand, and faults that are named.

The derivative at 0 is the slope.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnspec.spec.layers import LeakyReLU
from tests.cases import Case, each_backend, run
from tests.compare.causes.layer_probes import Faulty, Setting, setting
from tests.room import LayerRoom

CASES = {
    "image": Case(LeakyReLU(), (2, 3, 4)),
    "features": Case(LeakyReLU(), (7,)),
    "steep": Case(LeakyReLU(negative_slope=0.3), (2, 3, 4)),
    "steeper-than-1": Case(LeakyReLU(negative_slope=2.5), (5,)),
    "level": Case(LeakyReLU(negative_slope=0.0), (2, 3, 2)),
    "straight": Case(LeakyReLU(negative_slope=1.0), (5,)),
}

IMAGES = setting(LeakyReLU(negative_slope=0.2), (2, 3, 4))
FEATURES = setting(LeakyReLU(), (7,))

PROBED = {"images": IMAGES, "features": FEATURES}


def slopes(x: np.ndarray, below: float, at_zero: float, above: float = 1.0) -> np.ndarray:
    return np.where(x > 0, above, np.where(x < 0, below, at_zero))


FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (IMAGES, "output", lambda at, y: at.x, "not-applied"),
    (IMAGES, "output", lambda at, y: np.maximum(at.x, 0), "slope-missing"),
    (FEATURES, "output", lambda at, y: at.x * slopes(at.x, 0.2, 0), "other-slope"),
    (IMAGES, "output", lambda at, y: at.x * slopes(at.x, -0.2, 0), "slope-negative"),
    (FEATURES, "output", lambda at, y: at.x * slopes(at.x, 1, 0, 0.01), "upside-down"),
    (FEATURES, "output", lambda at, y: at.x * slopes(at.x, 0.01, 0, 1.01), "added"),
    (IMAGES, "output", lambda at, y: np.where(at.x > 0, at.x, 0.2), "slope-alone"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output, "mask-missing"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output * (at.x > 0), "slope-missing"),
    (FEATURES, "grad_input", lambda at, y: at.grad_output * slopes(at.x, 0.2, 0.2), "other-slope"),
    (
        FEATURES,
        "grad_input",
        lambda at, y: at.grad_output * slopes(at.x, 0.01, 1),
        "derivative-at-0",
    ),
    (
        FEATURES,
        "grad_input",
        lambda at, y: at.grad_output * slopes(at.x, 0.01, 0),
        "derivative-at-0",
    ),
    (
        FEATURES,
        "grad_input",
        lambda at, y: at.grad_output * slopes(at.x, 1, 1, 0.01),
        "upside-down",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: at.grad_output * np.where(at.grad_output > 0, 1, 0.2),
        "mask-of-gradient",
    ),
    (FEATURES, "grad_input", lambda at, y: slopes(at.x, 0.01, 0.01), "upstream-missing"),
    (FEATURES, "grad_input", lambda at, y: slopes(at.x, 0.01, 1), "upstream-missing"),
    (FEATURES, "grad_input", lambda at, y: slopes(at.x, 0.01, 0), "upstream-missing"),
    (IMAGES, "grad_input", lambda at, y: np.where(at.x < 0, 0.2, at.grad_output), "slope-alone"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output * y["output"], "multiplied-by-output"),
]

CALLED = {
    **{"LeakyReLU": "leaky_relu", "leaky_relu": "leaky_relu", "leaky_relu_": "leaky_relu"},
    **{"leaky": "leaky_relu", "lrelu": "leaky_relu"},
}

ROOM = LayerRoom(CASES, PROBED, FAULTS, called=CALLED)


@each_backend
@pytest.mark.parametrize("slope", [0.0, 0.25, 1.0, 2.0])
def test_the_derivative_at_0_is_the_slope(backend: str, slope: float) -> None:
    layer = LeakyReLU(negative_slope=slope)
    output, grad_input = run(backend, layer, [[-4, -0.0, 0.0, 2]], [[8, 8, -8, 3]])
    assert output == [[-4 * slope, 0, 0, 2]]
    assert grad_input == [[8 * slope, 8 * slope, -8 * slope, 3]]


@each_backend
def test_nan_passes_and_its_gradient_meets_the_slope(backend: str) -> None:
    output, grad_input = run(backend, LeakyReLU(negative_slope=0.5), [[math.nan, 1]], [[2, 2]])
    assert math.isnan(output[0][0])
    assert grad_input == [[1, 2]]


@each_backend
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_what_is_infinite(backend: str) -> None:
    ends = [[-math.inf, math.inf]]
    assert run(backend, LeakyReLU(), ends)[0] == ends
    (below, above), *_ = run(backend, LeakyReLU(negative_slope=0.0), ends)[0]
    assert math.isnan(below)  # -inf * 0
    assert above == math.inf
