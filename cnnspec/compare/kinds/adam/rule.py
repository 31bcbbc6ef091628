"""The rule of Adam in named steps, from what it is given to its weights and moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnspec.compare.faults.fault import UpdateSituation
from cnnspec.compare.faults.formula import Formula
from cnnspec.compare.kinds.update import MOVE, given_of
from cnnspec.numerics import Arithmetic, Ball, either
from cnnspec.numerics.formula import Steps
from cnnspec.spec.optimizers import Adam


def _given(situation: UpdateSituation, arithmetic: Arithmetic) -> dict[str, Any]:
    options = situation.options
    assert isinstance(options, Adam)
    beta1, beta2 = options.betas
    return given_of(situation, arithmetic) | {
        "given_b1": beta1,
        "given_b2": beta2,
        "eps": arithmetic.rounded(options.eps),
        "given_step": situation.step,
        "old_m": arithmetic.rounded(situation.slots["exp_avg"]),
        "old_v": arithmetic.rounded(situation.slots["exp_avg_sq"]),
    }


def _running_mean(b: Ball, old: Ball, new: Ball) -> Ball:
    """Return b old + (1 - b) new, in the forms in which people take it."""
    forms: list[Callable[[Ball, Ball, Ball], Ball]] = [
        lambda b, old, new: b * old + (1 - b) * new,
        lambda b, old, new: old + (1 - b) * (new - old),
    ]
    if b.value <= 0.5:  # torch.lerp goes from the nearer one
        forms.append(lambda b, old, new: new - b * (new - old))
    return either(forms, b, old, new)


STEPS: Steps = {
    **MOVE,
    "beta1": lambda at: at.given_b1,
    "beta2": lambda at: at.given_b2,
    "b1": lambda at: at.arithmetic.rounded(at.beta1),
    "b2": lambda at: at.arithmetic.rounded(at.beta2),
    "t": lambda at: at.given_step,
    "m": lambda at: _running_mean(at.b1, at.old_m, at.g),
    "square": lambda at: at.g * at.g,
    "v": lambda at: _running_mean(at.b2, at.old_v, at.square),
    "c1": lambda at: 1 - at.arithmetic.power(at.beta1, at.t),
    "c2": lambda at: 1 - at.arithmetic.power(at.beta2, at.t),
    "corrected_m": lambda at: at.m / at.c1,
    "corrected_v": lambda at: at.v / at.c2,
    "root": lambda at: at.corrected_v.sqrt(),
    "divisor": lambda at: at.root + at.eps,
    "direction": lambda at: at.corrected_m / at.divisor,
}

RULE = Formula(_given, STEPS, {"": "weights", "exp_avg": "m", "exp_avg_sq": "v"})
