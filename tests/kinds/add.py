"""Sums of branches: settings, the order of the sum, and faults that are named."""

from __future__ import annotations

import numpy as np

from cnnspec.backends import build
from cnnspec.plan import part
from cnnspec.spec.layers import Add
from cnnspec.spec.training import Training
from tests.cases import Case, each_backend
from tests.compare.causes.layer_probes import Faulty, Setting, setting
from tests.room import LayerRoom

CASES = {
    "images": Case(Add(), (2, 3, 4), others=((2, 3, 4),)),
    "three-images": Case(Add(), (2, 2, 3), others=((2, 2, 3), (2, 2, 3))),
    "features": Case(Add(), (5,), others=((5,),)),
    "four-numbers": Case(Add(), (1,), others=((1,), (1,), (1,))),
}

IMAGES = setting(Add(), (2, 3, 4), (2, 3, 4))
THREE = setting(Add(), (2, 3, 4), (2, 3, 4), (2, 3, 4))
FEATURES = setting(Add(), (6,), (6,))

PROBED = {"images": IMAGES, "three-images": THREE, "features": FEATURES}

FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (IMAGES, "output", lambda at, y: at.inputs[0], "branch-left-out"),
    (THREE, "output", lambda at, y: at.inputs[0] + at.inputs[2], "branch-left-out"),
    (FEATURES, "output", lambda at, y: y["output"] + at.inputs[1], "branch-twice"),
    (IMAGES, "output", lambda at, y: at.inputs[0] - at.inputs[1], "branch-subtracted"),
    (THREE, "output", lambda at, y: np.mean(at.inputs, axis=0), "scale"),
    (FEATURES, "output", lambda at, y: np.prod(at.inputs, axis=0), "branches-multiplied"),
    (THREE, "output", lambda at, y: np.max(at.inputs, axis=0), "branches-maximum"),
    (IMAGES, "output", lambda at, y: np.maximum(y["output"], 0), "rectified"),
    (IMAGES, "grad_input[0]", lambda at, y: 0 * at.grad_output, "gradient-missing"),
    (THREE, "grad_input[2]", lambda at, y: 0 * at.grad_output, "gradient-missing"),
    (FEATURES, "grad_input[1]", lambda at, y: at.grad_output / 2, "scale"),
    (
        THREE,
        "grad_input[1]",
        lambda at, y: at.inputs[0] * at.inputs[2] * at.grad_output,
        "branches-multiplied",
    ),
    (
        IMAGES,
        "grad_input[1]",
        lambda at, y: np.where(at.inputs[1] > at.inputs[0], at.grad_output, 0),
        "branches-maximum",
    ),
    (
        FEATURES,
        "grad_input[0]",
        lambda at, y: np.where(y["output"] > 0, at.grad_output, 0),
        "rectified",
    ),
    (THREE, "grad_input[0]", lambda at, y: at.grad_output.sum(axis=(2, 3)), "shape"),
    (IMAGES, "grad_input[1]", lambda at, y: np.flip(at.grad_output, axis=(2, 3)), "turned"),
    (IMAGES, "output", lambda at, y: y["output"].astype("float32"), "low-precision"),
]

ROOM = LayerRoom(CASES, PROBED, FAULTS)


def test_sentences_name_the_branch() -> None:
    cause = THREE.diagnose("output", lambda at, y: at.inputs[0] + at.inputs[1])
    assert cause is not None
    assert cause.sentence == "what comes from c is left out of the sum"
    cause = THREE.diagnose("output", lambda at, y: y["output"] / 3)
    assert cause is not None
    assert cause.sentence == (
        "every number is 0.333333 times the expected one (1/3 = 1/branches): it may be divided "
        "by the number of branches"
    )


@each_backend
def test_branches_are_added_from_the_first_on(backend: str) -> None:
    # (1e8 + 1) + -1e8 is 0 in float32, where 1e8 + (1 + -1e8) would be 1, as would any other.
    plan = part(Add(), "add", *[(1,)] * 3)
    network = build(plan, Training(precision="float32"), backend)
    inputs = [np.array([[number]], np.float32) for number in (1e8, 1.0, -1e8)]
    assert network.replay("add", inputs, inputs[0]).output.tolist() == [[0.0]]


@each_backend
def test_each_branch_has_a_gradient_of_its_own(backend: str) -> None:
    network = build(part(Add(), "add", (2,), (2,)), Training(), backend)
    grad = np.array([[1.0, 2.0]], np.float32)
    found = network.replay("add", [grad, grad], grad)
    for own in found.grad_inputs:
        assert own.tolist() == [[1, 2]]
        own.fill(0)
    assert grad.tolist() == [[1, 2]]
