"""The textbook: plain loops over plain arrays; the judge, and the lesson."""

from __future__ import annotations

from cnnspec.backends import require_cpu
from cnnspec.backends.chain import ChainNetwork, Layer
from cnnspec.backends.loops.layers import (
    BatchNormLoops,
    ConvLoops,
    FlattenLoops,
    LinearLoops,
    PoolLoops,
    ReLULoops,
)
from cnnspec.backends.loops.learning import AdamLoops, SGDLoops, cross_entropy
from cnnspec.plan import Plan
from cnnspec.spec.training import Training

LAYERS: dict[str, type[Layer]] = {
    "conv": ConvLoops,
    "relu": ReLULoops,
    "pool": PoolLoops,
    "flatten": FlattenLoops,
    "linear": LinearLoops,
    "batch_norm": BatchNormLoops,
}

OPTIMIZERS = {"sgd": SGDLoops, "adam": AdamLoops}


def build(plan: Plan, training: Training, *, device: str) -> ChainNetwork:
    """Build the textbook network of a plan, in `training.precision`.

    Raises:
        BackendError: the device is not the CPU.
    """
    require_cpu("loops", device)
    return ChainNetwork(
        plan,
        training,
        backend="loops",
        layers=LAYERS,
        loss=cross_entropy,
        optimizers=OPTIMIZERS,
    )
