"""The fast engine: batch-last arrays, one matrix product a layer, reused workspaces."""

from __future__ import annotations

import numpy as np

from cnnspec.backends import require_cpu
from cnnspec.backends.chain import ChainNetwork, Layer
from cnnspec.backends.numpy.batch_norm import BatchNormNumPy
from cnnspec.backends.numpy.layers import (
    ConvNumPy,
    FlattenNumPy,
    LinearNumPy,
    PoolNumPy,
    ReLUNumPy,
)
from cnnspec.backends.numpy.learning import AdamNumPy, SGDNumPy, cross_entropy
from cnnspec.plan import Plan
from cnnspec.spec.training import Training
from cnnspec.trace import Array

LAYERS: dict[str, type[Layer]] = {
    "conv": ConvNumPy,
    "relu": ReLUNumPy,
    "pool": PoolNumPy,
    "flatten": FlattenNumPy,
    "linear": LinearNumPy,
    "batch_norm": BatchNormNumPy,
}

OPTIMIZERS = {"sgd": SGDNumPy, "adam": AdamNumPy}


class NumPyNetwork(ChainNetwork):
    """A chain whose arrays have the batch as their last axis."""

    def _enter(self, array: Array) -> Array:
        return np.ascontiguousarray(np.moveaxis(array, 0, -1), dtype=self._dtype)

    def _leave(self, array: Array) -> Array:
        return np.array(np.moveaxis(array, -1, 0), order="C")


def build(plan: Plan, training: Training, *, device: str) -> NumPyNetwork:
    """Build the fast NumPy network of a plan, in `training.precision`.

    Raises:
        BackendError: the device is not the CPU.
    """
    require_cpu("numpy", device)
    return NumPyNetwork(
        plan,
        training,
        backend="numpy",
        layers=LAYERS,
        loss=cross_entropy,
        optimizers=OPTIMIZERS,
    )
