"""Faults planted for the selftest: what people get wrong, kind by kind.

Written independently of `cnnspec.compare.kinds` and `causes`, which name such faults.
"""

from __future__ import annotations

from cnnspec.compare.planted.adam import ADAM
from cnnspec.compare.planted.add import ADD
from cnnspec.compare.planted.batch_norm import BATCH_NORM
from cnnspec.compare.planted.branches import DrawnBlock
from cnnspec.compare.planted.concat import CONCAT
from cnnspec.compare.planted.conv import CONV
from cnnspec.compare.planted.cross_entropy import CROSS_ENTROPY
from cnnspec.compare.planted.dropout import DROPOUT
from cnnspec.compare.planted.families import LayerFamily, LossFamily, OptimizerFamily
from cnnspec.compare.planted.fault import Family, PlantedFault
from cnnspec.compare.planted.flatten import FLATTEN
from cnnspec.compare.planted.gelu import GELUS
from cnnspec.compare.planted.global_pool import GLOBAL_POOL
from cnnspec.compare.planted.layer_norm import LAYER_NORM
from cnnspec.compare.planted.leaky_relu import LEAKY_RELU
from cnnspec.compare.planted.linear import LINEAR
from cnnspec.compare.planted.network import NETWORK
from cnnspec.compare.planted.parallel import drawn as drawn_parallel
from cnnspec.compare.planted.pool import POOL
from cnnspec.compare.planted.relu import RELU
from cnnspec.compare.planted.repeat import drawn as drawn_repeat
from cnnspec.compare.planted.residual import drawn as drawn_residual
from cnnspec.compare.planted.sgd import SGD_FAULTS
from cnnspec.compare.planted.sigmoid import SIGMOID
from cnnspec.compare.planted.softmax import SOFTMAX
from cnnspec.compare.planted.tanh import TANH
from cnnspec.compare.planted.ways import IN_PLACE, READERS

LAYERS: dict[str, LayerFamily] = {
    "conv": CONV,
    "pool": POOL,
    "global_pool": GLOBAL_POOL,
    "relu": RELU,
    "leaky_relu": LEAKY_RELU,
    "gelu": GELUS,
    "sigmoid": SIGMOID,
    "tanh": TANH,
    "softmax": SOFTMAX,
    "flatten": FLATTEN,
    "linear": LINEAR,
    "batch_norm": BATCH_NORM,
    "layer_norm": LAYER_NORM,
    "dropout": DROPOUT,
    "add": ADD,
    "concat": CONCAT,
}

LOSSES: dict[str, LossFamily] = {"cross_entropy": CROSS_ENTROPY}

OPTIMIZERS: dict[str, OptimizerFamily] = {"sgd": SGD_FAULTS, "adam": ADAM}

BLOCKS: dict[str, DrawnBlock] = {
    "residual": drawn_residual,
    "parallel": drawn_parallel,
    "repeat": drawn_repeat,
}
"""How random specs come to blocks, in which there is nothing to plant a fault into."""

FAMILIES: list[Family] = [
    *LAYERS.values(),
    *LOSSES.values(),
    *OPTIMIZERS.values(),
    NETWORK,
    READERS,
    IN_PLACE,
]
FAULTS: list[PlantedFault] = [fault for family in FAMILIES for fault in family.faults]

__all__ = [
    "BLOCKS",
    "FAMILIES",
    "FAULTS",
    "LAYERS",
    "LOSSES",
    "OPTIMIZERS",
    "Family",
    "PlantedFault",
]
