"""Sigmoid: settings, numbers by hand, what is far out, and faults that are named."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from cnnspec.backends import build
from cnnspec.numerics.budget import SIGMOID_ERROR
from cnnspec.plan import part
from cnnspec.spec.layers import Sigmoid
from cnnspec.spec.training import Training
from cnnspec.trace import Array
from tests.cases import Case, each_backend, each_precision, run
from tests.compare.causes.layer_probes import Faulty, Setting, setting
from tests.room import LayerRoom

CASES = {
    "image": Case(Sigmoid(), (2, 3, 4)),
    "features": Case(Sigmoid(), (7,)),
}

IMAGES, FEATURES = setting(Sigmoid(), (2, 3, 4)), setting(Sigmoid(), (7,))
FAR_OUT = setting(Sigmoid(), (7,), spread=1000.0)

PROBED = {"images": IMAGES}


def sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):
        found: Array = 1 / (1 + np.exp(-x))
    return found


def slope(y: Array) -> Array:
    found: Array = y * (1 - y)
    return found


def without_one(x: Array) -> Array:
    with np.errstate(divide="ignore"):
        found: Array = 1 / (1 - np.exp(-x))
    return found


def quotient(x: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        found: Array = np.exp(x) / (1 + np.exp(x))
    return found


def by_exponentials(x: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        found: Array = np.exp(-x) / (1 + np.exp(-x)) ** 2
    return found


FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (IMAGES, "output", lambda at, y: at.x, "not-applied"),
    (IMAGES, "output", lambda at, y: sigmoid(-at.x), "sign-of-x"),
    (FEATURES, "output", lambda at, y: 1 / sigmoid(at.x), "not-inverted"),
    (FEATURES, "output", lambda at, y: np.exp(at.x), "one-missing"),
    (FEATURES, "output", lambda at, y: without_one(at.x), "one-subtracted"),
    (IMAGES, "output", lambda at, y: np.tanh(at.x), "by-tanh"),
    (IMAGES, "output", lambda at, y: (1 + np.tanh(at.x)) / 2, "half-missing"),
    (IMAGES, "output", lambda at, y: np.clip(at.x / 6 + 0.5, 0, 1), "piecewise"),
    (IMAGES, "output", lambda at, y: np.clip(0.2 * at.x + 0.5, 0, 1), "piecewise"),
    (FEATURES, "output", lambda at, y: np.log(sigmoid(at.x)), "log-of-it"),
    (IMAGES, "output", lambda at, y: slope(y["output"]), "derivative-for-value"),
    (FAR_OUT, "output", lambda at, y: quotient(at.x), "overflow"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output, "derivative-missing"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output * slope(at.x), "derivative-at-input"),
    (
        IMAGES,
        "grad_input",
        lambda at, y: at.grad_output * slope(sigmoid(y["output"])),
        "derivative-at-output",
    ),
    (FEATURES, "grad_input", lambda at, y: at.grad_output * (1 - y["output"]), "factor-missing"),
    (FEATURES, "grad_input", lambda at, y: at.grad_output * y["output"], "multiplied-by-output"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output * (1 - y["output"] ** 2), "of-a-tanh"),
    (
        IMAGES,
        "grad_input",
        lambda at, y: at.grad_output * (1 - y["output"]) ** 2,
        "square-for-product",
    ),
    (
        FEATURES,
        "grad_input",
        lambda at, y: at.grad_output * y["output"] * (1 + y["output"]),
        "added",
    ),
    (IMAGES, "grad_input", lambda at, y: at.grad_output * (at.x > 0), "of-a-relu"),
    (IMAGES, "grad_input", lambda at, y: slope(y["output"]), "upstream-missing"),
    (IMAGES, "grad_input", lambda at, y: slope(at.grad_output), "derivative-of-gradient"),
    (
        IMAGES,
        "grad_input",
        lambda at, y: slope(sigmoid(at.grad_output)),
        "derivative-of-gradient",
    ),
    (FAR_OUT, "grad_input", lambda at, y: at.grad_output * slope(quotient(at.x)), "overflow"),
    (FAR_OUT, "grad_input", lambda at, y: at.grad_output * by_exponentials(at.x), "overflow"),
]

CALLED = {
    **{"Sigmoid": "sigmoid", "sigmoid": "sigmoid", "logistic": "sigmoid", "expit": "sigmoid"},
    **{"nn.Sigmoid()": "sigmoid", "Sigmoid()": "sigmoid"},
}

ROOM = LayerRoom(CASES, PROBED, FAULTS, curved=True, called=CALLED)


@each_backend
def test_numbers_by_hand(backend: str) -> None:
    # At log 3, exp(-x) is 1/3.
    (output,), (grad_input,) = run(
        backend, Sigmoid(), [[0, math.log(3), -math.log(3)]], [[4, 16, -16]]
    )
    assert output == pytest.approx([0.5, 0.75, 0.25])
    assert grad_input == pytest.approx([1, 3, -3])


@each_backend
@each_precision
def test_what_is_far_out_overflows_nowhere(backend: str, precision: str) -> None:
    largest = float(np.finfo(precision).max)
    x = np.array([[1000, -1000, largest, -largest, math.inf, -math.inf, math.nan]], precision)
    network = build(part(Sigmoid(), "layer", (7,)), Training(precision=precision), backend)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = network.replay("layer", [x], np.ones((1, 7), precision))
    assert found.output[0, :6].tolist() == [1, 0] * 3
    assert found.grad_input[0, :6].tolist() == [0] * 6
    assert np.isnan([found.output[0, 6], found.grad_input[0, 6]]).all()


@each_backend
@each_precision
def test_every_backend_is_within_a_quarter_of_what_the_referee_allows(
    backend: str, precision: str
) -> None:
    x = np.linspace(-40, 40, 4001).astype(precision)
    network = build(part(Sigmoid(), "layer", (len(x),)), Training(precision=precision), backend)
    found = network.replay("layer", [x[None]], np.ones((1, len(x)), precision)).output[0]
    e = np.exp(-np.abs(x.astype(np.longdouble)))
    wanted = np.where(x > 0, 1, e) / (1 + e)
    u = float(np.finfo(precision).eps) / 2
    assert np.abs(found - wanted).max() <= SIGMOID_ERROR * u / 4
