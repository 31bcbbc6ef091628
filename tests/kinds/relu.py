"""Relu: settings, conventions by hand, and faults that are named.

The derivative at 0 is 0, and tracing sees what came before it.
"""

from __future__ import annotations

import math

import numpy as np

from cnnspec.backends import build
from cnnspec.backends.network import Batch
from cnnspec.plan import resolve
from cnnspec.spec.layers import Conv, Flatten, Linear, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Training
from tests.cases import Case, batch_of, each_backend, run
from tests.compare.causes.layer_probes import Faulty, Setting, setting
from tests.room import LayerRoom

CASES = {
    "image": Case(ReLU(), (2, 3, 4)),
    "features": Case(ReLU(), (7,)),
    "one-number": Case(ReLU(), (1,)),
}

IMAGES = setting(ReLU(), (2, 3, 4))
FEATURES = setting(ReLU(), (7,))

PROBED = {"images": IMAGES, "features": FEATURES}

FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (IMAGES, "output", lambda at, y: at.x, "not-applied"),
    (IMAGES, "output", lambda at, y: -np.maximum(-at.x, 0), "upside-down"),
    (FEATURES, "output", lambda at, y: abs(at.x), "absolute-value"),
    (FEATURES, "output", lambda at, y: np.minimum(np.maximum(at.x, 0), 1), "clipped"),
    (IMAGES, "output", lambda at, y: np.where(at.x > 0, 1.0, 0.0), "step"),
    (IMAGES, "output", lambda at, y: np.where(at.x > 0, at.x, 0.01 * at.x), "leaky"),
    (FEATURES, "grad_input", lambda at, y: at.grad_output, "mask-missing"),
    (
        IMAGES,
        "grad_input",
        lambda at, y: np.where(at.x >= 0, at.grad_output, 0),
        "derivative-1-at-0",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: y["grad_input"] + np.where(at.x == 0, at.grad_output / 2, 0),
        "derivative-half-at-0",
    ),
    (FEATURES, "grad_input", lambda at, y: np.maximum(at.grad_output, 0), "mask-of-gradient"),
    (IMAGES, "grad_input", lambda at, y: np.maximum(y["grad_input"], 0), "guided"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output - y["grad_input"], "upside-down"),
    (FEATURES, "grad_input", lambda at, y: np.where(at.x > 0, 1.0, 0), "upstream-missing"),
    (IMAGES, "grad_input", lambda at, y: np.where(at.x >= 0, 1.0, 0), "upstream-missing"),
    (IMAGES, "grad_input", lambda at, y: np.where(at.x > 0, 1, at.grad_output), "upstream-missing"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output * y["output"], "multiplied-by-output"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output * np.sign(at.x), "absolute-value"),
    (
        FEATURES,
        "grad_input",
        lambda at, y: np.where(at.x > 0, at.grad_output, 0.2 * at.grad_output),
        "leaky",
    ),
]

CALLED = {
    **{"ReLU": "relu", "relu": "relu", "relu_": "relu"},
    "nn.ReLU(inplace=True)": "relu",
}

ROOM = LayerRoom(CASES, PROBED, FAULTS, called=CALLED)


def test_sentence() -> None:
    cause = IMAGES.diagnose("output", lambda at, y: np.where(at.x > 0, at.x, 0.01 * at.x))
    assert cause is not None
    assert (
        cause.sentence == "what is below 0 is multiplied by 0.01, as by a leaky relu; 0 is wanted"
    )


@each_backend
def test_derivative_of_relu_at_0_is_0(backend: str) -> None:
    output, grad_input = run(backend, ReLU(), [[-1, -0.0, 0.0, 2]], [[3, 3, 3, -3]])
    assert output == [[0, 0, 0, 2]]
    assert grad_input == [[0, 0, 0, -3]]


@each_backend
def test_relu_lets_nan_pass_and_stops_all_else_below_0(backend: str) -> None:
    _, grad_input = run(backend, ReLU(), [[math.nan, -1, -1, 1]], [[2, math.inf, math.nan, 3]])
    assert grad_input == [[2, 0, 0, 3]]


@each_backend
def test_tracing_sees_what_relu_received(backend: str) -> None:
    spec = ModelSpec(
        input=(1, 4, 4),
        layers=[Conv(out_channels=3, kernel_size=2), ReLU(), Flatten(), Linear(out_features=2)],
    )
    network = build(resolve(spec), Training(), backend)
    layers = network.trace(Batch(*batch_of(network.plan, 3)), step=1).layers
    before, after = layers["conv1"].output, layers["relu1"].output
    assert np.any(before < 0)
    assert np.array_equal(after, np.where(before > 0, before, 0))
