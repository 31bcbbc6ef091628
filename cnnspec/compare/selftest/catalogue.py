"""All planted faults, family by family."""

from __future__ import annotations

from cnnspec.compare.selftest.conv_faults import CONV
from cnnspec.compare.selftest.faults import Family, Fault
from cnnspec.compare.selftest.linear_faults import LINEAR
from cnnspec.compare.selftest.loss_faults import LOSSES
from cnnspec.compare.selftest.network_faults import NETWORKS
from cnnspec.compare.selftest.norm_faults import NORM
from cnnspec.compare.selftest.optimizer_faults import ADAMS, SGDS
from cnnspec.compare.selftest.pool_faults import POOL
from cnnspec.compare.selftest.relu_faults import FLATTEN, RELU

FAMILIES: list[Family] = [CONV, POOL, RELU, FLATTEN, LINEAR, NORM, LOSSES, SGDS, ADAMS, NETWORKS]

FAULTS: list[Fault] = [fault for family in FAMILIES for fault in family.faults]
