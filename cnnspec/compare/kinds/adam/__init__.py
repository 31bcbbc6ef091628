"""What the referee knows of Adam."""

from __future__ import annotations

from cnnspec.compare.kinds.adam.faults import FAULTS, HELP
from cnnspec.compare.kinds.adam.rule import RULE
from cnnspec.compare.kinds.optimizer import OptimizerKind


class AdamKind(OptimizerKind):
    """Adam, with the weight decay in the gradient."""

    rule = RULE
    faults = FAULTS
    help = HELP
    shown = {  # noqa: RUF012
        "m": "the first moment",
        "v": "the second moment",
        "divisor": "sqrt(v / (1 - beta2^t)) + eps",
        "moved": "the size of the step",
        "weights": "the weight after",
    }
