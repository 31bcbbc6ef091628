"""What the referee knows of each kind, by the word that a spec writes for it."""

from __future__ import annotations

from collections.abc import Mapping

from cnnspec.compare.kinds.adam import AdamKind
from cnnspec.compare.kinds.add import AddKind
from cnnspec.compare.kinds.batch_norm import BatchNormKind
from cnnspec.compare.kinds.concat import ConcatKind
from cnnspec.compare.kinds.conv import ConvKind
from cnnspec.compare.kinds.cross_entropy import CrossEntropyKind
from cnnspec.compare.kinds.dropout import DropoutKind
from cnnspec.compare.kinds.flatten import FlattenKind
from cnnspec.compare.kinds.gelu import GELUKind
from cnnspec.compare.kinds.global_pool import GlobalPoolKind
from cnnspec.compare.kinds.layer import LayerKind
from cnnspec.compare.kinds.layer_norm import LayerNormKind
from cnnspec.compare.kinds.leaky_relu import LeakyReLUKind
from cnnspec.compare.kinds.linear import LinearKind
from cnnspec.compare.kinds.loss import LossKind
from cnnspec.compare.kinds.optimizer import OptimizerKind
from cnnspec.compare.kinds.pool import PoolKind
from cnnspec.compare.kinds.relu import ReLUKind
from cnnspec.compare.kinds.sgd import SGDKind
from cnnspec.compare.kinds.sigmoid import SigmoidKind
from cnnspec.compare.kinds.softmax import SoftmaxKind
from cnnspec.compare.kinds.tanh import TanhKind

LAYERS: Mapping[str, LayerKind] = {
    "conv": ConvKind(),
    "relu": ReLUKind(),
    "leaky_relu": LeakyReLUKind(),
    "gelu": GELUKind(),
    "sigmoid": SigmoidKind(),
    "tanh": TanhKind(),
    "softmax": SoftmaxKind(),
    "pool": PoolKind(),
    "global_pool": GlobalPoolKind(),
    "flatten": FlattenKind(),
    "linear": LinearKind(),
    "batch_norm": BatchNormKind(),
    "layer_norm": LayerNormKind(),
    "dropout": DropoutKind(),
    "add": AddKind(),
    "concat": ConcatKind(),
}

LOSSES: Mapping[str, LossKind] = {"cross_entropy": CrossEntropyKind()}

OPTIMIZERS: Mapping[str, OptimizerKind] = {"sgd": SGDKind(), "adam": AdamKind()}
