"""Softmax: settings, numbers by hand, what is far out, and faults that are named."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from cnnspec.backends import build
from cnnspec.compare.kinds import LAYERS
from cnnspec.plan import part
from cnnspec.spec.layers import Softmax
from cnnspec.spec.training import Training
from cnnspec.trace import Array
from tests.cases import Case, each_backend, each_precision
from tests.compare.causes.layer_probes import Faulty, Setting, right, setting
from tests.room import LayerRoom

CASES = {
    "image": Case(Softmax(), (3, 2, 4)),
    "features": Case(Softmax(), (7,)),
}

IMAGES, FEATURES = setting(Softmax(), (3, 2, 4)), setting(Softmax(), (7,))
FAR_OUT = setting(Softmax(), (7,), spread=600.0)

PROBED = {"images": IMAGES}


def softmax(x: Array, axis: int | tuple[int, ...] = 1) -> Array:
    e = np.exp(x - x.max(axis, keepdims=True))
    found: Array = e / e.sum(axis, keepdims=True)
    return found


def back(p: Array, g: Array, axis: int | tuple[int, ...] = 1) -> Array:
    found: Array = p * (g - (g * p).sum(axis, keepdims=True))
    return found


def shifted(x: Array, by: Array | float) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(x - by)
        found: Array = e / e.sum(1, keepdims=True)
    return found


def with_eps(x: Array) -> Array:
    e = np.exp(x - x.max(1, keepdims=True))
    found: Array = e / (e.sum(1, keepdims=True) + 1e-9)
    return found


def shares(x: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = x / x.sum(1, keepdims=True)
    return found


def sigmoid(x: Array) -> Array:
    found: Array = 1 / (1 + np.exp(-x))
    return found


FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (IMAGES, "output", lambda at, y: at.x, "not-applied"),
    (IMAGES, "output", lambda at, y: np.exp(at.x), "not-divided"),
    (FEATURES, "output", lambda at, y: np.exp(at.x - at.x.max(1, keepdims=True)), "not-divided"),
    (FEATURES, "output", lambda at, y: shares(at.x), "exp-missing"),
    (IMAGES, "output", lambda at, y: np.log(y["output"]), "log-of-it"),
    (FEATURES, "output", lambda at, y: softmax(-at.x), "sign-of-x"),
    (IMAGES, "output", lambda at, y: sigmoid(at.x), "by-sigmoid"),
    (IMAGES, "output", lambda at, y: softmax(y["output"]), "double-softmax"),
    (
        FEATURES,
        "output",
        lambda at, y: (at.x == at.x.max(1, keepdims=True)).astype(float),
        "argmax-alone",
    ),
    (FEATURES, "output", lambda at, y: with_eps(at.x), "eps-in-softmax"),
    (FEATURES, "grad_input", lambda at, y: back(with_eps(at.x), at.grad_output), "eps-in-softmax"),
    (FAR_OUT, "output", lambda at, y: shifted(at.x, 0), "no-maximum"),
    (FAR_OUT, "output", lambda at, y: shifted(at.x, at.x.max()), "batch-maximum"),
    (IMAGES, "output", lambda at, y: softmax(at.x, -1), "wrong-axes"),
    (IMAGES, "output", lambda at, y: softmax(at.x, (1, 2, 3)), "wrong-axes"),
    (FEATURES, "output", lambda at, y: softmax(at.x, 0), "wrong-axes"),
    (FEATURES, "output", lambda at, y: softmax(at.x, (0, 1)), "wrong-axes"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output, "derivative-missing"),
    (
        FEATURES,
        "grad_input",
        lambda at, y: back(0 * at.x + y["output"][:1], at.grad_output),
        "first-image-for-all",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: at.grad_output * y["output"] * (1 - y["output"]),
        "diagonal-alone",
    ),
    (
        FEATURES,
        "grad_input",
        lambda at, y: -y["output"] * (at.grad_output * y["output"]).sum(1, keepdims=True),
        "diagonal-missing",
    ),
    (
        FEATURES,
        "grad_input",
        lambda at, y: back(y["output"], at.grad_output) - at.grad_output * slope(y["output"]),
        "diagonal-missing",
    ),
    (FEATURES, "grad_input", lambda at, y: at.grad_output * y["output"], "multiplied-by-output"),
    (
        FEATURES,
        "grad_input",
        lambda at, y: at.grad_output - (at.grad_output * y["output"]).sum(1, keepdims=True),
        "output-missing",
    ),
    (
        FEATURES,
        "grad_input",
        lambda at, y: 2 * y["output"] * at.grad_output - back(y["output"], at.grad_output),
        "added",
    ),
    (
        FEATURES,
        "grad_input",
        lambda at, y: (
            y["output"] * (at.grad_output - (at.grad_output * y["output"]).mean(1, keepdims=True))
        ),
        "mean-for-sum",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: y["output"] * (at.grad_output - at.grad_output.sum(1, keepdims=True)),
        "unweighted-sum",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: y["output"] * (at.grad_output - at.grad_output.mean(1, keepdims=True)),
        "unweighted-sum",
    ),
    (FEATURES, "grad_input", lambda at, y: slope(y["output"]), "upstream-missing"),
    (FEATURES, "grad_input", lambda at, y: back(at.x, at.grad_output), "derivative-at-input"),
    (
        FEATURES,
        "grad_input",
        lambda at, y: back(softmax(y["output"]), at.grad_output),
        "derivative-at-output",
    ),
    (FEATURES, "grad_input", lambda at, y: at.grad_output * slope(sigmoid(at.x)), "of-a-sigmoid"),
    (IMAGES, "grad_input", lambda at, y: back(y["output"], at.grad_output, -1), "wrong-axes"),
    (
        FEATURES,
        "grad_input",
        lambda at, y: back(softmax(at.x, 0), at.grad_output, 0),
        "wrong-axes",
    ),
    (FEATURES, "grad_input", lambda at, y: back(softmax(at.x, 0), at.grad_output), "wrong-axes"),
    (FAR_OUT, "grad_input", lambda at, y: back(shifted(at.x, 0), at.grad_output), "no-maximum"),
    (
        FAR_OUT,
        "grad_input",
        lambda at, y: back(shifted(at.x, at.x.max()), at.grad_output),
        "batch-maximum",
    ),
]


def slope(p: Array) -> Array:
    found: Array = p * (1 - p)
    return found


CALLED = {
    **{"Softmax": "softmax", "softmax": "softmax", "Softmax2d": "softmax"},
    **{"nn.Softmax()": "softmax", "Softmax2d()": "softmax"},
}

ROOM = LayerRoom(CASES, PROBED, FAULTS, curved=True, called=CALLED)


def found_by(
    backend: str, x: Array, grad: Array, precision: str = "float64"
) -> tuple[Array, Array]:
    network = build(part(Softmax(), "layer", x.shape[1:]), Training(precision=precision), backend)
    found = network.replay("layer", [x], grad)
    return found.output, found.grad_input


@each_backend
def test_numbers_by_hand(backend: str) -> None:
    # Of the logarithms of 1, 2 and 5, the shares of 8.
    x = np.log([[1.0, 2.0, 5.0]])
    output, grad_input = found_by(backend, x, np.array([[8.0, 0, 0]]))
    assert output[0].tolist() == pytest.approx([1 / 8, 2 / 8, 5 / 8])
    assert grad_input[0].tolist() == pytest.approx([7 / 8, -2 / 8, -5 / 8])


@each_backend
def test_over_the_channels_of_each_cell(backend: str) -> None:
    x = np.log([[[[1.0, 3.0]], [[3.0, 1.0]]]])
    output, _ = found_by(backend, x, np.ones((1, 2, 1, 2)))
    assert output[0, :, 0, 0].tolist() == pytest.approx([1 / 4, 3 / 4])
    assert output[0, :, 0, 1].tolist() == pytest.approx([3 / 4, 1 / 4])


@each_backend
@each_precision
def test_what_is_far_out_overflows_nowhere(backend: str, precision: str) -> None:
    x = np.array([[1e4, -1e4, 0], [1e30, 1e30, -1e30], [0, -math.inf, 0]], precision)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        output, grad_input = found_by(backend, x, np.ones((3, 3), precision), precision)
    assert output.tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5]]
    assert grad_input.tolist() == [[0, 0, 0]] * 3


@each_backend
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_what_is_no_number_spoils_its_own_image_alone(backend: str) -> None:
    x = np.array([[math.nan, 0], [math.inf, 0], [0.0, 0]])
    output, _ = found_by(backend, x, np.ones((3, 2)))
    assert np.isnan(output[0]).all()
    assert math.isnan(output[1, 0])
    assert output[2].tolist() == [0.5, 0.5]


def test_the_gradient_by_a_jacobian_is_right() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(5, 200)) * 10.0 ** random.uniform(-3, 1, (5, 200))
    g = random.normal(size=(5, 200)) * 10.0 ** random.uniform(-6, 6, (5, 200))
    at = replace(setting(Softmax(), (200,)).situations[0], inputs=(x,), grad_output=g)
    truth, bounds = right(at), LAYERS["softmax"].budgets(at, "float64")
    found = [(np.diag(p) - np.outer(p, p)) @ each for p, each in zip(truth["output"], g)]
    assert np.all(np.abs(found - truth["grad_input"]) <= 2 * bounds["grad_input"])
