"""The textbook: plain loops over plain arrays; the judge, and the lesson.

Images are (n, c, h, w) and features (n, f). Every layer is read in the same order: forward (y
from x), input_gradient (dloss/dx from dloss/dy) and parameter_gradients (dloss/dW, dloss/db).
"""

from __future__ import annotations

from cnnspec.backends.assembled import AssembledNetwork
from cnnspec.backends.device import require_cpu
from cnnspec.backends.loops.adam import AdamLoops
from cnnspec.backends.loops.add import AddLoops
from cnnspec.backends.loops.batch_norm import BatchNormLoops
from cnnspec.backends.loops.concat import ConcatLoops
from cnnspec.backends.loops.conv import ConvLoops
from cnnspec.backends.loops.cross_entropy import cross_entropy
from cnnspec.backends.loops.dropout import DropoutLoops
from cnnspec.backends.loops.flatten import FlattenLoops
from cnnspec.backends.loops.gelu import GELULoops
from cnnspec.backends.loops.global_pool import GlobalPoolLoops
from cnnspec.backends.loops.layer_norm import LayerNormLoops
from cnnspec.backends.loops.leaky_relu import LeakyReLULoops
from cnnspec.backends.loops.linear import LinearLoops
from cnnspec.backends.loops.pool import PoolLoops
from cnnspec.backends.loops.relu import ReLULoops
from cnnspec.backends.loops.sgd import SGDLoops
from cnnspec.backends.loops.sigmoid import SigmoidLoops
from cnnspec.backends.loops.softmax import SoftmaxLoops
from cnnspec.backends.loops.tanh import TanhLoops
from cnnspec.backends.parts import Layer, Loss
from cnnspec.plan import Plan
from cnnspec.spec.training import Training

LAYERS: dict[str, type[Layer]] = {
    "conv": ConvLoops,
    "relu": ReLULoops,
    "leaky_relu": LeakyReLULoops,
    "gelu": GELULoops,
    "sigmoid": SigmoidLoops,
    "tanh": TanhLoops,
    "softmax": SoftmaxLoops,
    "pool": PoolLoops,
    "global_pool": GlobalPoolLoops,
    "flatten": FlattenLoops,
    "linear": LinearLoops,
    "batch_norm": BatchNormLoops,
    "layer_norm": LayerNormLoops,
    "dropout": DropoutLoops,
    "add": AddLoops,
    "concat": ConcatLoops,
}

LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy}

OPTIMIZERS = {"sgd": SGDLoops, "adam": AdamLoops}


def build(plan: Plan, training: Training, *, device: str) -> AssembledNetwork:
    """Build the textbook network of a plan, in `training.precision`.

    Raises:
        BackendError: the device is not the CPU.
    """
    require_cpu("loops", device)
    return AssembledNetwork(
        plan,
        training,
        backend="loops",
        layers=LAYERS,
        loss=LOSSES[training.loss.keyword],
        optimizers=OPTIMIZERS,
    )
