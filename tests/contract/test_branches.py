"""What networks with branches owe, on every backend."""

from __future__ import annotations

import copy
import pickle
from functools import reduce

import numpy as np
import pytest

from cnnspec.backends import build
from cnnspec.backends.loops import pace
from cnnspec.backends.network import Batch, Network
from cnnspec.compare import compare_choices, parse_backend
from cnnspec.compare.bounds.layers import layer_budgets
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.sides.side import Side
from cnnspec.compare.verdict.quantities import named
from cnnspec.errors import DataError
from cnnspec.numerics.budget import sum_budget
from cnnspec.plan import INPUT, PlannedLayer
from cnnspec.spec.optimizers import SGD, Adam
from cnnspec.spec.training import Training
from cnnspec.trace import Array, LayerTrace, Trace
from tests.branching import PLANS
from tests.cases import assert_same_bits, assert_within, batch_of, each_backend, normal

each_plan = pytest.mark.parametrize("name", PLANS)


def network_of(name: str, backend: str, **options: object) -> Network:
    training = Training(optimizer=SGD(learning_rate=0.05, momentum=0.9))
    return build(PLANS[name], training.model_copy(update=options), backend)


def arrays_of(found: LayerTrace) -> dict[str, Array]:
    inputs = {f"input {number}": x for number, x in enumerate(found.inputs)}
    grads = {f"grad_input {number}": grad for number, grad in enumerate(found.grad_inputs)}
    own = {f"grad_{name}": gradient for name, gradient in found.grad_parameters.items()}
    both = {"output": found.output, "grad_output": found.grad_output}
    return inputs | both | grads | own | dict(found.buffers)


def all_of(trace: Trace) -> dict[str, Array]:
    layers = {
        f"{layer} {name}": array
        for layer, found in trace.layers.items()
        for name, array in arrays_of(found).items()
    }
    return layers | {"loss": np.array(trace.loss.loss), "grad_logits": trace.loss.grad_logits}


@each_plan
@each_backend
def test_each_share_of_a_pass_is_that_layer_alone(name: str, backend: str) -> None:
    plan, network = PLANS[name], network_of(name, backend)
    images, labels = batch_of(plan, 3, name)
    trace = network.trace(Batch(images, labels), step=1)
    assert list(trace.layers) == [at.name for at in plan.layers]
    outputs = {INPUT: images} | {at.name: trace.layers[at.name].output for at in plan.layers}
    for at in plan.layers:
        seen = trace.layers[at.name]
        given = [outputs[source] for source in at.inputs]
        alone = network.replay(at.name, given, seen.grad_output)
        if backend == "torch":  # which adds in another order where memory is laid out otherwise
            hold_together(network, at, seen, alone)
        else:
            assert_same_bits(arrays_of(seen), arrays_of(alone))
        assert [grad.shape[1:] for grad in seen.grad_inputs] == [*at.input_shapes]
    last = outputs[plan.layers[-1].name]
    loss = network.replay_loss(last, labels)
    assert loss.loss == trace.loss.loss
    assert_same_bits({"grad": loss.grad_logits}, {"grad": trace.loss.grad_logits})
    if not plan.buffers:
        assert_same_bits({"logits": network.predict(images)}, {"logits": last})


def hold_together(network: Network, at: PlannedLayer, seen: LayerTrace, alone: LayerTrace) -> None:
    side = Side(network.plan, Training(), parse_backend(network.backend), network.state())
    wanted = named(alone, at)
    probe = LayerProbe("share", at, seen.inputs, seen.grad_output)
    bounds = layer_budgets(side, probe, wanted, side.precision)
    for quantity, array in named(seen, at).items():
        assert_within(array, wanted[quantity], 2 * bounds[quantity], f"{at.name} {quantity}")
    for one, other in zip((*seen.inputs, seen.grad_output), (*alone.inputs, alone.grad_output)):
        assert np.array_equal(one, other)


@each_plan
@each_backend
def test_gradients_of_all_readers_are_added(name: str, backend: str) -> None:
    plan, network = PLANS[name], network_of(name, backend)
    trace = network.trace(Batch(*batch_of(plan, 3, name)), step=1)
    sent: dict[str, list[Array]] = {at.name: [] for at in plan.layers} | {INPUT: []}
    sent[plan.layers[-1].name].append(trace.loss.grad_logits)
    for at in reversed(plan.layers):  # in which order they come
        for source, grad in zip(at.inputs, trace.layers[at.name].grad_inputs):
            sent[source].append(grad)
    for at in plan.layers:
        found = trace.layers[at.name].grad_output
        if backend == "torch" and len(sent[at.name]) > 2:  # in an order of its own
            exact = [grad.astype(np.float64) for grad in sent[at.name]]
            size = reduce(np.add, map(np.abs, exact))
            total = reduce(np.add, exact)
            assert_within(found, total, sum_budget(len(exact) - 1, size, total, "float32"), at.name)
        else:
            assert_same_bits({"grad": found}, {"grad": reduce(np.add, sent[at.name])})
    several = [at.name for at in plan.layers if len(sent[at.name]) > 1]
    assert several or len(sent[INPUT]) > 1


@each_plan
@each_backend
def test_a_training_step_is_a_trace_and_an_update(name: str, backend: str) -> None:
    plan = PLANS[name]
    network, by_hand = network_of(name, backend), network_of(name, backend)
    for step, count in enumerate((4, 2), start=1):
        images, labels = batch_of(plan, count, name, step)
        taken = network.train_step(Batch(images, labels), 0.05, step)
        trace = by_hand.trace(Batch(images, labels), step=step)
        gradients = {
            f"{layer}.{parameter}": gradient
            for layer, found in trace.layers.items()
            for parameter, gradient in found.grad_parameters.items()
        }
        by_hand.update(gradients, 0.05, step)
        buffers = {
            f"{layer}.{buffer}": array
            for layer, found in trace.layers.items()
            for buffer, array in found.buffers.items()
        }
        by_hand.load_state(by_hand.state() | buffers)
        assert taken.loss == trace.loss.loss
        assert_same_bits(network.state(), by_hand.state())
        assert_same_bits(network.optimizer_state(), by_hand.optimizer_state())


@each_plan
@each_backend
def test_looking_changes_nothing(name: str, backend: str) -> None:
    plan = PLANS[name]
    network, untouched = network_of(name, backend), network_of(name, backend)
    images, labels = batch_of(plan, 3, name)
    others, other_labels = batch_of(plan, 2, name, "others")
    for step in (1, 2):
        for one in (network, untouched):
            one.train_step(Batch(images, labels), 0.05, step)
        given = others.copy()
        first = all_of(network.trace(Batch(given, other_labels), step=1))
        kept = {key: array.copy() for key, array in first.items()}
        network.predict(given)
        for at in plan.layers:
            inputs = [normal((2, *shape), at.name, "x") for shape in at.input_shapes]
            grad_output = normal((2, *at.output), at.name, "grad_output")
            arrays = {str(number): array for number, array in enumerate([*inputs, grad_output])}
            before = {key: array.copy() for key, array in arrays.items()}
            network.replay(at.name, inputs, grad_output)
            assert_same_bits(arrays, before)
        assert_same_bits(all_of(network.trace(Batch(given, other_labels), step=1)), kept)
        assert_same_bits(first, kept)
        assert_same_bits({"images": given}, {"images": others})
        assert_same_bits(network.state(), untouched.state())
        assert_same_bits(network.optimizer_state(), untouched.optimizer_state())


@each_plan
@each_backend
def test_a_copy_trains_on_bit_by_bit(name: str, backend: str) -> None:
    network = network_of(name, backend, optimizer=Adam())
    images, labels = batch_of(network.plan, 3, name)
    network.train_step(Batch(images, labels), 0.05, 1)
    copies = [copy.deepcopy(network), pickle.loads(pickle.dumps(network))]
    for one in (network, *copies):
        one.train_step(Batch(images, labels), 0.05, 2)
    for other in copies:
        assert other.plan == network.plan
        assert_same_bits(other.state(), network.state())
        assert_same_bits(other.optimizer_state(), network.optimizer_state())
        assert_same_bits({"logits": other.predict(images)}, {"logits": network.predict(images)})


@each_plan
@each_backend
def test_of_no_images_there_are_no_logits(name: str, backend: str) -> None:
    plan, network = PLANS[name], network_of(name, backend)
    assert network.predict(np.zeros((0, *plan.input), np.float32)).shape == (0, plan.classes)


@each_plan
@each_backend
def test_layer_times_are_those_of_a_training_step(name: str, backend: str) -> None:
    network, trained = network_of(name, backend), network_of(name, backend)
    images, labels = batch_of(network.plan, 3, name)
    times = network.layer_times(Batch(images, labels))  # type: ignore[attr-defined]
    assert list(times) == [at.name for at in network.plan.layers]
    assert all(time.forward > 0 for time in times.values())
    trained.train_step(Batch(images, labels), 0.0, 1)
    assert_same_bits(network.state(), trained.state())


@each_plan
def test_loops_are_timed_layer_by_layer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SECONDS", 0.0)  # each call once
    for outputs in (pace.OUTPUTS, 10):  # of whole layers, and of parts of them
        monkeypatch.setattr(pace, "OUTPUTS", outputs)
        found = pace.pace_of(PLANS[name], Training())
        assert min(found.forward, found.backward, found.update) > 0


@each_backend
def test_a_join_is_asked_with_an_array_for_each_branch(backend: str) -> None:
    network = network_of("identity", backend)
    at = network.plan.layer("residual1.add")
    x = np.ones((2, *at.input), np.float32)
    said = r"`residual1\.add` takes a sequence of inputs, one array for each of "
    for inputs in ([x], [x] * 3, x):
        with pytest.raises(DataError, match=said + r"residual1\.body\.relu1, conv1; found"):
            network.replay(at.name, inputs, x)
    with pytest.raises(DataError, match=r"takes inputs of \(n, 3, 6, 5\) and \(n, 3, 6, 5\)"):
        network.replay(at.name, [x, x[:, :2]], x)


@pytest.mark.torch
@each_plan
def test_torchs_module_is_the_plan(name: str) -> None:
    """Blocks are modules within modules, and called as a whole they give what the layers give."""
    import torch
    from torch import nn

    from cnnspec.backends.torch.network import TorchNetwork

    network = network_of(name, "torch")
    assert isinstance(network, TorchNetwork)
    assert isinstance(network.module, nn.Sequential)
    names = [key for key in network.module.state_dict() if "num_batches_tracked" not in key]
    assert names == [*network.plan.state]
    images, _ = batch_of(network.plan, 3, name)
    whole = network.module.train()(torch.from_numpy(images)).detach().numpy()
    other = network_of(name, "torch")
    traced = other.trace(Batch(images, np.zeros(3, int)), step=1).layers[
        network.plan.layers[-1].name
    ]
    assert_same_bits({"logits": whole}, {"logits": traced.output})
    for at in network.plan.layers:
        assert network.module.get_submodule(at.name) is network._modules[at.name]


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of its own code
@pytest.mark.parametrize("name", ["nested", "shortcut"])
def test_a_module_of_blocks_can_be_compiled(name: str) -> None:
    choices = parse_backend("numpy"), parse_backend("torch@compile")
    verdict = compare_choices(PLANS[name], Training(), *choices)
    assert verdict.findings == ()
    assert verdict.verdict == "same"
