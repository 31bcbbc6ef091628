"""Faults planted for the selftest: what people get wrong, kind by kind.

Written independently of `cnnspec.compare.kinds` and `causes`, which name such faults.
"""

from __future__ import annotations

from cnnspec.compare.planted.adam import ADAM
from cnnspec.compare.planted.batch_norm import NORM
from cnnspec.compare.planted.conv import CONV
from cnnspec.compare.planted.cross_entropy import LOSS
from cnnspec.compare.planted.families import LayerFamily, LossFamily, NetworkFamily, OptimizerFamily
from cnnspec.compare.planted.fault import Family, Fault
from cnnspec.compare.planted.flatten import FLATTEN
from cnnspec.compare.planted.linear import LINEAR
from cnnspec.compare.planted.network import NETWORK
from cnnspec.compare.planted.pool import POOL
from cnnspec.compare.planted.relu import RELU
from cnnspec.compare.planted.sgd import SGDS

LAYERS: list[LayerFamily] = [CONV, POOL, RELU, FLATTEN, LINEAR, NORM]
LOSSES: list[LossFamily] = [LOSS]
OPTIMIZERS: list[OptimizerFamily] = [SGDS, ADAM]
NETWORKS: list[NetworkFamily] = [NETWORK]

FAMILIES: list[Family] = [*LAYERS, *LOSSES, *OPTIMIZERS, *NETWORKS]
FAULTS: list[Fault] = [fault for family in FAMILIES for fault in family.faults]

__all__ = ["FAMILIES", "FAULTS", "LAYERS", "LOSSES", "OPTIMIZERS", "Family", "Fault"]
