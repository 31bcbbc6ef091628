"""Free trainings in one step of which rounding turns a decision for some networks alone.

Trainings are taken to the step before it, and one pixel of its images is set so that a relu is
decided by the last bits of their weights, or of the step's own sums.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from cnnspec import parse_spec, resolve
from cnnspec.backends.network import Batch, Network
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.backends.numpy.linear import LinearNumPy
from cnnspec.compare import BackendChoice, parse_backend
from cnnspec.compare.trajectory import run_trajectory
from cnnspec.compare.trajectory.distance import one_ulp_away
from cnnspec.compare.verdict import Trajectory
from cnnspec.data import Dataset, Split, load_data
from cnnspec.spec.optimizers import SGD
from cnnspec.training import StepTaken, training_events
from tests.faulty import faulty

SPEC = parse_spec("""
input: [1, 8, 8]
layers:
  - flatten
  - linear: {out_features: 12}
  - relu
  - batch_norm
  - linear: {out_features: 10}
data: {digits: {train_samples: 160, test_samples: 50}}
training: {epochs: 1, batch_size: 16, optimizer: {sgd: {momentum: 0.9}}}
""")
PLAN, TRAINING = resolve(SPEC), SPEC.training
DATA = load_data(SPEC.data)
EDGE = 4
"""The step in which the decision is turned."""
PIXELS = sorted(range(64), key=lambda at: (at // 8 - 3.5) ** 2 + (at % 8 - 3.5) ** 2)
"""Those that are tried, one by one, from the middle outwards."""
TWINS = 3

BIAS_BEFORE_NORM = resolve(
    parse_spec("""
input: [1, 8, 8]
layers:
  - conv: {out_channels: 3, kernel_size: 3}
  - batch_norm
  - flatten
  - linear: {out_features: 10}
""")
)


FAST = TRAINING.model_copy(update={"optimizer": SGD(learning_rate=0.1)})


class NoisyBias(ConvNumPy):
    """The sum of a bias's gradient rounds by more than that of the engine."""

    def parameter_gradients(self, grad_output: Any) -> Any:
        found = super().parameter_gradients(grad_output)
        size = np.abs(grad_output).sum(axis=(1, 2, 3))
        return found | {"bias": found["bias"] + 16 * np.finfo(size.dtype).eps * size}


class FromTheEnd(LinearNumPy):
    """Right, but its sums are taken in another order: whatever order a machine's own is."""

    def forward(self, x: Any) -> Any:
        y = super().forward(x)
        weight, bias = self.parameters["weight"], self.parameters["bias"]
        y[...] = np.ascontiguousarray(weight[:, ::-1]) @ np.ascontiguousarray(x[::-1])
        y += bias[:, None]
        return y


OTHER_ORDER = faulty("other order", linear=FromTheEnd)


def advance(network: Network, steps: int, data: Dataset = DATA) -> StepTaken:
    """Train a network for some steps; return the last."""
    events = list(training_events(network, data, TRAINING, steps=steps))
    return events[-1]  # type: ignore[return-value]


def before_the_edge(second: BackendChoice) -> dict[str, Network]:
    """Return all the networks of a free comparison, as they stand before the step.

    And one of the first side's that stands where the second does.
    """
    networks = {"first": parse_backend("numpy").build(PLAN, TRAINING)}
    start = networks["first"].state()
    for number in range(1, 1 + TWINS):
        networks[f"twin {number}"] = parse_backend("numpy").build(PLAN, TRAINING)
        networks[f"twin {number}"].load_state(one_ulp_away(start, TRAINING.seed, number))
    networks["second"] = second.build(PLAN, TRAINING)
    for network in networks.values():
        advance(network, EDGE - 1)
    networks["there"] = parse_backend("numpy").build(PLAN, TRAINING)
    networks["there"].load_state(networks["second"].state())
    return networks


def decided(networks: Mapping[str, Network], batch: Split) -> dict[str, Any]:
    """Return what each network's relu lets through."""
    return {
        name: network.trace(Batch(batch.images.copy(), batch.labels), step=1)
        .layers["linear1"]
        .output
        > 0
        for name, network in networks.items()
    }


def matters(network: Network, batch: Split, image: int, unit: int) -> bool:
    """Tell whether much of the gradient goes the way that is decided."""
    trace = network.trace(Batch(batch.images.copy(), batch.labels), step=1)
    grad = np.abs(trace.layers["batch_norm1"].grad_input)
    return bool(grad[image, unit] > np.quantile(grad, 0.75))


def data_on_the_edge(second: BackendChoice, *alone: str) -> Dataset:
    """Return data on which some networks decide one thing otherwise, in one step."""
    networks = before_the_edge(second)
    probe = parse_backend("numpy").build(PLAN, TRAINING)
    taken = advance(probe, EDGE)
    weights = {
        name: [
            network.state()[f"linear1.{parameter}"].astype(np.float64)
            for parameter in ("weight", "bias")
        ]
        for name, network in networks.items()
    }
    for at, image, unit in product(PIXELS, taken.batch, range(12)):
        flat = DATA.train.images[image].ravel().astype(np.float64)
        flat[at] = 0
        crossings = {
            name: -(weight[unit] @ flat + bias[unit]) / weight[unit, at]
            for name, (weight, bias) in weights.items()
        }
        others = [value for name, value in crossings.items() if name not in alone]
        turning = crossings[alone[0]]
        if min(others) < turning < max(others):
            continue
        value = (turning + min(others, key=lambda other: abs(other - turning))) / 2
        if abs(value) > 5:
            continue
        images = DATA.train.images.copy()
        images[image].flat[at] = value
        batch = Split(images[taken.batch], DATA.train.labels[taken.batch])
        found = decided(networks, batch)
        usual = next(passed for name, passed in found.items() if name not in alone)
        turned = all(np.sum(usual != passed) == (name in alone) for name, passed in found.items())
        if turned and matters(networks["first"], batch, list(taken.batch).index(image), unit):
            return Dataset("edge", Split(images, DATA.train.labels), DATA.test)
    raise AssertionError("no image puts these networks on the other side")


def trained(second: BackendChoice, data: Dataset, steps: int = 8, **options: Any) -> Trajectory:
    choices = parse_backend("numpy"), second
    given = {"plan": PLAN, "training": TRAINING, "mode": "free", "steps": steps, "twins": TWINS}
    return run_trajectory(choices=choices, data=data, **given | options)
