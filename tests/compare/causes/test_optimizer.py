"""Faulty updates, written number by number: each is named, and nothing else is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from cnnspec.compare.budget import Exact
from cnnspec.compare.budget_learning import OPTIMIZER_BUDGETS
from cnnspec.compare.causes import Observation, UpdateSituation, diagnose_optimizer
from cnnspec.randomness import stream
from cnnspec.spec.optimizers import SGD, Adam, AnyOptimizer

SHAPE = (3, 4)
RATE, DECAY, MOMENTUM, BETA1, BETA2, EPS = 0.01, 0.1, 0.9, 0.9, 0.999, 1e-8


@dataclass
class Number:
    """One number of a parameter, before a step."""

    w: float
    g: float
    t: int
    b: float = 0.0
    m: float = 0.0
    v: float = 0.0


Rule = Callable[[Number], Mapping[str, float]]


def plain(at: Number) -> Mapping[str, float]:
    return {"": at.w - RATE * (at.g + DECAY * at.w)}


def heavy(at: Number) -> Mapping[str, float]:
    b = MOMENTUM * at.b + at.g + DECAY * at.w
    return {"": at.w - RATE * b, "momentum_buffer": b}


def nesterov(at: Number) -> Mapping[str, float]:
    g = at.g + DECAY * at.w
    b = MOMENTUM * at.b + g
    return {"": at.w - RATE * (g + MOMENTUM * b), "momentum_buffer": b}


def adam(at: Number) -> Mapping[str, float]:
    return adam_with()(at)


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
        m = beta1 * at.m + (1 if unscaled else 1 - beta1) * g
        v = beta2 * at.v + (1 - beta2) * squared(g, m)
        c1 = 1 - beta1 ** count(at.t) if correct else 1
        c2 = 1 - beta2 ** count(at.t) if correct else 1
        used = max(v, at.v) if greatest else v
        step = RATE * first(m / c1, g) / divisor(used, c2)
        return {"": at.w - RATE * decoupled * at.w - step, "exp_avg": m, "exp_avg_sq": v}

    return rule


def sgd_of(g: Callable[[Number], float]) -> Rule:
    return lambda at: {"": at.w - RATE * g(at)}


def buffered(
    b: Callable[[Number], float],
    step: Callable[[Number, float], float] = lambda at, b: RATE * b,
) -> Rule:
    return lambda at: {"": at.w - step(at, b(at)), "momentum_buffer": b(at)}


def decayed(at: Number) -> float:
    return at.g + DECAY * at.w


PLAIN = SGD(learning_rate=RATE, weight_decay=DECAY)
HEAVY = SGD(learning_rate=RATE, momentum=MOMENTUM, weight_decay=DECAY)
NESTEROV = SGD(learning_rate=RATE, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY)
ADAM = Adam(learning_rate=RATE, betas=(BETA1, BETA2), eps=EPS, weight_decay=DECAY)
RIGHT: list[tuple[AnyOptimizer, Rule]] = [
    (PLAIN, plain),
    (HEAVY, heavy),
    (NESTEROV, nesterov),
    (ADAM, adam),
]

Expected = dict[str, str]

FAULTS: dict[str, tuple[AnyOptimizer, Rule, Expected]] = {
    "ascent": (PLAIN, lambda at: {"": at.w + RATE * decayed(at)}, {"": "ascent"}),
    "rate missing": (PLAIN, lambda at: {"": at.w - decayed(at)}, {"": "rate-missing"}),
    "rate twice": (PLAIN, lambda at: {"": at.w - RATE * RATE * decayed(at)}, {"": "rate-twice"}),
    "rate doubled": (PLAIN, lambda at: {"": at.w - 2 * RATE * decayed(at)}, {"": "scale"}),
    "rate / 32": (PLAIN, lambda at: {"": at.w - RATE / 32 * decayed(at)}, {"": "scale"}),
    "not updated": (PLAIN, lambda at: {"": at.w}, {"": "not-updated"}),
    "decay missing": (PLAIN, sgd_of(lambda at: at.g), {"": "decay-missing"}),
    "decay sign": (PLAIN, sgd_of(lambda at: at.g - DECAY * at.w), {"": "decay-sign"}),
    "decay twice": (PLAIN, sgd_of(lambda at: at.g + 2 * DECAY * at.w), {"": "decay-twice"}),
    "decay half": (PLAIN, sgd_of(lambda at: at.g + DECAY / 2 * at.w), {"": "decay-half"}),
    "decay by rate": (PLAIN, sgd_of(lambda at: at.g + RATE * DECAY * at.w), {"": "decay-by-rate"}),
    "decay not scaled": (
        PLAIN,
        lambda at: {"": (1 - DECAY) * at.w - RATE * at.g},
        {"": "decay-not-scaled"},
    ),
    "decay decoupled": (
        HEAVY,
        buffered(lambda at: MOMENTUM * at.b + at.g, lambda at, b: RATE * DECAY * at.w + RATE * b),
        {"momentum_buffer": "decay-missing"},  # the weights come to the same
    ),
    "momentum ignored": (
        HEAVY,
        lambda at: {"": at.w - RATE * decayed(at), "momentum_buffer": at.b},
        {"": "momentum-ignored", "momentum_buffer": "momentum-ignored"},
    ),
    "buffer reset": (HEAVY, buffered(decayed), {"momentum_buffer": "buffer-reset"}),
    "dampened": (
        HEAVY,
        buffered(lambda at: MOMENTUM * at.b + (1 - MOMENTUM) * decayed(at)),
        {"": "dampening", "momentum_buffer": "dampening"},
    ),
    "momentum turned round": (
        HEAVY,
        buffered(lambda at: (1 - MOMENTUM) * at.b + MOMENTUM * decayed(at)),
        {"": "momentum-turned-round", "momentum_buffer": "momentum-turned-round"},
    ),
    "nesterov for plain": (HEAVY, nesterov, {"": "nesterov-for-plain"}),
    "plain for nesterov": (NESTEROV, heavy, {"": "plain-for-nesterov"}),
    "rate in the buffer": (
        HEAVY,
        buffered(lambda at: MOMENTUM * at.b + RATE * decayed(at), lambda at, b: b),
        {"": "rate-in-buffer", "momentum_buffer": "rate-in-buffer"},
    ),
    "velocity": (
        HEAVY,
        buffered(lambda at: MOMENTUM * at.b - RATE * decayed(at), lambda at, b: -b),
        {"": "rate-in-buffer", "momentum_buffer": "rate-in-buffer"},
    ),
    "old buffer": (
        HEAVY,
        lambda at: {"": at.w - RATE * at.b, "momentum_buffer": MOMENTUM * at.b + decayed(at)},
        {"": "old-buffer"},
    ),
    "decay after momentum": (
        NESTEROV,
        buffered(
            lambda at: MOMENTUM * at.b + decayed(at),
            lambda at, b: RATE * (decayed(at) + MOMENTUM * b + 3 * DECAY * at.w),
        ),
        {},
    ),
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
    "decay twice in adam": (
        ADAM,
        adam_with(decay=2 * DECAY),
        {"": "decay-twice", "exp_avg": "decay-twice", "exp_avg_sq": "decay-twice"},
    ),
}


def situations(options: AnyOptimizer) -> list[UpdateSituation]:
    """Draw four steps, the first with empty slots; all are float32 numbers."""
    random = stream(0, "tests", "update")

    def draw(size: float = 1.0) -> Exact:
        return (size * random.normal(size=SHAPE)).astype(np.float32).astype(np.float64)

    found = []
    for step in range(1, 5):
        old = float(step > 1)
        slots = {"momentum_buffer": old * draw()}
        if isinstance(options, Adam):
            slots = {"exp_avg": old * draw(0.1), "exp_avg_sq": old * np.abs(draw(0.01))}
        elif not options.momentum:
            slots = {}
        gradient = draw() * 10.0 ** random.uniform(-6, 1, SHAPE)
        found.append(UpdateSituation(options, RATE, step, draw(), slots, gradient))
    return found


def stepped(situation: UpdateSituation, rule: Rule) -> dict[str, Exact]:
    slots = situation.slots
    zeros = np.zeros(SHAPE)
    found: dict[str, Exact] = {name: np.zeros(SHAPE) for name in ("", *slots)}
    for index in np.ndindex(SHAPE):
        number = Number(
            situation.weights[index],
            situation.gradient[index],
            situation.step,
            slots.get("momentum_buffer", zeros)[index],
            slots.get("exp_avg", zeros)[index],
            slots.get("exp_avg_sq", zeros)[index],
        )
        for name, value in rule(number).items():
            found[name][index] = value
    return found


def observe(
    options: AnyOptimizer, rule: Rule, quantity: str, noise: float = 0.0
) -> list[Observation[UpdateSituation]]:
    right = next(correct for given, correct in RIGHT if given == options)
    random = stream(0, "tests", "noise")
    observations = []
    for at in situations(options):
        budgets = OPTIMIZER_BUDGETS[options.keyword](
            options, at.weights, at.slots, at.gradient, RATE, at.step, "float64"
        )
        found = stepped(at, rule)[quantity] + noise * random.normal(size=SHAPE)
        wanted = stepped(at, right)[quantity]
        observations.append(Observation(at, quantity, found, wanted, 2 * budgets[quantity]))
    return observations


def code(options: AnyOptimizer, rule: Rule, quantity: str, noise: float = 0.0) -> str | None:
    cause = diagnose_optimizer(observe(options, rule, quantity, noise))
    return cause and cause.code


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named(name: str) -> None:
    options, rule, expected = FAULTS[name]
    assert {quantity: code(options, rule, quantity) for quantity in expected} == expected


@pytest.mark.parametrize(("options", "rule"), RIGHT, ids=["sgd", "momentum", "nesterov", "adam"])
def test_the_right_update_has_no_cause(options: AnyOptimizer, rule: Rule) -> None:
    for quantity in ("", *situations(options)[0].slots):
        assert code(options, rule, quantity) is None


@pytest.mark.parametrize("name", list(FAULTS)[::3])
def test_a_fault_with_noise_on_it_is_not_named(name: str) -> None:
    options, rule, expected = FAULTS[name]
    for quantity in expected:
        assert code(options, rule, quantity, noise=1e-6) is None


def test_a_fault_outside_the_list_has_no_cause() -> None:
    options, rule, _ = FAULTS["decay after momentum"]
    assert code(options, rule, "") is None


def test_an_update_in_float32_is_named() -> None:
    def in_float32(at: Number) -> Mapping[str, float]:
        return {name: float(np.float32(value)) for name, value in adam(at).items()}

    assert code(ADAM, in_float32, "exp_avg") == "low-precision"


def test_the_factor_of_a_step_is_said() -> None:
    options, rule, _ = FAULTS["rate / 32"]
    cause = diagnose_optimizer(observe(options, rule, ""))
    assert cause
    assert cause.sentence == "the step is 0.03125 times the expected one"
