"""What the loss and the optimizers owe, on every backend."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from cnnspec.backends import BACKENDS, build
from cnnspec.backends.network import Batch, Network
from cnnspec.compare.faults.fault import UpdateSituation
from cnnspec.compare.kinds import OPTIMIZERS as KINDS
from cnnspec.errors import StateError
from cnnspec.plan import Plan, resolve
from cnnspec.randomness import stream
from cnnspec.spec.layers import Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import SGD, Adam, AnyOptimizer
from cnnspec.spec.training import Training
from cnnspec.trace import Array
from tests import rooms
from tests.cases import (
    Exact,
    assert_same_bits,
    assert_within,
    batch_of,
    each_backend,
    each_precision,
    normal,
)
from tests.covering import covering
from tests.rooms import CASES, FACETS

# torch says so once, of every `padding: same` that adds an odd number of cells.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")

NET = resolve(
    ModelSpec(
        input=(2, 6, 5),
        layers=[
            Conv(out_channels=3, kernel_size=3, padding=1),
            ReLU(),
            Pool(kernel_size=2),
            Conv(out_channels=4, kernel_size=2, bias=False),
            Flatten(),
            Linear(out_features=3),
        ],
    )
)

OPTIMIZERS = {
    f"{kind}-{name}": options
    for kind, room in rooms.OPTIMIZERS.items()
    for name, options in room.cases.items()
}

each_optimizer = pytest.mark.parametrize("options", OPTIMIZERS.values(), ids=OPTIMIZERS)


def network_of(
    backend: str,
    options: AnyOptimizer | None = None,
    precision: str = "float32",
    *,
    plan: Plan = NET,
    seed: int = 0,
) -> Network:
    training = Training(optimizer=options or SGD(), precision=precision, seed=seed)
    return build(plan, training, backend)


def gradients_of(step: int, precision: str = "float32") -> dict[str, Array]:
    """Draw gradients of both signs, over seven decades, with some zeros."""
    random = stream(0, "tests", "gradients", step)
    gradients = {}
    for name, shape in NET.parameters.items():
        drawn = random.normal(size=shape) * 10.0 ** random.uniform(-6, 1, shape)
        drawn[random.random(shape) < 0.1] = 0
        gradients[name] = drawn.astype(precision)
    return gradients


def update_budgets(
    options: AnyOptimizer,
    weights: Mapping[str, Array],
    slots: Mapping[str, Array],
    gradients: Mapping[str, Array],
    rate: float,
    step: int,
    precision: str,
) -> dict[str, Exact]:
    budgets = {}
    for name, array in weights.items():
        own = {
            key.removeprefix(f"{name}."): slot
            for key, slot in slots.items()
            if key.startswith(f"{name}.")
        }
        given = UpdateSituation(options, rate, step, array, own, gradients[name])
        found = KINDS[options.keyword].budgets(given, precision)
        budgets |= {f"{name}.{slot}" if slot else name: budget for slot, budget in found.items()}
    return budgets


@pytest.mark.torch
@each_backend
@each_optimizer
@each_precision
@pytest.mark.parametrize("first", [1, 1000])
def test_updates_equal_torchs(
    backend: str, options: AnyOptimizer, precision: str, first: int
) -> None:
    # Each step starts from the same numbers of that precision; the rate is the argument's.
    torch = network_of("torch", options, "float64")
    network = network_of(backend, options, precision)
    rate = 3 * options.learning_rate
    for step in range(first, first + 3):
        start = {key: array.astype(precision) for key, array in torch.state().items()}
        start_slots = {
            key: array.astype(precision) for key, array in torch.optimizer_state().items()
        }
        gradients = gradients_of(step, precision)
        for side in (torch, network):
            side.load_state(start)
            side.load_optimizer_state(start_slots)
            side.update(gradients, rate, step)
        wanted = torch.state() | torch.optimizer_state()
        found = network.state() | network.optimizer_state()
        exact = {key: array.astype(np.float64) for key, array in start.items()}
        exact_slots = {key: array.astype(np.float64) for key, array in start_slots.items()}
        exact_gradients = {key: array.astype(np.float64) for key, array in gradients.items()}
        own, torchs = (
            update_budgets(options, exact, exact_slots, exact_gradients, rate, step, p)
            for p in (precision, "float64")
        )
        assert found.keys() == wanted.keys() == own.keys()
        for key, value in wanted.items():
            assert_within(found[key], value, own[key] + torchs[key], f"step {step}, {key}")
            assert found[key].dtype == precision


@each_backend
@each_optimizer
def test_updates_change_neither_gradients_nor_what_came_back(
    backend: str, options: AnyOptimizer
) -> None:
    network = network_of(backend, options)
    gradients = gradients_of(1)
    given = {key: array.copy() for key, array in gradients.items()}
    network.update(gradients, 0.01, 1)
    returned = network.state() | network.optimizer_state()
    kept = {key: array.copy() for key, array in returned.items()}
    network.update(gradients, 0.01, 2)
    assert_same_bits(gradients, given)
    assert_same_bits(returned, kept)


@each_backend
@each_optimizer
def test_the_learning_rate_is_the_arguments(backend: str, options: AnyOptimizer) -> None:
    network = network_of(backend, options)
    start = network.state()
    images, labels = batch_of(NET, 3)
    network.train_step(Batch(images, labels), 0.0, 1)
    assert_same_bits(network.state(), start)
    network.train_step(Batch(images, labels), 0.25, 2)
    assert all(np.any(array != start[key]) for key, array in network.state().items())


SLOTS = {
    f"{kind}-{name}": slots
    for kind, room in rooms.OPTIMIZERS.items()
    for name, slots in room.slots.items()
}


@each_backend
@pytest.mark.parametrize("optimizer", SLOTS)
def test_slots_have_torchs_names(backend: str, optimizer: str) -> None:
    network = network_of(backend, OPTIMIZERS[optimizer])
    shapes = {key: array.shape for key, array in network.optimizer_state().items()}
    assert shapes == {
        f"{name}.{slot}": shape
        for name, shape in NET.parameters.items()
        for slot in SLOTS[optimizer]
    }
    assert not any(array.any() for array in network.optimizer_state().values())


@each_backend
def test_slots_of_another_optimizer_are_refused_by_name(backend: str) -> None:
    adam = network_of(backend, Adam())
    momentum = network_of(backend, SGD(momentum=0.9))
    with pytest.raises(StateError, match=r"conv1\.weight\.exp_avg\b"):
        adam.load_optimizer_state(momentum.optimizer_state())
    with pytest.raises(StateError, match=r"conv1\.weight\.momentum_buffer\b"):
        momentum.load_optimizer_state({})
    with pytest.raises(StateError, match=r"conv1\.weight\.exp_avg_sq\b"):
        network_of(backend, SGD()).load_optimizer_state(adam.optimizer_state())


@each_backend
@each_optimizer
@each_precision
def test_training_resumes_exactly(backend: str, options: AnyOptimizer, precision: str) -> None:
    network = network_of(backend, options, precision)
    for step in (1, 2, 3):
        network.train_step(Batch(*batch_of(NET, 4, step)), 0.05, step)
    resumed = network_of(backend, options, precision, seed=1)
    resumed.load_state(network.state())
    resumed.load_optimizer_state(network.optimizer_state())
    for step in (4, 5, 6):
        images, labels = batch_of(NET, 4, step)
        first, second = (
            side.train_step(Batch(images, labels), 0.05, step) for side in (network, resumed)
        )
        assert first.loss == second.loss
        assert_same_bits({"logits": first.outputs}, {"logits": second.outputs})
        assert_same_bits(network.state(), resumed.state())
        assert_same_bits(network.optimizer_state(), resumed.optimizer_state())


def traced_step(network: Network, images: Array, labels: Array, rate: float, step: int) -> float:
    """Take a training step by hand: trace, then update along the gradients."""
    trace = network.trace(Batch(images, labels), step=step)
    gradients = {
        f"{layer}.{parameter}": gradient
        for layer, found in trace.layers.items()
        for parameter, gradient in found.grad_parameters.items()
    }
    network.update(gradients, rate, step)
    buffers = {
        f"{layer}.{name}": array
        for layer, found in trace.layers.items()
        for name, array in found.buffers.items()
    }
    network.load_state(network.state() | buffers)
    return trace.loss.loss


@each_backend
@each_optimizer
def test_a_training_step_is_a_trace_and_an_update(backend: str, options: AnyOptimizer) -> None:
    network, by_hand = network_of(backend, options), network_of(backend, options)
    for step, batch in enumerate((4, 1, 3), start=1):
        images, labels = batch_of(NET, batch, step)
        logits = network.predict(images)
        taken = network.train_step(Batch(images, labels), 0.05, step)
        assert taken.loss == traced_step(by_hand, images, labels, 0.05, step)
        assert_same_bits({"logits": taken.outputs}, {"logits": logits})
        assert_same_bits(network.state(), by_hand.state())
        assert_same_bits(network.optimizer_state(), by_hand.optimizer_state())


@covering(name=FACETS, backend=[*BACKENDS])
def test_a_training_step_goes_through_every_layer(name: str, backend: str) -> None:
    plan = CASES[name].plan
    network, by_hand = network_of(backend, plan=plan), network_of(backend, plan=plan)
    images, labels = batch_of(plan, 3, name)
    loss = network.train_step(Batch(images, labels), 0.05, 1).loss
    assert loss == traced_step(by_hand, images, labels, 0.05, 1)
    assert_same_bits(network.state(), by_hand.state())


@pytest.mark.parametrize("backend", BACKENDS)
def test_where_images_lie_in_memory_does_not_matter(backend: str) -> None:
    """To the bit: a view of one channel has the strides of channels last."""
    spec = ModelSpec(
        input=(1, 12, 12),
        layers=[
            Conv(out_channels=16, kernel_size=3),
            Pool(kernel_size=2),
            Flatten(),
            Linear(out_features=4),
        ],
    )
    plan = resolve(spec)
    images = normal((10, 12, 12, 1), "images").astype(np.float32)
    views = np.moveaxis(images, -1, 1)
    assert views.strides != views.copy().strides
    labels = np.arange(10) % 4
    after = []
    for given in (views, views.copy()):
        network = build(plan, spec.training, backend)
        network.load_state(
            {name: normal(array.shape, name) for name, array in network.state().items()}
        )
        network.train_step(Batch(given, labels), 0.1, 1)
        after.append(network.state())
    assert_same_bits(*after)


@each_backend
@pytest.mark.parametrize("options", [SGD(momentum=0.9), Adam()], ids=["sgd", "adam"])
def test_the_loss_falls(backend: str, options: AnyOptimizer) -> None:
    # Three classes, told apart by the row that is bright.
    images = 0.1 * normal((9, *NET.input), "tiny problem")
    labels = np.arange(9) % 3
    images[np.arange(9), :, 2 * labels] += 1
    network = network_of(backend, options)
    losses = [network.train_step(Batch(images, labels), 0.03, step).loss for step in range(1, 31)]
    assert losses[-1] < losses[0]
    assert np.array_equal(network.predict(images).argmax(axis=1), labels)
