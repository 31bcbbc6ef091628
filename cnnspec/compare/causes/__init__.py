"""Why a quantity is wrong: a closed list of faults that people make, each tried out.

A cause is named only where the fault gives what was found, to within rounding, on every
probe. Otherwise the cause is unknown. Here are the faults that any kind may have; those of one
kind are in its room (`cnnspec.compare.kinds`).
"""

from cnnspec.compare.causes.layers import diagnose_layer
from cnnspec.compare.causes.loss import diagnose_loss
from cnnspec.compare.causes.optimizer import diagnose_optimizer

__all__ = ["diagnose_layer", "diagnose_loss", "diagnose_optimizer"]
