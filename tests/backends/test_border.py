"""What a network is given is checked before anything is computed, alike on every backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnspec.backends.network import Batch, Network
from cnnspec.data import Split
from cnnspec.errors import DataError, StateError
from cnnspec.plan import resolve
from cnnspec.spec.composites import Residual
from cnnspec.spec.layers import Conv, Flatten, GlobalPool, Layer, Linear, Pool, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.training.evaluate import evaluate
from tests.backends.every_network import PLAN, every_network, network_of
from tests.cases import assert_same_bits, batch_of

IMAGES, GOOD = batch_of(PLAN, 4, "border")
WANTED = "wanted whole numbers from 0 to 3, one for each image"

LABELS: dict[str, tuple[Any, str]] = {
    "below": ([0, 1, -1, 2], f"found the label -1 at position 2; {WANTED}; leave out images "),
    "ignored": ([-100, 1, 0, 2], f"found the label -100 at position 0; {WANTED}"),
    "above": ([0, 7, 9, 1], f"found the label 7 at position 1; {WANTED}; the network has 4 logits"),
    "from-1": ([1, 2, 4, 3], f"found the label 4 at position 2; {WANTED}; write labels - 1, if "),
    "largest": ([0, 2**63 - 1, 0, 0], "found the label 9223372036854775807 at position 1"),
    "unsigned": (np.array([0, 2**64 - 1, 0, 0], np.uint64), "the label 18446744073709551615 at"),
    "broken": ([0.0, 1.0, 2.0, 1.5], f"are float64, with 1.5 at position 3; {WANTED}"),
    "nan": ([0.0, np.nan, 2.0, 1.5], "are float64, with nan at position 1"),
    "whole": ([0.0, 1.0, 2.0, 3.0], "are float64; labels.astype(np.int64) makes them whole"),
    "bools": ([True, False, True, False], "are bool; labels.astype(np.int64) makes them 0 and 1"),
    "words": (["a", "b", "a", "b"], f"the labels are <U1; {WANTED}"),
    "complex": ([1j, 0, 0, 0], "the labels are complex128; "),
    "objects": (np.array([0, 1, 2, None]), "the labels are object; "),
    "column": ([[0], [1], [2], [3]], f"the shape (4, 1) for 4 images; {WANTED}: labels[:, 0]"),
    "one-hot": (np.eye(4, dtype=int), "(4, 4) for 4 images; " + WANTED + ": labels.argmax(axis=1)"),
    "too-few": ([0, 1, 2], f"found labels of the shape (3,) for 4 images; {WANTED}"),
    "too-many": ([0, 1, 2, 3, 0], "found labels of the shape (5,) for 4 images"),
    "number": (np.array(3), "found labels of the shape () for 4 images"),
}

TAKES_LABELS: dict[str, Callable[[Any, Any], object]] = {
    "train_step": lambda network, labels: network.train_step(Batch(IMAGES, labels), 0.1, 1),
    "trace": lambda network, labels: network.trace(Batch(IMAGES, labels), step=1),
    "replay_loss": lambda network, labels: network.replay_loss(np.ones((4, 4)), labels),
    "layer_times": lambda network, labels: network.layer_times(Batch(IMAGES, labels)),
    "evaluate": lambda network, labels: evaluate(network, Split(IMAGES, labels)),
}

TAKES_IMAGES: dict[str, Callable[[Any, Any], object]] = {
    "predict": lambda network, images: network.predict(images),
    "train_step": lambda network, images: network.train_step(Batch(images, GOOD), 0.1, 1),
    "trace": lambda network, images: network.trace(Batch(images, GOOD), step=1),
    "layer_times": lambda network, images: network.layer_times(Batch(images, GOOD)),
}


TAKES_BATCHES: dict[str, Callable[[Any, Any], object]] = {
    "train_step": lambda network, batch: network.train_step(batch, 0.1, 1),
    "trace": lambda network, batch: network.trace(batch, step=1),
    "layer_times": lambda network, batch: network.layer_times(batch),
}

TAKES_STEPS: dict[str, Callable[[Any, Any], object]] = {
    "train_step": lambda network, step: network.train_step(Batch(IMAGES, GOOD), 0.1, step),
    "trace": lambda network, step: network.trace(Batch(IMAGES, GOOD), step=step),
    "update": lambda network, step: network.update(
        {name: np.zeros(shape, np.float32) for name, shape in network.plan.parameters.items()},
        0.1,
        step,
    ),
}

PLACES = "wanted distinct whole numbers from 0 to {}, one for each image"
POSITIONS: dict[str, tuple[Any, Any, str]] = {
    "list": ([0, 1, 2, 3], 4, f"found a list as positions of the images; {PLACES.format(3)}"),
    "broken": (np.arange(4.0), 8, "found an array of float64 as positions of the images; "),
    "few": (np.arange(3), 8, f"positions of the shape (3,) for 4 images; {PLACES.format(7)}"),
    "column": (np.arange(4)[:, None], 8, "positions of the shape (4, 1) for 4 images; "),
    "negative": (np.arange(-1, 3), 8, f"found the position -1; {PLACES.format(7)}"),
    "outside": (np.arange(5, 9), 8, f"found the position 8; {PLACES.format(7)}"),
    "no-size": (np.arange(1, 5), None, "of 4; global_size says how many images it has"),
    "twice": (np.array([0, 1, 5, 1]), 8, f"found two images at one position; {PLACES.format(7)}"),
    "small": (None, 3, "found 3 as the size of the global batch, of which 4 images are a part"),
    "half": (None, 4.5, "found 4.5 as the size of the global batch"),
    "yes": (None, True, "found True as the size of the global batch"),
}


def everything(network: Network) -> dict[str, Any]:
    slots = {f"slot {name}": slot for name, slot in network.optimizer_state().items()}
    return network.state() | slots


def assert_refused(
    network: Network, ways_in: dict[str, Callable[[Any, Any], object]], given: Any, message: str
) -> None:
    """Hold that all that takes such a thing refuses this one, and leaves the network alone."""
    before = everything(network)
    for name, way_in in ways_in.items():
        if name == "layer_times" and not hasattr(network, name):  # those with limited threads
            continue
        with pytest.raises(DataError) as caught:
            way_in(network, given)
        assert message in str(caught.value), name
    assert_same_bits(everything(network), before)


@pytest.mark.parametrize("fault", LABELS)
@every_network
def test_labels_that_are_no_classes_are_refused(sort: str, fault: str) -> None:
    given, message = LABELS[fault]
    assert_refused(network_of(sort), TAKES_LABELS, np.asarray(given), message)


@pytest.mark.parametrize("fault", POSITIONS)
@every_network
def test_positions_that_are_no_places_in_the_batch_are_refused(sort: str, fault: str) -> None:
    positions, size, message = POSITIONS[fault]
    assert_refused(network_of(sort), TAKES_BATCHES, Batch(IMAGES, GOOD, positions, size), message)


@pytest.mark.parametrize("step", [0, -1, 1.5, True, np.array(1), None])
@every_network
def test_steps_count_from_1(sort: str, step: object) -> None:
    message = "as the number of a training step; wanted a whole number: steps count from 1"
    assert_refused(network_of(sort), TAKES_STEPS, step, message)


@every_network
def test_what_is_no_batch_is_refused(sort: str) -> None:
    message = "found a tuple; wanted a batch: cnnspec.Batch(images, labels)"
    assert_refused(network_of(sort), TAKES_BATCHES, (IMAGES, GOOD), message)


@every_network
def test_images_are_by_default_all_of_the_batch(sort: str) -> None:
    found, wanted = network_of(sort), network_of(sort)
    found.train_step(Batch(IMAGES, GOOD, np.arange(4), 4), 0.1, 1)
    wanted.train_step(Batch(IMAGES, GOOD), 0.1, 1)
    assert_same_bits(everything(found), everything(wanted))


def test_some_images_keep_their_places_in_the_batch() -> None:
    some = Batch(IMAGES, GOOD, np.array([6, 0, 3, 5]), 8).taken(slice(1, 3))
    assert_same_bits({"images": some.images}, {"images": IMAGES[1:3]})
    assert some.targets.tolist() == GOOD[1:3].tolist()
    positions, size = some.places()
    assert (positions.tolist(), size) == ([0, 3], 8)
    first = Batch(IMAGES, GOOD).taken(np.array([3, 1]))
    assert (first.places()[0].tolist(), first.places()[1]) == ([3, 1], 4)


@every_network
def test_labels_that_are_no_array_are_refused(sort: str) -> None:
    message = f"the labels are a list; {WANTED}: np.asarray(labels)"
    assert_refused(network_of(sort), TAKES_LABELS, [0, 1, 2, 3], message)


@every_network
def test_labels_and_images_that_are_masked_are_refused(sort: str) -> None:
    labels = np.ma.masked_less(np.where(GOOD[0] == GOOD, -1, GOOD), 0)
    message = f"the labels are a masked array; {WANTED}: labels.compressed(), images alike"
    assert_refused(network_of(sort), TAKES_LABELS, labels, message)
    images = np.ma.masked_less(IMAGES, 0)
    assert_refused(network_of(sort), TAKES_IMAGES, images, "the images are a masked array; wanted")


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i4", ">i8"])
@every_network
def test_whole_numbers_of_every_type_are_the_same_labels(sort: str, dtype: str) -> None:
    found, wanted = network_of(sort), network_of(sort)
    for network, labels in ((found, GOOD.astype(dtype)), (wanted, GOOD)):
        network.train_step(Batch(IMAGES, labels), 0.1, 1)
        network.train_step(Batch(IMAGES, np.repeat(labels, 2)[::2]), 0.1, 2)  # not contiguous
    assert_same_bits(everything(found), everything(wanted))
    assert (
        found.trace(Batch(IMAGES, GOOD.astype(dtype)), step=1).loss.loss
        == wanted.trace(Batch(IMAGES, GOOD), step=1).loss.loss
    )


PICTURES: dict[str, tuple[Any, str]] = {
    "list": (IMAGES.tolist(), "the images are a list; wanted a NumPy array of real numbers"),
    "none": (None, "the images are a NoneType; wanted a NumPy array"),
    "complex": (IMAGES + 0j, "the images are an array of complex64; wanted real numbers"),
    "objects": (IMAGES.astype(object), "the images are an array of object; wanted real numbers"),
    "words": (IMAGES.astype(str), "the images are an array of <U32; wanted real numbers"),
    "dates": (np.zeros(IMAGES.shape, "M8[s]"), "the images are an array of datetime64[s]"),
    "one": (IMAGES[0], "(n, 2, 6, 5); found (2, 6, 5); write images[None] for one image"),
    "channels-last": (
        IMAGES.transpose(0, 2, 3, 1),
        "found (4, 6, 5, 2); write images.transpose(0, 3, 1, 2) for images with the channels last",
    ),
    "wide": (np.zeros((4, 2, 6, 6)), "takes images of (n, 2, 6, 5); found (4, 2, 6, 6)"),
    "number": (np.array(1.0), "takes images of (n, 2, 6, 5); found ()"),
}


@pytest.mark.parametrize("fault", PICTURES)
@every_network
def test_images_that_a_network_does_not_take_are_refused(sort: str, fault: str) -> None:
    given, message = PICTURES[fault]
    assert_refused(network_of(sort), TAKES_IMAGES, given, message)


def test_images_without_an_axis_of_channels_are_told_how_to_get_one() -> None:
    plan = resolve(ModelSpec(input=(1, 3, 4), layers=[Flatten(), Linear(out_features=2)]))
    with pytest.raises(
        DataError, match=r"found \(2, 3, 4\); write images\[:, None\] for images wi"
    ):
        network_of("loops", plan).predict(np.zeros((2, 3, 4)))


@pytest.mark.parametrize("dtype", ["f2", ">f4", ">f8", "g", "u1", "i8", "u4", "?"])
@every_network
def test_real_numbers_of_every_type_are_images(sort: str, dtype: str) -> None:
    images = (IMAGES > 0).astype(dtype)
    network = network_of(sort)
    wanted = network.predict(images.astype(np.float32))
    assert_same_bits({"logits": network.predict(images)}, {"logits": wanted})


@pytest.mark.parametrize("value", [np.nan, np.inf])
@every_network
def test_images_that_are_not_finite_are_passed_on(sort: str, value: float) -> None:
    network, images = network_of(sort), IMAGES.copy()
    images[1, 0, 2, 2] = value
    with np.errstate(invalid="ignore"):
        logits = network.predict(images)
    assert not np.isfinite(logits[1]).all()
    assert_same_bits({"rest": logits[2:]}, {"rest": network.predict(IMAGES)[2:]})


@every_network
def test_an_empty_batch_is_predicted_and_not_learnt_from(sort: str) -> None:
    network, none, no_labels = network_of(sort), IMAGES[:0], GOOD[:0]
    before = everything(network)
    logits = network.predict(none)
    assert (logits.shape, logits.dtype) == ((0, 4), np.float32)
    message = r"found an empty batch, images of \(0, 2, 6, 5\); wanted at least one image"
    with pytest.raises(DataError, match=message):
        network.train_step(Batch(none, no_labels), 0.1, 1)
    with pytest.raises(DataError, match=message):
        network.trace(Batch(none, no_labels), step=1)
    with pytest.raises(DataError, match=r"logits of the shape \(0, 4\); wanted .* one image"):
        network.replay_loss(np.ones((0, 4)), no_labels)
    with pytest.raises(DataError, match="`linear1`: found no inputs; wanted at least one image's"):
        network.replay("linear1", [np.ones((0, 18))], np.ones((0, 4)))
    with pytest.raises(DataError, match="found no images to test on; wanted at least one"):
        evaluate(network, Split(none, no_labels))
    assert_same_bits(everything(network), before)


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("sort", ["numpy", "loops", "torch"])
def test_every_layer_predicts_of_no_images(sort: str, kind: Any) -> None:
    layers = [Pool(kernel_size=3, stride=1, padding=1, kind=kind), ReLU(), Flatten()]
    plan = resolve(ModelSpec(input=(2, 4, 4), layers=[*layers, Linear(out_features=3)]))
    assert network_of(sort, plan).predict(np.zeros((0, 2, 4, 4))).shape == (0, 3)


@pytest.mark.parametrize(
    ("x", "grad_output"),
    [
        ((), (4, 4)),
        ((4, 17), (4, 4)),
        ((4, 18), (4, 3)),
        ((4, 18), (3, 4)),
        ((18,), (4,)),
        ((4, 18, 1), (4, 4)),
    ],
)
@every_network
def test_a_layer_alone_takes_its_own_shapes(
    sort: str, x: tuple[int, ...], grad_output: tuple[int, ...]
) -> None:
    message = (
        f"`linear1` takes inputs of (n, 18) and upstream gradients of (n, 4); found {x} and "
        f"{grad_output}"
    )
    with pytest.raises(DataError) as caught:
        network_of(sort).replay("linear1", [np.ones(x)], np.ones(grad_output))
    assert message in str(caught.value)


@pytest.mark.parametrize("last", [Pool(kernel_size=2), GlobalPool()], ids=["pool", "global"])
@every_network
def test_a_network_that_ends_in_images_predicts_and_does_not_learn(sort: str, last: Layer) -> None:
    plan = resolve(ModelSpec(input=(2, 6, 5), layers=[last]))
    network = network_of(sort, plan)
    message = f"the last layer gives images of {' x '.join(map(str, plan.output))}, and the loss "
    assert network.predict(IMAGES).shape == (4, *plan.output)
    assert_refused(network, TAKES_BATCHES, Batch(IMAGES, np.array([0, 1, 0, 1])), message)


@pytest.mark.parametrize(
    ("inputs", "found"),
    [(None, "None"), (IMAGES, "one array"), ([], "0"), (iter("x"), "a str_asc")],
)
@every_network
def test_a_layer_alone_takes_a_sequence(sort: str, inputs: Any, found: str) -> None:
    message = f"`linear1` takes a sequence of inputs, one array for each of flatten1; found {found}"
    with pytest.raises(DataError) as caught:
        network_of(sort).replay("linear1", inputs, np.ones((4, 4)))
    assert str(caught.value).startswith(message)


@every_network
def test_a_layer_that_is_not_there_is_not_run(sort: str) -> None:
    body = Residual(name="training", body=[Conv(out_channels=2, kernel_size=1)])
    spec = ModelSpec(input=(2, 6, 5), layers=[body, ReLU(), Flatten(), Linear(out_features=4)])
    network = network_of(sort, resolve(spec))
    messages = {
        "training": "`training` is a block; wanted one of its layers: training.body.conv1, "
        "training.add",
        "linear2": "the network has no layer called linear2; did you mean `linear1`?",
        "x" * 1000: f"the network has no layer called {'x' * 100}...; there are "
        "training.body.conv1, training.add, relu1, flatten1, linear1",
        3: "found 3 in the place of a layer's name; wanted a text",
    }
    for name, message in messages.items():
        with pytest.raises(DataError) as caught:
            network.replay(name, [IMAGES], IMAGES)  # type: ignore[arg-type]
        assert str(caught.value) == message


@pytest.mark.parametrize("shape", [(4,), (4, 4, 1), (4, 0)])
@every_network
def test_a_loss_takes_logits_of_images(sort: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"found logits of the shape .*; wanted \(n, classes\)"):
        network_of(sort).replay_loss(np.ones(shape), GOOD)


def test_names_that_do_not_fit_are_few() -> None:
    network = network_of("numpy")
    long, short = {"x" * 10_000: GOOD}, {f"n{number}": GOOD for number in range(100_000)}
    with pytest.raises(StateError) as caught:
        network.load_state(network.state() | long | short)
    wanted = f"unknown: {'x' * 100}..., n0, n1, n2, n3, n4, n5, n6, n7, n8, and 99,991 more"
    assert str(caught.value).endswith(wanted)


def test_a_number_without_a_shape_is_said_to_be_one() -> None:
    network = network_of("numpy")
    state = network.state()
    name = next(iter(state))
    with pytest.raises(StateError, match=f"`{name}` is a number without a shape, but the network "):
        network.load_state(state | {name: np.array(1.0)})
