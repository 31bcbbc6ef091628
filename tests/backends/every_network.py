"""One way to make each sort of network that there is, for what all of them owe."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from cnnspec.backends import numpy as engine
from cnnspec.backends.guard import guarded
from cnnspec.backends.network import Batch, LayerTimes, Network, StepResult
from cnnspec.backends.numpy import NumPyNetwork
from cnnspec.compare import parse_backend
from cnnspec.compare.sides.plain import plain_network
from cnnspec.initial import initial_weights
from cnnspec.plan import Plan, resolve
from cnnspec.spec.layers import BatchNorm, Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import SGD
from cnnspec.spec.training import Training
from cnnspec.trace import Array

PLAN = resolve(
    ModelSpec(
        input=(2, 6, 5),
        layers=[
            Conv(out_channels=3, kernel_size=3, padding=1),
            BatchNorm(),
            ReLU(),
            Pool(kernel_size=2),
            Flatten(),
            Linear(out_features=4),
        ],
    )
)
TRAINING = Training(optimizer=SGD(learning_rate=0.1, momentum=0.9))


class OwnLinear:
    """A layer as people write it; it counts its calls, as one with random numbers would."""

    def __init__(self, in_features: int, out_features: int) -> None:
        self.W = np.zeros((in_features, out_features))
        self.b = np.zeros(out_features)
        self.calls = 0

    def forward(self, x: Array) -> Array:
        self.x, self.calls = x, self.calls + 1
        return x @ self.W + self.b

    def backward(self, grad: Array) -> Array:
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.W.T


class OwnReLU:
    def forward(self, x: Array) -> Array:
        self.mask = x > 0
        return x * self.mask

    def backward(self, grad: Array) -> Array:
        return grad * self.mask


def _plain(plan: Plan, training: Training) -> Network:
    network = plain_network(plan, training, layers={"linear": OwnLinear, "relu": OwnReLU})
    network.load_state(initial_weights(plan, training.seed))
    return network


class OwnNetwork(NumPyNetwork):
    """A network of somebody's own, which keeps in self what it was given, and checks nothing."""

    def predict(self, images: Array) -> Array:
        self.images = images
        time.sleep(1e-4)  # another thread would come in between
        return super().predict(self.images)

    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        self.batch = batch
        return super().train_step(self.batch, learning_rate, step)

    def layer_times(self, batch: Batch) -> dict[str, LayerTimes]:
        return {}


def own(
    plan: Plan, training: Training, *, device: str, kind: type[NumPyNetwork] = OwnNetwork
) -> Network:
    return kind(
        plan,
        training,
        backend="own",
        layers=engine.LAYERS,
        loss=engine.cross_entropy,
        optimizers=engine.OPTIMIZERS,
    )


def _guarded(plan: Plan, training: Training) -> Network:
    network = guarded(own, "own")(plan, training, device="cpu")
    network.load_state(initial_weights(plan, training.seed))
    return network


NETWORKS: dict[str, Callable[[Plan, Training], Network]] = {
    **{
        name: parse_backend(name).build
        for name in ("numpy", "loops", "torch", "numpy@threads=2", "torch@threads=2")
    },
    "plain": _plain,
    "guarded": _guarded,
}

every_network = pytest.mark.parametrize("sort", NETWORKS)


def network_of(sort: str, plan: Plan = PLAN, training: Training = TRAINING) -> Network:
    """Return a network of a sort, with the starting weights of its training."""
    return NETWORKS[sort](plan, training)
