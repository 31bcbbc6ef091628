"""Adam: settings, conventions by hand, and faults that are named, written number by number.

Numbers by hand are sums of powers of two: every backend must hit them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from cnnspec.spec.optimizers import Adam
from tests.cases import each_backend, each_precision, weights_after
from tests.compare.causes.update_probes import DECAY, RATE, FaultyUpdate, Number, Rule, Update
from tests.room import OptimizerRoom

CASES = {
    "plain": Adam(),
    "decay": Adam(weight_decay=0.1),
    "betas": Adam(betas=(0.5, 0.9)),
    "no-memory": Adam(betas=(0.0, 0.0)),
    "eps": Adam(eps=0.01),
    "everything": Adam(learning_rate=0.003, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.02),
}

SLOTS = {"plain": ["exp_avg", "exp_avg_sq"]}

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


def adam_with(
    *,
    divisor: Callable[[float, float], float] = lambda v, c: math.sqrt(v / c) + EPS,
    betas: tuple[float, float] = (BETA1, BETA2),
    count: Callable[[int], int] = lambda t: t,
    correct: bool = True,
    decay: float = DECAY,
    decoupled: float = 0.0,
    squared: Callable[[float, float], float] = lambda g, m: g * g,
    unscaled: bool = False,
    first: Callable[[float, float], float] = lambda m, g: m,
    greatest: bool = False,
) -> Rule:
    """Adam, with one thing or another done differently."""

    def rule(at: Number) -> Mapping[str, float]:
        beta1, beta2 = betas
        g = at.g + decay * at.w
        m = beta1 * at.slots["exp_avg"] + (1 if unscaled else 1 - beta1) * g
        v = beta2 * at.slots["exp_avg_sq"] + (1 - beta2) * squared(g, m)
        c1 = 1 - beta1 ** count(at.t) if correct else 1
        c2 = 1 - beta2 ** count(at.t) if correct else 1
        used = max(v, at.slots["exp_avg_sq"]) if greatest else v
        step = RATE * first(m / c1, g) / divisor(used, c2)
        return {"": at.w - RATE * decoupled * at.w - step, "exp_avg": m, "exp_avg_sq": v}

    return rule


ADAM = Update(
    Adam(learning_rate=RATE, betas=(BETA1, BETA2), eps=EPS, weight_decay=DECAY), adam_with()
)

FAULTS: dict[str, FaultyUpdate] = {
    "eps inside": (
        ADAM,
        adam_with(divisor=lambda v, c: math.sqrt(v / c + EPS)),
        {"": "eps-inside-root"},
    ),
    "eps before the correction": (
        ADAM,
        adam_with(divisor=lambda v, c: (math.sqrt(v) + EPS) / math.sqrt(c)),
        {"": "eps-before-correction"},
    ),
    "eps missing": (
        ADAM,
        adam_with(divisor=lambda v, c: math.sqrt(v / c) or math.nan),
        {"": "eps-missing"},
    ),
    "root missing": (ADAM, adam_with(divisor=lambda v, c: v / c + EPS), {"": "root-missing"}),
    "no correction": (ADAM, adam_with(correct=False), {"": "no-bias-correction"}),
    "a step ahead": (ADAM, adam_with(count=lambda t: t + 1), {"": "step-count"}),
    "always the first step": (ADAM, adam_with(count=lambda t: 1), {"": "step-count"}),
    "betas swapped": (
        ADAM,
        adam_with(betas=(BETA2, BETA1)),
        {"": "betas-swapped", "exp_avg": "betas-swapped", "exp_avg_sq": "betas-swapped"},
    ),
    "second moment of |g|": (
        ADAM,
        adam_with(squared=lambda g, m: abs(g)),
        {"": "second-moment-of-abs", "exp_avg_sq": "second-moment-of-abs"},
    ),
    "second moment of m": (
        ADAM,
        adam_with(squared=lambda g, m: m * m),
        {"": "second-moment-of-first", "exp_avg_sq": "second-moment-of-first"},
    ),
    "no first moment": (ADAM, adam_with(first=lambda m, g: g), {"": "no-first-moment"}),
    "amsgrad": (ADAM, adam_with(greatest=True), {"": "amsgrad"}),
    "first moment not scaled": (
        ADAM,
        adam_with(unscaled=True),
        {"": "moment-not-scaled", "exp_avg": "moment-not-scaled"},
    ),
    "adamw": (
        ADAM,
        adam_with(decay=0, decoupled=DECAY),
        {"": "decay-decoupled", "exp_avg": "decay-missing", "exp_avg_sq": "decay-missing"},
    ),
    "decay twice": (
        ADAM,
        adam_with(decay=2 * DECAY),
        {"": "decay-twice", "exp_avg": "decay-twice", "exp_avg_sq": "decay-twice"},
    ),
}

ROOM = OptimizerRoom(CASES, SLOTS, {"adam": ADAM}, FAULTS)


def test_an_update_in_float32_is_named() -> None:
    def in_float32(at: Number) -> Mapping[str, float]:
        return {name: float(np.float32(value)) for name, value in ADAM.right(at).items()}

    assert ADAM.code(in_float32, "exp_avg") == "low-precision"


@each_backend
@each_precision
def test_eps_of_adam_lies_outside_the_root_after_the_correction(
    backend: str, precision: str
) -> None:
    # m = 3/2 and v = 9/4; corrected 3 and 9: w = -1/2 * 3 / (sqrt(9) + 1) = -3/8.
    # With eps inside the root it would be -1/2 * 3 / sqrt(10); before the correction, -3/10.
    options = Adam(betas=(0.5, 0.75), eps=1.0)
    found, network = weights_after(backend, precision, options, 0.0, [3.0], 0.5)
    assert found == [-0.375]
    slots = network.optimizer_state()
    assert slots["linear1.weight.exp_avg"].tolist() == [[1.5]]
    assert slots["linear1.weight.exp_avg_sq"].tolist() == [[2.25]]


@each_backend
@each_precision
def test_decay_of_adam_is_part_of_the_gradient(backend: str, precision: str) -> None:
    # g = 1 + 1/2 * 4 = 3: the same step as above, from 4.
    options = Adam(betas=(0.5, 0.75), eps=1.0, weight_decay=0.5)
    found, _ = weights_after(backend, precision, options, 4.0, [1.0], 0.5)
    assert found == [3.625]


@each_backend
@each_precision
def test_first_step_of_adam_is_the_learning_rate_whatever_the_gradient(
    backend: str, precision: str
) -> None:
    # Corrected, m / sqrt(v) is g / |g|; these betas and gradients make all of it exact.
    options = Adam(betas=(0.5, 0.75), eps=2.0**-100)
    for gradient in (2.0**-10, 1.0, 2.0**10):
        found, _ = weights_after(backend, precision, options, 0.0, [gradient], 0.5)
        assert found == [-0.5]
