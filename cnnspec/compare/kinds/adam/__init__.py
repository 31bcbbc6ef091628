"""What the referee knows of Adam."""

from __future__ import annotations

from cnnspec.compare.kinds.adam.faults import FAULTS, HELP
from cnnspec.compare.kinds.adam.rule import RULE
from cnnspec.compare.kinds.optimizer import OptimizerKind
from cnnspec.compare.verdict import Cause
from cnnspec.spec.optimizers import Adam


class AdamKind(OptimizerKind):
    """Adam, with the weight decay in the gradient."""

    rule = RULE
    faults = FAULTS
    help = HELP
    counted_for_each = Cause(
        "step-count",
        "the bias correction counts every parameter as a step; all of them have one count",
        HELP["step-count"],
    )
    before = {"weights": "w", "m": "old_m", "v": "old_v"}  # noqa: RUF012
    settings = {  # noqa: RUF012
        "plain": Adam(learning_rate=0.07),
        "other betas": Adam(learning_rate=0.07, betas=(0.8, 0.95)),
        "other eps": Adam(learning_rate=0.07, eps=1e-3),
        "weight decay": Adam(learning_rate=0.07, weight_decay=0.2),
    }
    built_in = {  # noqa: RUF012
        "learning_rate": (0.001, 0.01, 0.1),
        "betas": ((0.9, 0.999), (0.9, 0.99)),
        "eps": (1e-8, 1e-7, 1e-6, 1e-5, 1e-10, 1e-12, 1e-16),
        "weight_decay": (0.0,),
    }
    shown = {  # noqa: RUF012
        "m": "the first moment",
        "v": "the second moment",
        "divisor": "sqrt(v / (1 - beta2^t)) + eps",
        "moved": "the size of the step",
        "weights": "the weight after",
    }
