"""Dropout: settings, conventions by hand, and faults that are named.

What is kept is divided by 1 - p in training; in evaluation nothing happens.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cnnspec.backends import build
from cnnspec.backends.network import Batch, Network
from cnnspec.compare.kinds import LAYERS
from cnnspec.errors import DataError, SpecError
from cnnspec.noise import Noise
from cnnspec.plan import Plan, resolve
from cnnspec.spec.layers import Conv, Dropout, Flatten, Linear
from cnnspec.spec.load import parse_spec
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Training
from tests.cases import Case, assert_same_bits, batch_of, each_backend, each_precision
from tests.compare.causes.layer_probes import Faulty, Setting, setting
from tests.room import LayerRoom

CASES = {
    "image": Case(Dropout(), (2, 3, 4)),
    "features": Case(Dropout(p=0.3), (7,)),
    "channels": Case(Dropout(p=0.25, per="channel"), (5, 2, 3)),
    "never": Case(Dropout(p=0.0), (2, 3, 4)),
    "nearly-all": Case(Dropout(p=0.999), (6, 3, 4)),
}

IMAGES = setting(Dropout(p=0.3), (2, 3, 4))
FEATURES = setting(Dropout(), (9,))
CHANNELS = setting(Dropout(p=0.2, per="channel"), (4, 3, 2))

PROBED = {"images": IMAGES, "features": FEATURES, "channels": CHANNELS}


OTHER = np.random.default_rng(0)

FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (IMAGES, "output", lambda at, y: at.x * at.noise, "not-scaled"),
    (FEATURES, "output", lambda at, y: at.x * at.noise, "not-scaled"),
    (CHANNELS, "grad_input", lambda at, y: at.grad_output * at.noise, "not-scaled"),
    (IMAGES, "output", lambda at, y: at.x * at.noise / 0.3, "divided-by-p"),
    (CHANNELS, "grad_input", lambda at, y: at.grad_output * at.noise / 0.2, "divided-by-p"),
    (IMAGES, "output", lambda at, y: at.x * at.noise * 0.7, "multiplied"),
    (IMAGES, "output", lambda at, y: at.x * at.noise * 0.3, "multiplied"),
    (FEATURES, "grad_input", lambda at, y: y["grad_input"] / 0.5, "scaled-twice"),
    (IMAGES, "output", lambda at, y: at.x, "not-applied"),
    (IMAGES, "output", lambda at, y: at.x / 0.7, "mask-missing"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output / 0.7, "mask-missing"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output, "mask-missing"),
    (IMAGES, "output", lambda at, y: at.x * ~at.noise / 0.7, "mask-inverted"),
    (CHANNELS, "grad_input", lambda at, y: at.grad_output * ~at.noise / 0.2, "mask-inverted"),
    (FEATURES, "output", lambda at, y: at.x * ~at.noise, "mask-inverted"),
    (IMAGES, "grad_input", lambda at, y: y["grad_input"] * (at.x != 0), "mask-of-output"),
    (FEATURES, "output", lambda at, y: at.x * (OTHER.random(at.x.shape) < 0.5) * 2, "other-mask"),
    (
        CHANNELS,
        "output",
        lambda at, y: at.x * (OTHER.random(at.x.shape) < 0.8) / 0.8,
        "other-mask",
    ),
]

CALLED = {
    **dict.fromkeys(("Dropout", "dropout", "nn.Dropout(inplace=True)"), "dropout"),
    "nn.Dropout(0.2)": "dropout: {p: 0.2}",
    "tf.keras.layers.Dropout(rate=0.3)": "dropout: {p: 0.3}",
    **dict.fromkeys(("Dropout2d", "dropout2d", "SpatialDropout2D"), "dropout: {per: channel, ...}"),
    "nn.Dropout2d(p=0.1)": "dropout: {per: channel, p: 0.1}",
}

ROOM = LayerRoom(CASES, PROBED, FAULTS, called=CALLED)


def test_sentence() -> None:
    cause = CHANNELS.diagnose(
        "output", lambda at, y: at.x * (np.random.default_rng(1).random(at.x.shape) < 0.8) / 0.8
    )
    assert cause is not None
    assert cause.sentence == ("numbers are dropped one by one; whole channels are to be dropped")


def test_every_fault_says_what_to_do() -> None:
    room = LAYERS["dropout"]
    codes = {fault.code for fault in (*room.faults, *room.factors)}
    assert codes - room.help.keys() == set()


def network_of(backend: str, layer: Dropout, precision: str = "float32") -> Network:
    layers = [layer.model_copy(update={"name": "layer"}), Flatten(), Linear(out_features=2)]
    plan = resolve(ModelSpec(input=(2, 2, 2), layers=layers))
    return build(plan, Training(precision=precision), backend)


@each_backend
def test_what_is_kept_is_scaled_and_the_rest_is_0(backend: str) -> None:
    x = np.arange(1.0, 9).reshape(1, 2, 2, 2)
    mask = np.array([[[[True, False], [False, True]], [[True, True], [False, False]]]])
    found = network_of(backend, Dropout(p=0.75)).replay("layer", [x], -x, noise=mask)
    assert found.output.tolist() == [[[[4, 0], [0, 16]], [[20, 24], [0, 0]]]]
    assert found.grad_input.tolist() == [[[[-4, 0], [0, -16]], [[-20, -24], [0, 0]]]]


@each_backend
def test_channels_are_dropped_as_a_whole(backend: str) -> None:
    x = np.arange(1.0, 9).reshape(1, 2, 2, 2)
    mask = np.array([[[[False]], [[True]]]])
    network = network_of(backend, Dropout(p=0.5, per="channel"))
    found = network.replay("layer", [x], x, noise=mask)
    assert found.output.tolist() == [[[[0, 0], [0, 0]], [[10, 12], [14, 16]]]]


@each_backend
@each_precision
def test_evaluation_drops_nothing(backend: str, precision: str) -> None:
    network = network_of(backend, Dropout(p=0.9), precision)
    plan = resolve(ModelSpec(input=(2, 2, 2), layers=[Flatten(), Linear(out_features=2)]))
    without = build(plan, Training(precision=precision), backend)
    without.load_state(network.state())
    images, labels = batch_of(plan, 5)
    wanted = {"logits": without.predict(images)}
    assert_same_bits({"logits": network.predict(images)}, wanted)
    network.train_step(Batch(images, labels), 0.0, 1)
    assert_same_bits({"logits": network.predict(images)}, wanted)


@each_backend
@pytest.mark.parametrize(
    ("mask", "found"),
    [
        (None, "found None"),
        (np.ones((1, 2, 2, 2)), r"found an array of float64 of the shape \(1, 2, 2, 2\)"),
        (np.ones((1, 2, 2, 1), bool), r"found an array of bool of the shape \(1, 2, 2, 1\)"),
        ([[True]], "found a list"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(backend: str, mask: Any, found: str) -> None:
    x = np.ones((1, 2, 2, 2))
    wanted = r"`layer` takes a mask as `noise`, an array of bool of the shape \(1, 2, 2, 2\); "
    with pytest.raises(DataError, match=wanted + found):
        network_of(backend, Dropout()).replay("layer", [x], x, noise=mask)


@each_backend
def test_a_layer_that_draws_nothing_is_given_no_mask(backend: str) -> None:
    network = network_of(backend, Dropout())
    with pytest.raises(DataError, match="`flatten1` draws nothing in training; leave `noise` out"):
        network.replay(
            "flatten1", [np.ones((1, 2, 2, 2))], np.ones((1, 8)), noise=np.ones((1, 8), bool)
        )


DRAWING = resolve(
    ModelSpec(
        input=(3, 5, 4),
        layers=[
            Dropout(p=0.2),
            Conv(out_channels=4, kernel_size=2),
            Dropout(p=0.4, per="channel"),
            Flatten(),
            Dropout(),
            Linear(out_features=3),
        ],
    )
)


def dropped(
    plan: Plan, backend: str, batch: Batch, step: int = 1, **options: Any
) -> dict[str, list[Any]]:
    """Return where each dropout of a pass has zeros."""
    trace = build(plan, Training(**options), backend).trace(batch, step=step)
    names = [at.name for at in plan.layers if at.mask]
    return {name: (trace.layers[name].output == 0).tolist() for name in names}


@each_backend
def test_masks_are_the_same_on_every_backend_and_in_either_precision(backend: str) -> None:
    batch = Batch(*batch_of(DRAWING, 6))
    wanted = dropped(DRAWING, "loops", batch, step=7, seed=3, precision="float64")
    for precision in ("float32", "float64"):
        found = dropped(DRAWING, backend, batch, step=7, seed=3, precision=precision)
        assert found == wanted


@each_backend
def test_masks_are_others_by_step_seed_layer_and_image(backend: str) -> None:
    batch = Batch(*batch_of(DRAWING, 6))
    masks = [
        dropped(DRAWING, backend, batch, step=step, seed=seed)
        for step, seed in ((1, 0), (2, 0), (1, 1))
    ]
    assert masks[0] != masks[1] != masks[2] != masks[0]
    one, again = (dropped(DRAWING, backend, batch) for _ in range(2))
    assert one == again
    two = resolve(ModelSpec(input=(3, 5, 4), layers=[Dropout(), Dropout(), Flatten()]))
    drawn = Noise(two, 0).masks(1, np.arange(6), 6)
    assert not np.array_equal(drawn["dropout1"], drawn["dropout2"])
    assert len({mask.tobytes() for mask in drawn["dropout1"]}) == 6


@each_backend
def test_a_batch_that_is_shared_out_has_the_masks_of_the_whole(backend: str) -> None:
    images, labels = batch_of(DRAWING, 7)
    whole = dropped(DRAWING, backend, Batch(images, labels))
    for rows in (np.array([1, 4, 6]), np.array([5, 0])):
        part = Batch(images[rows], labels[rows], rows, 7)
        found = dropped(DRAWING, backend, part)
        for name, zeros in found.items():
            assert zeros == [whole[name][row] for row in rows], name


@each_backend
def test_parts_of_a_batch_have_the_gradients_of_the_whole(backend: str) -> None:
    images, labels = batch_of(DRAWING, 7)
    network = build(DRAWING, Training(precision="float64"), backend)
    whole = network.trace(Batch(images, labels), step=2).layers["linear1"].grad_parameters
    total = {name: np.zeros_like(array) for name, array in whole.items()}
    for rows in (np.array([1, 4, 6]), np.array([5, 0, 2, 3])):
        part = network.trace(Batch(images[rows], labels[rows], rows, 7), step=2)
        for name, gradient in part.layers["linear1"].grad_parameters.items():
            total[name] += gradient * (len(rows) / 7)
    for name, gradient in whole.items():
        np.testing.assert_allclose(total[name], gradient, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_share_that_is_dropped_is_p(p: float) -> None:
    count = 20_000
    plan = resolve(ModelSpec(input=(1, 10, 10), layers=[Dropout(p=p), Flatten()]))
    kept = Noise(plan, 0).masks(1, np.arange(200), 200)["dropout1"]
    # Hoeffding's bound: honest draws are further off once in 10^9.
    assert abs(np.mean(~kept) - p) < math.sqrt(math.log(2e9) / (2 * count))


@each_backend
def test_p_of_0_leaves_everything_as_it_is(backend: str) -> None:
    batch = Batch(*batch_of(DRAWING, 4))
    layers = [Dropout(p=0.0), Conv(out_channels=2, kernel_size=2), Flatten()]
    plan = resolve(ModelSpec(input=(3, 5, 4), layers=layers))
    trace = build(plan, Training(), backend).trace(batch, step=1).layers["dropout1"]
    assert_same_bits({"y": trace.output}, {"y": trace.input})
    assert_same_bits({"g": trace.grad_input}, {"g": trace.grad_output})


@each_backend
@each_precision
def test_p_may_be_as_near_to_1_as_numbers_are(backend: str, precision: str) -> None:
    p = math.nextafter(1.0, 0.0)
    network = network_of(backend, Dropout(p=p), precision)
    x = np.full((1, 2, 2, 2), 2.0**-50)
    mask = np.arange(8).reshape(1, 2, 2, 2) % 2 == 0
    found = network.replay("layer", [x], x, noise=mask)
    assert found.output.tolist() == (8.0 * mask).tolist()
    taken = network.train_step(Batch(np.ones((3, 2, 2, 2)), np.array([0, 1, 0])), 0.1, 1)
    assert np.isfinite(taken.loss)


@pytest.mark.parametrize("p", ["1", "1.0", "-0.1", "1e-400x", "true"])
def test_p_outside_of_its_range_is_refused(p: str) -> None:
    with pytest.raises(SpecError):
        parse_spec(f"input: [1, 2, 2]\nlayers: [dropout: {{p: {p}}}, flatten]\n")


def test_channels_of_features_are_refused() -> None:
    text = "input: [1, 2, 2]\nlayers: [flatten, dropout: {per: channel}, linear: {out_features: 2}]"
    with pytest.raises(SpecError, match="drops whole channels of images, but receives features"):
        resolve(parse_spec(text))
