"""Faulty relus and flattens: each is named, on every probe."""

from __future__ import annotations

import numpy as np
import pytest

from cnnspec.spec.layers import Flatten, ReLU
from tests.compare.causes.layer_probes import Faulty, Setting, setting

IMAGES = setting(ReLU(), (2, 3, 4))
FEATURES = setting(ReLU(), (7,))
FLATTEN = setting(Flatten(), (2, 3, 4))

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
    (IMAGES, "grad_input", lambda at, y: at.grad_output * y["output"], "multiplied-by-output"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output * np.sign(at.x), "absolute-value"),
    (
        FEATURES,
        "grad_input",
        lambda at, y: np.where(at.x > 0, at.grad_output, 0.2 * at.grad_output),
        "leaky",
    ),
    (
        FLATTEN,
        "output",
        lambda at, y: np.moveaxis(at.x, 1, 3).reshape(len(at.x), -1),
        "channels-last",
    ),
    (
        FLATTEN,
        "output",
        lambda at, y: at.x.swapaxes(2, 3).reshape(len(at.x), -1),
        "height-width-swapped",
    ),
    (
        FLATTEN,
        "output",
        lambda at, y: np.array([image.ravel(order="F") for image in at.x]),
        "column-major",
    ),
    (
        FLATTEN,
        "output",
        lambda at, y: at.x.reshape(len(at.x), -1).T.reshape(len(at.x), -1),
        "images-mixed",
    ),
    (
        FLATTEN,
        "grad_input",
        lambda at, y: np.moveaxis(at.grad_output.reshape(-1, 3, 4, 2), 3, 1),
        "channels-last",
    ),
    (
        FLATTEN,
        "grad_input",
        lambda at, y: np.array([g.reshape((2, 3, 4), order="F") for g in at.grad_output]),
        "column-major",
    ),
    (FLATTEN, "grad_input", lambda at, y: at.grad_output, "shape"),
]


@pytest.mark.parametrize(("layer", "quantity", "faulty", "code"), FAULTS)
def test_fault_is_named(layer: Setting, quantity: str, faulty: Faulty, code: str) -> None:
    cause = layer.diagnose(quantity, faulty)
    assert cause is not None
    assert cause.code == code, cause.sentence


def test_sentences() -> None:
    cause = IMAGES.diagnose("output", lambda at, y: np.where(at.x > 0, at.x, 0.01 * at.x))
    assert cause is not None
    assert (
        cause.sentence == "what is below 0 is multiplied by 0.01, as by a leaky relu; 0 is wanted"
    )
    cause = FLATTEN.diagnose("output", lambda at, y: np.moveaxis(at.x, 1, 3).reshape(len(at.x), -1))
    assert cause is not None
    assert cause.sentence == (
        "the cells are laid out in the order height, width, channels (channels last)"
    )
