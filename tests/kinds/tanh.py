"""Tanh: settings, numbers by hand, what is far out, and faults that are named."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cnnspec.backends import build
from cnnspec.compare.kinds import LAYERS
from cnnspec.plan import part
from cnnspec.spec.layers import Tanh
from cnnspec.spec.training import Training
from cnnspec.trace import Array
from tests.cases import Case, each_backend, each_precision, run
from tests.compare.causes.layer_probes import Faulty, Setting, right, setting
from tests.room import LayerRoom

CASES = {
    "image": Case(Tanh(), (2, 3, 4)),
    "features": Case(Tanh(), (7,)),
}

IMAGES, FEATURES = setting(Tanh(), (2, 3, 4)), setting(Tanh(), (7,))
FAR_OUT = setting(Tanh(), (7,), spread=1000.0)

PROBED = {"images": IMAGES}


def sigmoid(x: Array) -> Array:
    found: Array = 1 / (1 + np.exp(-x))
    return found


def inverse(x: Array) -> Array:
    with np.errstate(divide="ignore"):
        found: Array = 1 / x
    return found


def quotient(x: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        up, down = np.exp(x), np.exp(-x)
        found: Array = (up - down) / (up + down)
    return found


def of_doubles(x: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        found: Array = (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1)
    return found


FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (IMAGES, "output", lambda at, y: at.x, "not-applied"),
    (IMAGES, "output", lambda at, y: sigmoid(at.x), "by-sigmoid"),
    (FEATURES, "output", lambda at, y: 2 * sigmoid(at.x) - 1, "double-missing"),
    (FEATURES, "output", lambda at, y: np.sinh(at.x), "denominator-missing"),
    (FEATURES, "output", lambda at, y: 2 * np.sinh(at.x), "denominator-missing"),
    (FEATURES, "output", lambda at, y: inverse(y["output"]), "upside-down"),
    (IMAGES, "output", lambda at, y: np.clip(at.x, -1, 1), "piecewise"),
    (IMAGES, "output", lambda at, y: 1 - y["output"] ** 2, "derivative-for-value"),
    (FAR_OUT, "output", lambda at, y: quotient(at.x), "overflow"),
    (FAR_OUT, "output", lambda at, y: of_doubles(at.x), "overflow"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output, "derivative-missing"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output * (1 - at.x**2), "derivative-at-input"),
    (
        IMAGES,
        "grad_input",
        lambda at, y: at.grad_output * (1 - np.tanh(y["output"]) ** 2),
        "derivative-at-output",
    ),
    (IMAGES, "grad_input", lambda at, y: at.grad_output * (1 - y["output"]), "square-missing"),
    (FEATURES, "grad_input", lambda at, y: at.grad_output / np.cosh(at.x), "square-missing"),
    (FEATURES, "grad_input", lambda at, y: at.grad_output * y["output"] ** 2, "one-missing"),
    (FEATURES, "grad_input", lambda at, y: at.grad_output * (1 + y["output"] ** 2), "added"),
    (
        IMAGES,
        "grad_input",
        lambda at, y: at.grad_output * y["output"] * (1 - y["output"]),
        "of-a-sigmoid",
    ),
    (FEATURES, "grad_input", lambda at, y: at.grad_output * y["output"], "multiplied-by-output"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output * (at.x > 0), "of-a-relu"),
    (IMAGES, "grad_input", lambda at, y: 1 - y["output"] ** 2, "upstream-missing"),
    (IMAGES, "grad_input", lambda at, y: 1 - at.grad_output**2, "derivative-of-gradient"),
    (
        IMAGES,
        "grad_input",
        lambda at, y: 1 - np.tanh(at.grad_output) ** 2,
        "derivative-of-gradient",
    ),
    (FAR_OUT, "grad_input", lambda at, y: at.grad_output * (1 - quotient(at.x) ** 2), "overflow"),
    (FAR_OUT, "grad_input", lambda at, y: at.grad_output * (1 - of_doubles(at.x) ** 2), "overflow"),
]

CALLED = {
    **{"Tanh": "tanh", "TanH": "tanh", "tanh": "tanh"},
    **{"nn.Tanh()": "tanh", "Tanh()": "tanh"},
}

ROOM = LayerRoom(CASES, PROBED, FAULTS, curved=True, called=CALLED)


@each_backend
def test_numbers_by_hand(backend: str) -> None:
    # At log 2, exp(x) is 2 and exp(-x) is 1/2.
    (output,), (grad_input,) = run(
        backend, Tanh(), [[0, math.log(2), -math.log(2)]], [[4, 25, -50]]
    )
    assert output == pytest.approx([0, 0.6, -0.6])
    assert grad_input == pytest.approx([4, 16, -32])


@each_backend
@each_precision
def test_what_is_far_out_overflows_nowhere(backend: str, precision: str) -> None:
    largest = float(np.finfo(precision).max)
    x = np.array([[1000, -1000, largest, -largest, math.inf, -math.inf, math.nan]], precision)
    network = build(part(Tanh(), "layer", (7,)), Training(precision=precision), backend)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = network.replay("layer", [x], np.ones((1, 7), precision))
    assert found.output[0, :6].tolist() == [1, -1] * 3
    assert found.grad_input[0, :6].tolist() == [0] * 6
    assert np.isnan([found.output[0, 6], found.grad_input[0, 6]]).all()


@pytest.mark.parametrize(
    ("value", "slope"),
    [
        (quotient, lambda x: 1 - quotient(x) ** 2),
        (of_doubles, lambda x: 4 / (np.exp(x) + np.exp(-x)) ** 2),
        (lambda x: 2 * sigmoid(2 * x) - 1, lambda x: 1 / np.cosh(x) ** 2),
    ],
    ids=["quotient", "of doubles", "by a sigmoid"],
)
def test_the_ways_by_exponentials_are_right(
    value: Callable[[Array], Array], slope: Callable[[Array], Array]
) -> None:
    x = np.concatenate([np.linspace(-20, 20, 4001), 10.0 ** np.linspace(-20, 0, 2001)])
    at = setting(Tanh(), (len(x),)).situations[0]
    situation = replace(at, inputs=(x[None],), grad_output=np.ones((1, len(x))))
    truth, bounds = right(situation), LAYERS["tanh"].budgets(situation, "float64")
    assert np.all(np.abs(value(x) - truth["output"]) <= 2 * bounds["output"])
    assert np.all(np.abs(slope(x) - truth["grad_input"]) <= 2 * bounds["grad_input"])
