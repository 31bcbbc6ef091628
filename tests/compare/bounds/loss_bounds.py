"""How far off the loss may be that training makes small."""

from __future__ import annotations

import numpy as np

from cnnspec.compare.faults.fault import LossSituation
from cnnspec.compare.kinds import LOSSES
from cnnspec.numerics import Exact
from cnnspec.spec.losses import DEFAULT_LOSS


def loss_bounds(logits: Exact, labels: np.ndarray, precision: str) -> tuple[Exact, Exact]:
    given = LossSituation(DEFAULT_LOSS, "", logits, labels)
    found = LOSSES[DEFAULT_LOSS.keyword].budgets(given, precision)
    return found["loss"], found["grad_logits"]
