"""Branches beside each other: settings, the order of channels, and faults that are named."""

from __future__ import annotations

import numpy as np

from cnnspec.backends import build
from cnnspec.plan import part
from cnnspec.spec.layers import Concat
from cnnspec.spec.training import Training
from tests.cases import Case, each_backend
from tests.compare.causes.layer_probes import Faulty, Setting, setting
from tests.room import LayerRoom

CASES = {
    "images": Case(Concat(), (2, 3, 4), others=((3, 3, 4),)),
    "of-one-width": Case(Concat(), (2, 2, 3), others=((2, 2, 3),)),
    "three-images": Case(Concat(), (1, 3, 2), others=((3, 3, 2), (2, 3, 2))),
    "features": Case(Concat(), (4,), others=((3,),)),
    "four-numbers": Case(Concat(), (1,), others=((1,), (1,), (1,))),
}

IMAGES = setting(Concat(), (2, 3, 4), (3, 3, 4))
ALIKE = setting(Concat(), (2, 3, 4), (2, 3, 4))
THREE = setting(Concat(), (1, 3, 4), (3, 3, 4), (2, 3, 4))
FEATURES = setting(Concat(), (4,), (3,))

PROBED = {"images": IMAGES, "of-one-width": ALIKE, "three-images": THREE, "features": FEATURES}

FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (
        IMAGES,
        "output",
        lambda at, y: np.concatenate(at.inputs[::-1], axis=1),
        "branches-in-another-order",
    ),
    (
        THREE,
        "output",
        lambda at, y: np.concatenate([at.inputs[n] for n in (1, 2, 0)], axis=1),
        "branches-in-another-order",
    ),
    (IMAGES, "grad_input[0]", lambda at, y: at.grad_output[:, 3:], "branches-in-another-order"),
    (THREE, "grad_input[2]", lambda at, y: at.grad_output[:, :2], "branches-in-another-order"),
    (FEATURES, "grad_input[1]", lambda at, y: at.grad_output[:, :3], "branches-in-another-order"),
    (
        ALIKE,
        "output",
        lambda at, y: np.stack(at.inputs, axis=2).reshape(y["output"].shape),
        "channels-interleaved",
    ),
    (ALIKE, "grad_input[1]", lambda at, y: at.grad_output[:, 1::2], "channels-interleaved"),
    (ALIKE, "output", lambda at, y: np.tile(at.inputs[0], (1, 2, 1, 1)), "branch-twice"),
    (THREE, "grad_input[1]", lambda at, y: 0 * y["grad_input[1]"], "gradient-missing"),
    (IMAGES, "output", lambda at, y: np.concatenate(at.inputs, axis=1)[:, :-1], "shape"),
    (THREE, "grad_input[0]", lambda at, y: at.grad_output, "shape"),
    (IMAGES, "grad_input[1]", lambda at, y: y["grad_input[1]"] * 5, "scale"),
]

ROOM = LayerRoom(CASES, PROBED, FAULTS)


def test_sentences_name_the_branches() -> None:
    cause = THREE.diagnose("output", lambda at, y: np.concatenate(at.inputs[::-1], axis=1))
    assert cause is not None
    assert cause.sentence == "the channels are taken to stand in the order c, b, a"


@each_backend
def test_channels_stand_in_the_order_of_the_branches(backend: str) -> None:
    plan = part(Concat(), "concat", (1, 1, 2), (2, 1, 2))
    network = build(plan, Training(precision="float64"), backend)
    inputs = [np.array([[[[1.0, 2.0]]]]), np.array([[[[3.0, 4.0]], [[5.0, 6.0]]]])]
    found = network.replay("concat", inputs, 10 * np.arange(6.0).reshape(1, 3, 1, 2))
    assert found.output.tolist() == [[[[1, 2]], [[3, 4]], [[5, 6]]]]
    assert [grad.ravel().tolist() for grad in found.grad_inputs] == [[0, 10], [20, 30, 40, 50]]
