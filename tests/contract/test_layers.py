"""What every kind of layer owes, on every backend."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnspec.backends import BACKENDS, build
from cnnspec.backends.network import Batch, Network
from cnnspec.compare.faults.fault import LayerSituation
from cnnspec.compare.kinds import LAYERS as REFEREE
from cnnspec.compare.probes.draw import layer_probes
from cnnspec.compare.verdict.quantities import grad_inputs_of
from cnnspec.errors import DataError, StateError
from cnnspec.numerics.budget import gamma, sum_budget
from cnnspec.plan import PlannedLayer, resolve
from cnnspec.randomness import stream
from cnnspec.spec.layers import JOINS, KINDS, Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import Adam
from cnnspec.spec.training import Training
from cnnspec.trace import Array
from tests.cases import (
    Case,
    Exact,
    assert_same_bits,
    assert_within,
    batch_of,
    each_backend,
    grad_inputs,
    mask_of,
    normal,
    quantities,
    tried,
)
from tests.covering import covering
from tests.rooms import CASES, FACETS, LAYERS

# torch says so once, of every `padding: same` that adds an odd number of cells.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")

LAYER_TABLES = {
    "numpy": "cnnspec.backends.numpy",
    "loops": "cnnspec.backends.loops",
    "torch": "cnnspec.backends.torch.kinds",
}
HAND_WRITTEN = ["numpy", "loops"]
PRECISIONS = ["float64", "float32"]

CURVED = [name for name, case in CASES.items() if LAYERS[case.layer.keyword].curved]
each_straight = pytest.mark.parametrize("name", [name for name in CASES if name not in CURVED])
each_curved = pytest.mark.parametrize("name", CURVED)


@pytest.mark.parametrize("kind", [*KINDS, *JOINS])
def test_every_kind_has_cases(kind: str) -> None:
    rows = [case for case in CASES.values() if case.layer.keyword == kind]
    assert len(rows) > 1, f"`{kind}` needs rows in tests/kinds/{kind}.py"


def test_every_backend_has_a_table() -> None:
    assert LAYER_TABLES.keys() == BACKENDS.keys()


@pytest.mark.parametrize("backend", LAYER_TABLES)
@pytest.mark.parametrize("kind", [*KINDS, *JOINS])
def test_every_backend_has_every_kind(kind: str, backend: str) -> None:
    table = importlib.import_module(LAYER_TABLES[backend]).LAYERS
    assert kind in table, f"`{kind}` is missing in LAYERS of {LAYER_TABLES[backend]}"
    assert table.keys() == {*KINDS, *JOINS}


def network_of(case: Case, backend: str, precision: str = "float32", *, seed: int = 0) -> Network:
    return build(case.plan, Training(precision=precision, seed=seed, optimizer=Adam()), backend)


@cache
def weights_of(name: str, precision: str) -> dict[str, Array]:
    state = CASES[name].plan.state.items()
    drawn = {key: normal(shape, name, key, precision=precision) for key, shape in state}
    return {key: np.abs(array) if "var" in key else array for key, array in drawn.items()}


@cache
def exact_network(name: str, precision: str) -> Network:
    network = network_of(CASES[name], "torch", "float64")
    network.load_state(weights_of(name, precision))
    return network


@cache
def magnitude_network(name: str, precision: str) -> Network:
    network = network_of(CASES[name], "torch", "float64")
    network.load_state({key: np.abs(array) for key, array in weights_of(name, precision).items()})
    return network


@pytest.mark.parametrize("name", CASES)
def test_every_probe_goes_with_the_weights_of_the_layer(name: str) -> None:
    at = CASES[name].at
    probes = layer_probes(at, 0, ())
    assert {probe.name: probe.at.state for probe in probes} == {
        probe.name: at.state for probe in probes
    }


@covering(name=FACETS, backend=[*BACKENDS], precision=PRECISIONS)
def test_shapes_are_the_plans(name: str, backend: str, precision: str) -> None:
    plan = CASES[name].plan
    network = network_of(CASES[name], backend, precision)
    images, labels = batch_of(plan, 3, name)
    trace = network.trace(Batch(images, labels), step=1)
    assert list(trace.layers) == [at.name for at in plan.layers]
    for at in plan.layers:
        found = trace.layers[at.name]
        assert found.output.shape == (3, *at.output)
        assert [grad.shape for grad in found.grad_inputs] == [(3, *one) for one in at.input_shapes]
        assert {p: g.shape for p, g in found.grad_parameters.items()} == at.parameters
        assert {b: array.shape for b, array in found.buffers.items()} == at.buffers
        assert all(array.dtype == precision for array in quantities(found).values())
    logits = network.predict(images)
    assert logits.shape == trace.loss.grad_logits.shape == (3, plan.classes)
    assert logits.dtype == trace.loss.grad_logits.dtype == precision
    assert {name: array.shape for name, array in network.state().items()} == plan.state
    assert all(array.dtype == precision for array in network.state().values())


def sums_of_magnitudes(
    network: Network, inputs: list[Array], grad_output: Array, mask: NDArray[np.bool] | None
) -> dict[str, Array]:
    """Return S of each quantity; a maximum sends gradients where x itself sends them."""
    name, upstream = tried(network.plan).name, np.abs(grad_output)
    sums = quantities(network.replay(name, [np.abs(x) for x in inputs], upstream, noise=mask))
    return sums | grad_inputs(network.replay(name, inputs, upstream, noise=mask))


def budgets(
    at: PlannedLayer, sums: dict[str, Array], values: dict[str, Array], precision: str
) -> dict[str, Exact]:
    """Bound one side's error in each quantity.

    S is itself a sum of k roundings in float64, so the true one is at most S / (1 - gamma_k).
    """
    batch = len(values["output"])
    stated = REFEREE[at.kind].roundings(at, batch)
    lengths = {quantity: stated[quantity.partition("[")[0]] for quantity in values}
    return {
        quantity: sum_budget(
            lengths[quantity],
            np.abs(sums[quantity]) / (1 - gamma(lengths[quantity], "float64")),
            value,
            precision,
        )
        for quantity, value in values.items()
    }


def own_budgets(
    at: PlannedLayer,
    state: dict[str, Array],
    inputs: list[Array],
    grad_output: Array,
    precision: str,
) -> dict[str, Exact]:
    """Bound one side's error in each quantity, by the formula of its kind."""
    own = {name: state[f"{at.name}.{name}"].astype(np.float64) for name in at.state}
    grad = grad_output.astype(np.float64)
    bounds = REFEREE[at.kind].budgets(
        LayerSituation(at, "", tuple(inputs), grad, own, own), precision
    )
    gradients = {f"grad_{name}": name for name in at.parameters}
    return {gradients.get(name, name): bound for name, bound in bounds.items()}


@pytest.mark.torch
@covering(name=[*CASES], backend=[*BACKENDS], precision=PRECISIONS, batch=[1, 3])
def test_replay_equals_torch(name: str, backend: str, precision: str, batch: int) -> None:
    case = CASES[name]
    batch = case.batch(batch)
    at = case.at
    # Weights and inputs fill their precision: float64 ones are no float32 numbers.
    network = network_of(case, backend, precision)
    network.load_state(weights_of(name, precision))
    grad_output = normal((batch, *at.output), name, "grad_output", precision=precision)
    mask = mask_of(at, batch, name)
    random = stream(0, name, "ties")
    ties = [random.integers(-1, 2, (batch, *shape)).astype(np.float64) for shape in at.input_shapes]
    for drawn in (case.drawn(batch, name, "x", precision=precision), ties):
        inputs = [(x + case.mean).astype(precision).astype(np.float64) for x in drawn]
        exact = exact_network(name, precision)
        wanted = quantities(exact.replay(at.name, inputs, grad_output, noise=mask))
        found = quantities(network.replay(at.name, inputs, grad_output, noise=mask))
        if not REFEREE[at.kind].is_sum:
            weights = weights_of(name, precision)
            truth, own = (
                own_budgets(at, weights, inputs, grad_output, p) for p in ("float64", precision)
            )
        else:
            magnitude = magnitude_network(name, precision)
            sums = sums_of_magnitudes(magnitude, inputs, grad_output, mask)
            truth, own = (budgets(at, sums, wanted, p) for p in ("float64", precision))
        assert found.keys() == wanted.keys() == {"output", *grad_inputs_of(at), *at.state}
        for quantity, value in wanted.items():
            assert_within(found[quantity], value, own[quantity] + truth[quantity], quantity)


STEP = 1 / 16


def spread(shape: tuple[int, ...], *purpose: str) -> Array:
    """Draw distinct multiples of 1/4, none nearer to 0 than 1/8."""
    size = math.prod(shape)
    return (stream(0, *purpose).permutation(size).reshape(shape) - size // 2 + 0.5) / 4


def direction(shape: tuple[int, ...], *purpose: str) -> Array:
    """Draw multiples of 1/64 of both signs, at most 1 in size."""
    return stream(0, *purpose).integers(-64, 65, shape) / 64


T = TypeVar("T")


def numbered(several: Sequence[T]) -> Iterator[tuple[tuple[str, ...], T]]:
    """Yield each, behind what it is drawn for beside the first."""
    for number, each in enumerate(several):
        yield (str(number),) if number else (), each


def bounds_in_float64(
    at: PlannedLayer,
    magnitude: Network,
    state: dict[str, Array],
    inputs: list[Array],
    grad_output: Array,
    mask: NDArray[np.bool] | None,
    values: dict[str, Array],
) -> dict[str, Exact]:
    """Bound one side's error in each quantity, by its sums or by the formula of its kind."""
    if not REFEREE[at.kind].is_sum:
        return own_budgets(at, state, inputs, grad_output, "float64")
    magnitude.load_state({key: np.abs(array) for key, array in state.items()})
    sums = sums_of_magnitudes(magnitude, inputs, grad_output, mask)
    return budgets(at, sums, values, "float64")


@each_straight
@pytest.mark.parametrize("backend", HAND_WRITTEN)
def test_gradients_along_a_direction(name: str, backend: str) -> None:
    # Each of these kinds is linear in x, and in each parameter, along the whole step: a step
    # changes no input by more than 1/16, so none crosses 0 and no two change places. A
    # central difference of such a function has no error but the rounding of its two ends.
    # Inputs, weights and steps are multiples of 2^-10: the ends are exact, too.
    case = CASES[name]
    at = case.at
    network = network_of(case, backend, "float64")
    magnitude = network_of(case, backend, "float64")
    state = {key: np.round(array * 1024) / 1024 for key, array in network.state().items()}
    inputs = [spread((2, *shape), name, "x", *key) for key, shape in numbered(at.input_shapes)]
    grad_output = normal((2, *at.output), name, "grad_output")
    names = grad_inputs_of(at)
    moves = {
        quantity: direction(x.shape, name, "move", *key)
        for quantity, (key, x) in zip(names, numbered(inputs))
    } | {
        parameter: direction(shape, name, "move", parameter)
        for parameter, shape in at.parameters.items()
    }
    network.load_state(state)
    mask = mask_of(at, 2, name)
    gradients = quantities(network.replay(at.name, inputs, grad_output, noise=mask))
    errors = bounds_in_float64(at, magnitude, state, inputs, grad_output, mask, gradients)
    for quantity, move in moves.items():
        ends = []
        end_errors = 0.0
        for step in (STEP * move, -STEP * move):
            moved_inputs, moved = list(inputs), dict(state)
            if quantity in names:
                number = names.index(quantity)
                moved_inputs[number] = inputs[number] + step
            else:
                moved[f"{at.name}.{quantity}"] = state[f"{at.name}.{quantity}"] + step
            network.load_state(moved)
            end = quantities(network.replay(at.name, moved_inputs, grad_output, noise=mask))
            error = bounds_in_float64(at, magnitude, moved, moved_inputs, grad_output, mask, end)
            end_errors += float(np.sum(np.abs(grad_output) * error["output"]))
            ends.append(end["output"])
        # math.fsum rounds once: a term of the quotient meets 3 roundings, one of the slope 2.
        changes = grad_output * (ends[0] - ends[1])
        quotient = math.fsum(changes.flat) / (2 * STEP)
        slope = math.fsum((gradients[quantity] * move).flat)
        bound = (end_errors + gamma(3, "float64") * np.abs(changes).sum()) / (2 * STEP)
        bound += float(np.sum(np.abs(move) * errors[quantity]))
        bound += gamma(2, "float64") * float(np.abs(gradients[quantity] * move).sum())
        assert_within(slope, quotient, bound, quantity)
        assert abs(quotient) > bound, f"{quantity}: no change along the direction, nothing tested"


@each_curved
@pytest.mark.parametrize("backend", HAND_WRITTEN)
def test_gradients_of_a_curve_along_a_direction(name: str, backend: str) -> None:
    # A central difference is off by the square of its step, and a wrong gradient is off for ever:
    # where the step is halved, what is off falls to a quarter.
    case = CASES[name]
    at = case.at
    network = network_of(case, backend, "float64")
    network.load_state(weights_of(name, "float64"))
    shape = (case.batch(3), *at.input)
    x, grad_output = normal(shape, name, "x") + case.mean, normal(shape, name, "grad_output")
    move = direction(x.shape, name, "move")
    mask = mask_of(at, len(x), name)
    gradient = network.replay(at.name, [x], grad_output, noise=mask).grad_input
    slope = float(np.sum(gradient * move))
    off = []
    for step in (2.0**-7, 2.0**-8, 2.0**-9):
        ends = (
            network.replay(at.name, [end], grad_output, noise=mask).output
            for end in (x + step * move, x - step * move)
        )
        above, below = ends
        off.append(float(np.sum(grad_output * (above - below))) / (2 * step) - slope)
    assert off[0] / off[1] == pytest.approx(4, rel=0.01)
    assert off[1] / off[2] == pytest.approx(4, rel=0.01)


def moved(state: dict[str, Array], by: float = 0.125) -> dict[str, Array]:
    return {key: array + array.dtype.type(by) for key, array in state.items()}


@covering(name=FACETS, backend=[*BACKENDS], precision=PRECISIONS)
def test_state_round_trip(name: str, backend: str, precision: str) -> None:
    case = CASES[name]
    network, other = (network_of(case, backend, precision, seed=seed) for seed in (0, 1))
    images, _ = batch_of(case.plan, 3, name)
    weights = {key: array.astype(precision) for key, array in weights_of(name, precision).items()}
    network.load_state(weights)
    assert_same_bits(network.state(), weights)
    state = network.state()
    other.load_state(state)
    assert_same_bits(other.state(), weights)
    for array in state.values():
        array.fill(np.nan)
    assert_same_bits({"logits": other.predict(images)}, {"logits": network.predict(images)})


def wrong_states(state: dict[str, Array], key: str) -> dict[str, dict[str, Array]]:
    others = {name: array for name, array in state.items() if name != key}
    return {
        "missing": others,
        "unknown": state | {f"{key}s": state[key]},
        "misnamed": others | {f"{key}s": state[key]},
        "longer": state | {key: np.concatenate([state[key], state[key]])},
        "flat": state | {key: state[key].reshape(-1, 1)},
        "scalar": state | {key: np.zeros((), state[key].dtype)},
    }


@each_backend
@pytest.mark.parametrize("fault", ["missing", "unknown", "misnamed", "longer", "flat", "scalar"])
def test_state_that_does_not_fit_is_refused_by_name(backend: str, fault: str) -> None:
    network = network_of(CASES["conv-plain"], backend)
    images, labels = batch_of(network.plan, 3)
    network.train_step(Batch(images, labels), 0.01, 1)
    gradients = {key: np.ones_like(array) for key, array in network.state().items()}
    entries = {
        "layer.weight": (network.state(), network.load_state),
        "layer.weight.exp_avg": (network.optimizer_state(), network.load_optimizer_state),
        "before.weight": (gradients, lambda wrong: network.update(wrong, 0.01, 2)),
    }
    weights, slots = network.state(), network.optimizer_state()
    for key, (good, load) in entries.items():
        named = f"{key}s" if fault == "unknown" else key
        with pytest.raises(StateError, match=rf"\b{named}\b"):
            load(moved(wrong_states(good, key)[fault]))
        assert_same_bits(network.state(), weights)
        assert_same_bits(network.optimizer_state(), slots)


def look(network: Network, images: Array, labels: Array) -> dict[str, Array]:
    """Do everything that leaves a network as it is, and return all arrays that come back."""
    at = tried(network.plan)
    trace = network.trace(Batch(images, labels), step=1)
    inputs = [normal((len(images), *shape), "x").astype(np.float32) for shape in at.input_shapes]
    grad_output = normal((len(images), *at.output), "grad_output").astype(np.float32)
    alone = network.replay(at.name, inputs, grad_output, noise=mask_of(at, len(images)))
    logits = network.predict(images)
    loss = network.replay_loss(logits, labels)
    traced = {
        f"trace {layer} {quantity}": array
        for layer, found in trace.layers.items()
        for quantity, array in quantities(found).items()
    }
    return {
        **traced,
        **{f"replay {quantity}": array for quantity, array in quantities(alone).items()},
        **{f"state {key}": array for key, array in network.state().items()},
        **{f"slot {key}": array for key, array in network.optimizer_state().items()},
        "predict": logits,
        "trace loss": np.array(trace.loss.loss),
        "trace grad_logits": trace.loss.grad_logits,
        "replay loss": np.array(loss.loss),
        "replay grad_logits": loss.grad_logits,
    }


def train(network: Network, images: Array, labels: Array, step: int) -> dict[str, Array]:
    """Take one training step and return what it leaves."""
    taken = network.train_step(Batch(images, labels), 0.01, step)
    return {
        "loss": np.array(taken.loss),
        "logits": taken.outputs,
        **network.state(),
        **network.optimizer_state(),
    }


@covering(name=FACETS, backend=[*BACKENDS])
def test_looking_changes_nothing(name: str, backend: str) -> None:
    case = CASES[name]
    network, untouched = network_of(case, backend), network_of(case, backend)
    images, labels = batch_of(case.plan, 3, name)
    others, other_labels = batch_of(case.plan, 2, name, "others")
    for step in (1, 2):
        taken = train(network, images, labels, step)
        assert_same_bits(taken, train(untouched, images, labels, step))
        look(network, others, other_labels)
        assert_same_bits(network.state(), untouched.state())
        assert_same_bits(network.optimizer_state(), untouched.optimizer_state())


@covering(name=FACETS, backend=[*BACKENDS], batch=[1, 3])
def test_returned_arrays_are_the_callers_own(name: str, backend: str, batch: int) -> None:
    case = CASES[name]
    batch = case.batch(batch)
    network = network_of(case, backend)
    images, labels = batch_of(case.plan, batch, name)
    others, other_labels = batch_of(case.plan, batch, name, "others")
    returned = look(network, images, labels) | train(network, images, labels, 1)
    kept = {key: array.copy() for key, array in returned.items()}
    # No later call changes what came back ...
    look(network, others, other_labels)
    train(network, others, other_labels, 2)
    network.load_state(moved(network.state()))
    network.load_optimizer_state(moved(network.optimizer_state()))
    look(network, others, other_labels)
    assert_same_bits(returned, kept)
    # ... and what the caller does to it changes neither the network nor the images.
    twin = network_of(case, backend)
    twin.load_state(network.state())
    twin.load_optimizer_state(network.optimizer_state())
    images_before = images.copy()
    for array in (look(network, images, labels) | train(network, images, labels, 3)).values():
        array.fill(np.nan)
    assert_same_bits({"images": images}, {"images": images_before})
    train(twin, images, labels, 3)
    assert_same_bits(look(network, images, labels), look(twin, images, labels))


@covering(name=FACETS, backend=[*BACKENDS], batch=[1, 3])
def test_what_comes_in_is_not_changed(name: str, backend: str, batch: int) -> None:
    # What is given has the network's own precision and layout: a backend need not copy it.
    case = CASES[name]
    batch = case.batch(batch)
    at = case.at
    network = network_of(case, backend)
    images, labels = batch_of(case.plan, batch, name)
    given = {
        "images": images,
        "labels": labels,
        **{f"x {n}": x.astype(np.float32) for n, x in enumerate(case.drawn(batch, name, "x"))},
        "grad_output": normal((batch, *at.output), name, "grad_output").astype(np.float32),
        "logits": normal((batch, case.plan.classes), name, "logits").astype(np.float32),
    }
    state, slots = network.state(), network.optimizer_state()
    gradients = {key: np.full_like(state[key], 0.5) for key in case.plan.parameters}
    everything = given | state | slots | {f"gradient {k}": g for k, g in gradients.items()}
    kept = {key: array.copy() for key, array in everything.items()}
    network.load_state(state)
    network.load_optimizer_state(slots)
    network.predict(given["images"])
    network.trace(Batch(given["images"], given["labels"]), step=1)
    inputs = [given[f"x {number}"] for number in range(len(at.inputs))]
    network.replay(at.name, inputs, given["grad_output"], noise=mask_of(at, batch))
    network.replay_loss(given["logits"], given["labels"])
    network.train_step(Batch(given["images"], given["labels"]), 0.01, 1)
    network.update(gradients, 0.01, 2)
    assert_same_bits(everything, kept)


@covering(name=FACETS, backend=[*BACKENDS])
def test_batch_sizes_by_turns(name: str, backend: str) -> None:
    case = CASES[name]
    network = network_of(case, backend)
    for step, batch in enumerate((10, 3, 10, case.batch(1)), start=1):
        fresh = network_of(case, backend)  # of the same seed, by which masks are drawn
        fresh.load_state(moved(fresh.state()))
        fresh.load_state(network.state())
        fresh.load_optimizer_state(network.optimizer_state())
        images, labels = batch_of(case.plan, batch, name)
        assert_same_bits(train(network, images, labels, step), train(fresh, images, labels, step))
        predicted = {"logits": network.predict(images[:2])}
        assert_same_bits(predicted, {"logits": fresh.predict(images[:2])})


@each_backend
def test_any_memory_layout_is_taken(backend: str) -> None:
    case = CASES["conv-everything"]
    network = network_of(case, backend)
    images, labels = batch_of(case.plan, 3)
    wanted = network.predict(images)
    mirrored = np.ascontiguousarray(images[..., ::-1])[..., ::-1]
    batch_last = np.moveaxis(np.ascontiguousarray(np.moveaxis(images, 0, -1)), -1, 0)
    for laid_out in (images.astype(np.float64), np.asfortranarray(images), mirrored, batch_last):
        assert_same_bits({"logits": network.predict(laid_out)}, {"logits": wanted})
    for dtype in (np.int8, np.uint8, np.int32, np.int64):
        assert network.trace(Batch(images, labels.astype(dtype)), step=1).loss.loss == (
            network.trace(Batch(images, labels), step=1).loss.loss
        )


@each_backend
@pytest.mark.parametrize("shape", [(3, 2, 5, 5), (3, 1, 5, 4), (3, 2, 4, 5), (2, 5, 4), (3, 40)])
def test_images_of_another_shape_are_refused(backend: str, shape: tuple[int, ...]) -> None:
    network = network_of(CASES["conv-plain"], backend)
    images, labels = np.zeros(shape), np.zeros(shape[0], int)
    wanted = r"takes images of \(n, 2, 5, 4\); found \(" + ", ".join(map(str, shape))
    with pytest.raises(DataError, match=wanted):
        network.predict(images)
    with pytest.raises(DataError, match=wanted):
        network.train_step(Batch(images, labels), 0.01, 1)
    with pytest.raises(DataError, match=wanted):
        network.trace(Batch(images, labels), step=1)


@each_backend
def test_read_only_arrays_are_taken(backend: str) -> None:
    network = network_of(CASES["conv-plain"], backend)
    images, labels = batch_of(network.plan, 3)
    state, slots = network.state(), network.optimizer_state()
    gradients = {key: np.full_like(array, 0.5) for key, array in state.items()}
    for array in (images, labels, *state.values(), *slots.values(), *gradients.values()):
        array.flags.writeable = False
    network.load_state(state)
    network.load_optimizer_state(slots)
    look(network, images, labels)
    train(network, images, labels, 1)
    network.update(gradients, 0.01, 2)


@each_backend
def test_a_network_may_have_nothing_to_learn(backend: str) -> None:
    plan = resolve(ModelSpec(input=(2, 4, 4), layers=[ReLU(), Pool(kernel_size=2), Flatten()]))
    network = build(plan, Training(), backend)
    images, labels = batch_of(plan, 3)
    assert network.state() == network.optimizer_state() == {}
    taken = network.train_step(Batch(images, labels), 0.01, 1)
    assert_same_bits({"logits": taken.outputs}, {"logits": network.predict(images)})


@each_backend
def test_layers_of_a_chain_are_joined_in_order(backend: str) -> None:
    # Each layer's share of a whole pass is that layer alone, on what its neighbours give it.
    spec = ModelSpec(
        input=(2, 7, 6),
        layers=[
            Conv(out_channels=3, kernel_size=3, padding=1),
            ReLU(),
            Pool(kernel_size=2, ceil_mode=True),
            Conv(out_channels=2, kernel_size=2),
            Pool(kind="avg", kernel_size=2, stride=1),
            Flatten(),
            Linear(out_features=4),
            ReLU(),
            Linear(out_features=3),
        ],
    )
    plan = resolve(spec)
    network = build(plan, Training(), backend)
    images, labels = batch_of(plan, 3)
    trace = network.trace(Batch(images, labels), step=1)
    outputs = [images, *(found.output for found in trace.layers.values())]
    upstream = [found.grad_input for found in trace.layers.values()][1:]
    for at, x, grad in zip(plan.layers, outputs, [*upstream, trace.loss.grad_logits]):
        alone = quantities(network.replay(at.name, [x], grad))
        assert_same_bits(alone, quantities(trace.layers[at.name]))
    loss = network.replay_loss(outputs[-1], labels)
    assert loss.loss == trace.loss.loss
    assert_same_bits({"grad": loss.grad_logits}, {"grad": trace.loss.grad_logits})
    assert_same_bits({"logits": network.predict(images)}, {"logits": outputs[-1]})
