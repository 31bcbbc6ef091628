"""SGD: settings, conventions by hand, and faults that are named, written number by number.

Numbers by hand are sums of powers of two: every backend must hit them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from cnnspec.spec.optimizers import SGD
from tests.cases import each_backend, each_precision, weights_after
from tests.compare.causes.update_probes import DECAY, RATE, FaultyUpdate, Number, Rule, Update
from tests.room import OptimizerRoom

CASES = {
    "plain": SGD(),
    "momentum": SGD(momentum=0.9),
    "nesterov": SGD(momentum=0.8, nesterov=True),
    "decay": SGD(weight_decay=0.1),
    "momentum-decay": SGD(momentum=0.9, weight_decay=0.01),
    "everything": SGD(learning_rate=0.03, momentum=0.7, nesterov=True, weight_decay=0.3),
}

SLOTS = {"plain": [], "momentum": ["momentum_buffer"]}

MOMENTUM = 0.9


def buffer(at: Number) -> float:
    return at.slots["momentum_buffer"]


def plain(at: Number) -> Mapping[str, float]:
    return {"": at.w - RATE * (at.g + DECAY * at.w)}


def heavy(at: Number) -> Mapping[str, float]:
    b = MOMENTUM * buffer(at) + at.g + DECAY * at.w
    return {"": at.w - RATE * b, "momentum_buffer": b}


def nesterov(at: Number) -> Mapping[str, float]:
    g = at.g + DECAY * at.w
    b = MOMENTUM * buffer(at) + g
    return {"": at.w - RATE * (g + MOMENTUM * b), "momentum_buffer": b}


def sgd_of(g: Callable[[Number], float]) -> Rule:
    return lambda at: {"": at.w - RATE * g(at)}


def buffered(
    b: Callable[[Number], float],
    step: Callable[[Number, float], float] = lambda at, b: RATE * b,
) -> Rule:
    return lambda at: {"": at.w - step(at, b(at)), "momentum_buffer": b(at)}


def decayed(at: Number) -> float:
    return at.g + DECAY * at.w


PLAIN = Update(SGD(learning_rate=RATE, weight_decay=DECAY), plain)
HEAVY = Update(SGD(learning_rate=RATE, momentum=MOMENTUM, weight_decay=DECAY), heavy)
NESTEROV = Update(
    SGD(learning_rate=RATE, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY), nesterov
)

FAULTS: dict[str, FaultyUpdate] = {
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
        buffered(
            lambda at: MOMENTUM * buffer(at) + at.g, lambda at, b: RATE * DECAY * at.w + RATE * b
        ),
        {"momentum_buffer": "decay-missing"},  # the weights come to the same
    ),
    "momentum ignored": (
        HEAVY,
        lambda at: {"": at.w - RATE * decayed(at), "momentum_buffer": buffer(at)},
        {"": "momentum-ignored", "momentum_buffer": "momentum-ignored"},
    ),
    "buffer reset": (HEAVY, buffered(decayed), {"momentum_buffer": "buffer-reset"}),
    "dampened": (
        HEAVY,
        buffered(lambda at: MOMENTUM * buffer(at) + (1 - MOMENTUM) * decayed(at)),
        {"": "dampening", "momentum_buffer": "dampening"},
    ),
    "momentum turned round": (
        HEAVY,
        buffered(lambda at: (1 - MOMENTUM) * buffer(at) + MOMENTUM * decayed(at)),
        {"": "momentum-turned-round", "momentum_buffer": "momentum-turned-round"},
    ),
    "nesterov for plain": (HEAVY, nesterov, {"": "nesterov-for-plain"}),
    "plain for nesterov": (NESTEROV, heavy, {"": "plain-for-nesterov"}),
    "rate in the buffer": (
        HEAVY,
        buffered(lambda at: MOMENTUM * buffer(at) + RATE * decayed(at), lambda at, b: b),
        {"": "rate-in-buffer", "momentum_buffer": "rate-in-buffer"},
    ),
    "velocity": (
        HEAVY,
        buffered(lambda at: MOMENTUM * buffer(at) - RATE * decayed(at), lambda at, b: -b),
        {"": "rate-in-buffer", "momentum_buffer": "rate-in-buffer"},
    ),
    "old buffer": (
        HEAVY,
        lambda at: {
            "": at.w - RATE * buffer(at),
            "momentum_buffer": MOMENTUM * buffer(at) + decayed(at),
        },
        {"": "old-buffer"},
    ),
    "decay after momentum": (
        NESTEROV,
        buffered(
            lambda at: MOMENTUM * buffer(at) + decayed(at),
            lambda at, b: RATE * (decayed(at) + MOMENTUM * b + 3 * DECAY * at.w),
        ),
        {},
    ),
}

ROOM = OptimizerRoom(
    CASES, SLOTS, {"plain": PLAIN, "momentum": HEAVY, "nesterov": NESTEROV}, FAULTS
)


def test_a_fault_outside_the_list_has_no_cause() -> None:
    update, rule, _ = FAULTS["decay after momentum"]
    assert update.code(rule, "") is None


@each_backend
@each_precision
@pytest.mark.parametrize(
    ("options", "weights"),
    [
        # w - 1/4 g
        (SGD(), [0.5, 0.25]),
        # w - 1/4 (g + 1/2 w): 1 - 5/8, then 0.375 - 1/4 * 1.1875
        (SGD(weight_decay=0.5), [0.375, 0.078125]),
        # buffers 2, then 1 + 1; the first one is the gradient itself: no (1 - momentum)
        (SGD(momentum=0.5), [0.5, 0.0]),
        # directions 2 + 1, then 1 + 1/2 * 2
        (SGD(momentum=0.5, nesterov=True), [0.25, -0.25]),
        # d 2.5, buffer 2.5; d 1.1875, buffer 2.4375: the decay goes through the momentum
        (SGD(momentum=0.5, weight_decay=0.5), [0.375, -0.234375]),
        # d 2.5, buffer 2.5, direction 3.75; d 1.03125, buffer 2.28125, direction 2.171875
        (SGD(momentum=0.5, weight_decay=0.5, nesterov=True), [0.0625, -0.48046875]),
    ],
    ids=["plain", "decay", "momentum", "nesterov", "momentum-decay", "nesterov-decay"],
)
def test_sgd(backend: str, precision: str, options: SGD, weights: list[float]) -> None:
    found, _ = weights_after(backend, precision, options, 1.0, [2.0, 1.0], 0.25)
    assert found == weights


@each_backend
@each_precision
def test_first_momentum_buffer_is_the_gradient(backend: str, precision: str) -> None:
    options = SGD(momentum=0.5, weight_decay=0.5)
    _, network = weights_after(backend, precision, options, 1.0, [2.0], 0.25)
    assert network.optimizer_state()["linear1.weight.momentum_buffer"].tolist() == [[2.5]]
