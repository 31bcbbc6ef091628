"""Flatten: settings, the order by hand, and faults that are named."""

from __future__ import annotations

import numpy as np

from cnnspec.backends import build
from cnnspec.plan import resolve
from cnnspec.spec.layers import Flatten, Linear
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Training
from tests.cases import Case, each_backend
from tests.compare.causes.layer_probes import Faulty, Setting, setting
from tests.room import LayerRoom

CASES = {
    "image": Case(Flatten(), (2, 3, 4)),
    "one-pixel": Case(Flatten(), (3, 1, 1)),
    "one-row": Case(Flatten(), (2, 1, 5)),
    "features": Case(Flatten(), (6,)),
}

IMAGES = setting(Flatten(), (2, 3, 4))

PROBED = {"images": IMAGES}

FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (
        IMAGES,
        "output",
        lambda at, y: np.moveaxis(at.x, 1, 3).reshape(len(at.x), -1),
        "channels-last",
    ),
    (
        IMAGES,
        "output",
        lambda at, y: at.x.swapaxes(2, 3).reshape(len(at.x), -1),
        "height-width-swapped",
    ),
    (
        IMAGES,
        "output",
        lambda at, y: np.array([image.ravel(order="F") for image in at.x]),
        "column-major",
    ),
    (
        IMAGES,
        "output",
        lambda at, y: at.x.reshape(len(at.x), -1).T.reshape(len(at.x), -1),
        "images-mixed",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: np.moveaxis(at.grad_output.reshape(-1, 3, 4, 2), 3, 1),
        "channels-last",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: np.array([g.reshape((2, 3, 4), order="F") for g in at.grad_output]),
        "column-major",
    ),
    (IMAGES, "grad_input", lambda at, y: at.grad_output, "shape"),
]

CALLED = {"Flatten": "flatten", "Flatten()": "flatten"}

ROOM = LayerRoom(CASES, PROBED, FAULTS, called=CALLED)


def test_sentence() -> None:
    cause = IMAGES.diagnose("output", lambda at, y: np.moveaxis(at.x, 1, 3).reshape(len(at.x), -1))
    assert cause is not None
    assert cause.sentence == (
        "the cells are laid out in the order height, width, channels (channels last)"
    )


@each_backend
def test_flatten_puts_channels_outermost(backend: str) -> None:
    plan = resolve(
        ModelSpec(input=(2, 2, 3), layers=[Flatten(), Linear(out_features=12, bias=False)])
    )
    network = build(plan, Training(precision="float64"), backend)
    network.load_state({"linear1.weight": np.eye(12)})
    images = np.arange(12.0).reshape(1, 2, 2, 3)
    assert network.predict(images).tolist() == [list(range(12))]
