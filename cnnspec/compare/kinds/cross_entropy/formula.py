"""The mean cross-entropy in named steps, from logits and labels to the loss and its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnspec.compare.faults.fault import LossSituation
from cnnspec.compare.faults.formula import Formula
from cnnspec.numerics import Arithmetic, Ball, either
from cnnspec.numerics.formula import Computation, Steps


def _given(situation: LossSituation, arithmetic: Arithmetic) -> dict[str, Any]:
    return {"logits": arithmetic.rounded(situation.logits), "given_labels": situation.labels}


def _one_hot(at: Computation) -> Any:
    own = np.equal.outer(at.labels, np.arange(at.classes))
    return at.arithmetic.ball(own)


def of_label(at: Computation, rows: Ball) -> Ball:
    """Return the number of each row (n, classes) that belongs to its label: (n, 1)."""
    return rows.moved(lambda array: np.take_along_axis(array, at.labels[:, None], axis=1))


SOFTMAX: list[Callable[..., Ball]] = [
    lambda z, top, d, e, total: e / total,
    lambda z, top, d, e, total: (d - total.log()).exp(),
    lambda z, top, d, e, total: (z - (top + total.log())).exp(),
]
LOG_SOFTMAX: list[Callable[..., Ball]] = [
    lambda z, top, d, e, total: d - total.log(),
    lambda z, top, d, e, total: z - (top + total.log()),
]
MEAN_LOSS: list[Callable[[Ball, Ball, Ball], Ball]] = [
    lambda terms, z, divisor: terms.sum(0) / divisor,
    lambda terms, z, divisor: ((terms + z).sum(0) - z.sum(0)) / divisor,
]
SHARED: list[Callable[[Ball, Ball, Ball], Ball]] = [
    lambda p, own, divisor: (p - own) / divisor,
    lambda p, own, divisor: p / divisor - own / divisor,
]
"""How people take them: with the greatest logit or without, summed together or apart, and divided
before or after."""

STEPS: Steps = {
    "n": lambda at: at.logits.value.shape[0],
    "classes": lambda at: at.logits.value.shape[1],
    "labels": lambda at: at.given_labels,
    "own": _one_hot,
    "z": lambda at: at.logits,
    "axis": lambda at: 1,
    "top": lambda at: at.z.max(at.axis),
    "d": lambda at: at.z - at.top,
    "e": lambda at: at.d.exp(),
    "total": lambda at: at.e.sum(at.axis),
    "forms": lambda at: (at.z, at.top, at.d, at.e, at.total),
    "p": lambda at: either(SOFTMAX, *at.forms),
    "log_p": lambda at: either(LOG_SOFTMAX, *at.forms),
    "terms": lambda at: -of_label(at, at.log_p),
    "divisor": lambda at: at.n,
    "own_z": lambda at: of_label(at, at.z),
    "loss": lambda at: either(MEAN_LOSS, at.terms, at.own_z, at.arithmetic.ball(at.divisor)),
    "grad": lambda at: either(SHARED, at.p, at.own, at.logits.arithmetic.ball(at.divisor)),
}
"""Mean of log(sum(exp(z))) - z[label], and its gradient (softmax(z) - one-hot) / n."""

MEAN = Formula(_given, STEPS, {"grad_logits": "grad"})
