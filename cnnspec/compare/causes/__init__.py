"""Why a quantity is wrong: a closed list of faults that people make, each tried out.

A cause is named only where the fault gives what was found, to within rounding, on every
probe; else there is none to name.
"""

from cnnspec.compare.causes.cause import (
    Cause,
    LayerSituation,
    LossSituation,
    Observation,
    UpdateSituation,
)

__all__ = ["Cause", "LayerSituation", "LossSituation", "Observation", "UpdateSituation"]
