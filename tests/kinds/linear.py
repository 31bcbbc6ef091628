"""Linear layers: settings, and faults that are named."""

from __future__ import annotations

import numpy as np

from cnnspec.spec.layers import Linear
from tests.cases import Case
from tests.compare.causes.layer_probes import (
    Faulty,
    Setting,
    bias_of,
    of_last_image,
    setting,
    weight_of,
)
from tests.room import LayerRoom

CASES = {
    "plain": Case(Linear(out_features=4), (6,)),
    "wider": Case(Linear(out_features=7), (3,)),
    "one-input": Case(Linear(out_features=3), (1,)),
    "one-output": Case(Linear(out_features=1), (5,)),
    "no-bias": Case(Linear(out_features=3, bias=False), (4,)),
    "written-features": Case(Linear(out_features=2, in_features=5), (5,)),
}

PLAIN = setting(Linear(out_features=4), (6,))
SQUARE = setting(Linear(out_features=5), (5,))

PROBED = {"plain": PLAIN, "square": SQUARE}

FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (PLAIN, "output", lambda at, y: y["output"] - bias_of(at), "bias-missing"),
    (PLAIN, "output", lambda at, y: y["output"] + 5 * bias_of(at), "bias-per-input-channel"),
    (PLAIN, "grad_weight", lambda at, y: of_last_image(at, "grad_weight"), "images-left-out"),
    (
        PLAIN,
        "grad_weight",
        lambda at, y: np.array([y["grad_weight"].sum(axis=0)] * len(y["grad_weight"])),
        "outputs-added",
    ),
    (PLAIN, "grad_bias", lambda at, y: at.grad_output[0], "images-left-out"),
    (PLAIN, "grad_bias", lambda at, y: at.grad_output.sum(axis=1), "bias-sum"),
    (PLAIN, "grad_bias", lambda at, y: 0.0 + at.grad_output.astype(int).sum(axis=0), "truncated"),
    (
        PLAIN,
        "grad_weight",
        lambda at, y: np.outer(at.grad_output.mean(axis=0), at.x.mean(axis=0)),
        "mean-of-batch",
    ),
    (
        SQUARE,
        "output",
        lambda at, y: at.x @ weight_of(at) + bias_of(at),
        "weight-transposed",
    ),
    (
        PLAIN,
        "output",
        lambda at, y: at.x @ weight_of(at).reshape(6, 4) + bias_of(at),
        "weight-reshaped",
    ),
    (
        SQUARE,
        "grad_input",
        lambda at, y: at.grad_output @ weight_of(at).T,
        "weight-transposed",
    ),
    (
        PLAIN,
        "grad_weight",
        lambda at, y: y["grad_weight"] + 0.01 * weight_of(at),
        "penalty-in-gradient",
    ),
]

CALLED = {
    **{"Linear": "linear", "linear": "linear", "InnerProduct": "linear"},
    "Linear(64, 10)": "linear: {out_features: 10}",
    "Dense(10)": "linear: {out_features: 10}",
}

ROOM = LayerRoom(CASES, PROBED, FAULTS, called=CALLED)


def test_sentence() -> None:
    cause = PLAIN.diagnose("grad_weight", lambda at, y: y["grad_weight"] + 0.01 * weight_of(at))
    assert cause is not None
    assert cause.sentence == (
        "0.01 times the weights is added to the layer's gradient, as by a penalty; the optimizer "
        "has the weight decay"
    )
