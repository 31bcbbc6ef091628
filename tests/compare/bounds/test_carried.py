"""Bounds of a whole pass hold for right networks, and say something."""

from __future__ import annotations

import numpy as np
import pytest

from cnnspec import parse_spec
from cnnspec.backends import builder_of
from cnnspec.backends.network import Batch, Network
from cnnspec.compare.bounds.carried import PassErrors, pass_errors, prediction_errors
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.kinds.pool.cells import two_greatest_meet
from cnnspec.compare.kinds.weights import Weights
from cnnspec.compare.planted.random_specs import random_spec
from cnnspec.compare.planted.specs import SPECS
from cnnspec.compare.probes.draw import batch_probe
from cnnspec.compare.sides.side import probe_weights
from cnnspec.data import Split
from cnnspec.noise import Noise
from cnnspec.plan import Plan, resolve
from cnnspec.spec.layers import JOINS, KINDS
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Precision
from cnnspec.trace import Array, Trace
from tests import branching

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")

KINKY = parse_spec("""
input: [2, 6, 7]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - batch_norm
  - relu
  - pool: {kernel_size: 3, stride: 1, padding: 1}
  - conv: {out_channels: 3, kernel_size: 2}
  - batch_norm: {affine: false}
  - pool: {kind: avg, kernel_size: 2, stride: 1, padding: 1}
  - flatten
  - linear: {out_features: 8}
  - batch_norm
  - linear: {out_features: 5}
""")

RANDOM = [random_spec(7, number) for number in range(12)]
BRANCHING = [spec.model_copy(update={"name": name}) for name, spec in branching.SPECS.items()]
CASES = [KINKY, *SPECS, *RANDOM, *BRANCHING]

Ratios = dict[str, float]


def network(plan: Plan, spec: ModelSpec, backend: str, precision: Precision) -> Network:
    training = spec.training.model_copy(update={"precision": precision})
    built = builder_of(backend)(plan, training, device="cpu")
    built.load_state(probe_weights(plan, 0))
    return built


def errors_of(
    plan: Plan, spec: ModelSpec, exact: Trace, batch: Split, precision: str
) -> tuple[PassErrors, Array]:
    weights = Weights(plan, spec.training, precision)
    size = len(batch.images)
    masks = Noise(plan, spec.training.seed).masks(1, np.arange(size), size)
    weights.load(probe_weights(plan, 0), masks)
    errors = pass_errors(plan, weights, exact, batch.images, batch.labels)
    return errors, prediction_errors(plan, weights, batch.images)


def ratios(
    plan: Plan, found: Trace, exact: Trace, errors: PassErrors, predicted: tuple[Array, ...]
) -> Ratios:
    """Return the greatest difference in units of its bound, for each quantity."""
    last = plan.layers[-1].name
    pairs = {
        "logits": (found.layers[last].output, exact.layers[last].output, errors.logits),
        "loss": (np.asarray(found.loss.loss), np.asarray(exact.loss.loss), errors.loss),
        "predicted": predicted,
    }
    for at in plan.layers:
        mine, right = found.layers[at.name], exact.layers[at.name]
        for name in at.parameters:
            bound = errors.gradients[f"{at.name}.{name}"]
            arrays = mine.grad_parameters[name], right.grad_parameters[name]
            pairs[f"{at.name}.{name}"] = (*arrays, bound)
        for name in at.buffers:
            arrays = mine.buffers[name], right.buffers[name]
            pairs[f"{at.name}.{name}"] = (*arrays, errors.buffers[f"{at.name}.{name}"])
    worst = {}
    for name, (a, b, bound) in pairs.items():
        apart = np.abs(np.asarray(a, np.float64) - b)
        worst[name] = float(np.max(np.where(apart > 0, apart / np.maximum(bound, 1e-300), 0)))
    return worst


@pytest.mark.parametrize("spec", CASES, ids=lambda spec: spec.name)
@pytest.mark.parametrize(
    ("backend", "precision"), [("numpy", "float32"), ("torch", "float32"), ("torch", "float64")]
)
def test_right_networks_stay_within_the_bounds(
    spec: ModelSpec, backend: str, precision: Precision
) -> None:
    plan = resolve(spec)
    batch = batch_probe(plan, 0, None, 7)
    truth = network(plan, spec, "numpy", "float64")
    exact = truth.trace(Batch(batch.images, batch.labels), step=1)
    errors, predicted = errors_of(plan, spec, exact, batch, precision)
    other = network(plan, spec, backend, precision)
    found = other.trace(Batch(batch.images, batch.labels), step=1)
    predictions = other.predict(batch.images), truth.predict(batch.images), predicted
    worst = ratios(plan, found, exact, errors, predictions)
    assert max(worst.values()) <= 1, worst


@pytest.mark.parametrize(("precision", "share"), [("float32", 1e-2), ("float64", 2e-11)])
def test_bounds_are_narrow(precision: str, share: float) -> None:
    """They would tell a percent from rounding in float32, through kinks and batch norms.

    Where branches meet, each with norms of its own, they would tell fifteen.
    """
    for spec in SPECS:
        plan = resolve(spec)
        most = 15 * share if any(len(at.inputs) > 1 for at in plan.layers) else share
        batch = batch_probe(plan, 0, None, 7)
        exact = network(plan, spec, "numpy", "float64").trace(
            Batch(batch.images, batch.labels), step=1
        )
        errors, predicted = errors_of(plan, spec, exact, batch, precision)
        last = exact.layers[plan.layers[-1].name]
        assert errors.logits.max() < most * np.abs(last.output).max()
        assert predicted.max() < most * np.abs(last.output).max()
        bound = errors.gradients[f"{plan.layers[-1].name}.weight"]
        assert bound.max() < most * np.abs(last.grad_parameters["weight"]).max()


def within(a: Array, b: Array, bound: Array) -> bool:
    """Tell whether arrays are no further apart; the sums of this test are rounded themselves."""
    return bool(np.all(np.abs(a - b) <= bound * (1 + 1e-9) + 1e-13))


@pytest.mark.parametrize("spec", [KINKY, *BRANCHING], ids=lambda spec: spec.name)
def test_errors_grow_with_those_of_the_inputs(spec: ModelSpec) -> None:
    """What is carried is no less than what a change of the inputs makes."""
    plan = resolve(spec)
    batch = batch_probe(plan, 0, None, 7)
    weights = Weights(plan, spec.training, "float64")
    weights.load(probe_weights(plan, 0))
    truth = network(plan, spec, "numpy", "float64")
    trace = truth.trace(Batch(batch.images, batch.labels), step=1)
    random = np.random.default_rng(0)
    for at in plan.layers:
        xs = trace.layers[at.name].inputs
        es = [np.abs(x) * random.uniform(0, 1e-3, x.shape) for x in xs]
        g = random.normal(size=(len(batch), *at.output))
        d = np.abs(g) * 1e-3
        carry = LAYERS[at.kind]
        bound = carry.errors_ahead(at, weights, xs, es, training=True)
        of_inputs, of_parameters = carry.errors_back(at, weights, xs, es, g, d)
        before = truth.replay(at.name, xs, g)
        for _ in range(20):
            *moved, turned = (
                array + error * random.choice([-1.0, 1.0], array.shape)
                for array, error in zip((*xs, g), (*es, d))
            )
            after = truth.replay(at.name, moved, turned)
            assert within(after.output, before.output, bound)
            for found, wanted, error in zip(after.grad_inputs, before.grad_inputs, of_inputs):
                assert within(found, wanted, error)
            for name, error in of_parameters.items():
                gradients = after.grad_parameters[name], before.grad_parameters[name]
                assert within(*gradients, error), name
            if at.buffers:
                for name, error in carry.buffers(at, weights, *xs, *es).items():
                    assert within(after.buffers[name], before.buffers[name], error), name


def test_every_kind_of_layer_carries() -> None:
    assert set(LAYERS) == {*KINDS, *JOINS}


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("cells", [1, 2])
def test_of_exact_numbers_a_maximum_is_exact_and_an_average_rounds(kind: str, cells: int) -> None:
    spec = parse_spec(f"""
input: [1, 4, 4]
layers: [pool: {{kind: {kind}, kernel_size: {cells}}}, flatten, linear: {{out_features: 2}}]
""")
    plan = resolve(spec)
    at = plan.layers[0]
    weights = Weights(plan, spec.training, "float64")
    weights.load(probe_weights(plan, 0))
    x, grad = np.random.default_rng(0).normal(size=(2, 1, 4, 4)), np.ones((2, *at.output))
    exact = np.zeros(x.shape)
    carry = LAYERS[at.kind]
    assert np.all((carry.forward(at, weights, x, exact) > 0) == (kind == "avg"))
    backward, _ = carry.backward(at, weights, x, exact, grad, np.zeros(grad.shape))
    assert backward.shape == x.shape
    assert two_greatest_meet(at, x, np.full(x.shape, 9.0)).shape == grad.shape
