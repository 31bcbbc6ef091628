"""The closed list of faults of an optimizer, as steps of its rule that they replace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnspec.compare.causes.cause import UpdateSituation
from cnnspec.compare.causes.formulas import Fault, Step, Steps
from cnnspec.compare.causes.rounded import Rounded, power
from cnnspec.spec.training import SGD, Adam


@dataclass(frozen=True)
class Rule:
    """How an optimizer takes a step, and what may go wrong."""

    given: Callable[[UpdateSituation], dict[str, Any]]
    right: Steps
    quantities: Mapping[str, str]
    """The step that gives each quantity."""
    faults: list[Fault]
    pairs: list[Fault]
    """Two faults at once."""


def _given(situation: UpdateSituation) -> dict[str, Any]:
    options = situation.options
    return {
        "w": Rounded(situation.weights),
        "gradient": Rounded(situation.gradient),
        "rate": situation.learning_rate,
        "decay": options.weight_decay,
    }


def _sgd_given(situation: UpdateSituation) -> dict[str, Any]:
    options = situation.options
    assert isinstance(options, SGD)
    old = situation.slots.get("momentum_buffer", np.zeros_like(situation.weights))
    return _given(situation) | {
        "old": Rounded(old),
        "momentum": options.momentum,
        "nesterov": options.nesterov,
    }


def _adam_given(situation: UpdateSituation) -> dict[str, Any]:
    options = situation.options
    assert isinstance(options, Adam)
    beta1, beta2 = options.betas
    return _given(situation) | {
        "given_b1": beta1,
        "given_b2": beta2,
        "eps": options.eps,
        "given_step": situation.step,
        "old_m": Rounded(situation.slots["exp_avg"]),
        "old_v": Rounded(situation.slots["exp_avg_sq"]),
    }


_STEP: Steps = {
    "g": lambda at: at.gradient + at.decay * at.w,
    "moved": lambda at: at.rate * at.direction,
    "weights": lambda at: at.w - at.moved,
}

_SGD: Steps = {
    **_STEP,
    "buffer": lambda at: at.momentum * at.old + at.g,
    "look": lambda at: at.g + at.momentum * at.buffer,
    "direction": lambda at: at.look if at.nesterov else at.buffer,
}

_ADAM: Steps = {
    **_STEP,
    "b1": lambda at: at.given_b1,
    "b2": lambda at: at.given_b2,
    "t": lambda at: at.given_step,
    "m": lambda at: at.b1 * at.old_m + (1 - Rounded(at.b1)) * at.g,
    "v": lambda at: at.b2 * at.old_v + (1 - Rounded(at.b2)) * at.g * at.g,
    "c1": lambda at: 1 - power(at.b1, at.t),
    "c2": lambda at: 1 - power(at.b2, at.t),
    "corrected_m": lambda at: at.m / at.c1,
    "corrected_v": lambda at: at.v / at.c2,
    "root": lambda at: at.corrected_v.sqrt(),
    "divisor": lambda at: at.root + at.eps,
    "direction": lambda at: at.corrected_m / at.divisor,
}


def _faults(*rows: tuple[str, str, Steps]) -> list[Fault]:
    return [Fault(*row) for row in rows]


def _step(of: Step) -> Steps:
    return {"moved": of}


_RATES = _faults(
    (
        "ascent",
        "a step uphill: the sign is turned round",
        _step(lambda at: -at.rate * at.direction),
    ),
    ("rate-missing", "a step without the learning rate", _step(lambda at: at.direction)),
    (
        "rate-twice",
        "a step with the learning rate in it twice",
        _step(lambda at: at.rate * at.rate * at.direction),
    ),
    ("scale", "the expected step x 2", _step(lambda at: 2 * at.rate * at.direction)),
    ("scale", "the expected step x 1/2", _step(lambda at: at.rate / 2 * at.direction)),
    ("not-updated", "the weights as they were", {"weights": lambda at: at.w}),
    ("weights-replaced", "the step alone, for the weights", {"weights": lambda at: -at.moved}),
    (
        "sign-of-gradient",
        "a step along the sign of the direction alone",
        _step(lambda at: at.rate * at.direction.sign()),
    ),
)

_DECOUPLED: Steps = {
    "g": lambda at: at.gradient,
    "weights": lambda at: at.w - at.rate * at.decay * at.w - at.moved,
}

_DECAYS = _faults(
    ("decay-missing", "the update without the weight decay", {"g": lambda at: at.gradient}),
    (
        "decay-decoupled",
        "the update with decoupled weight decay: w - lr * decay * w, and the gradient without it",
        _DECOUPLED,
    ),
    (
        "decay-decoupled",
        "the update with decoupled weight decay, taken of the new weights",
        {
            "g": lambda at: at.gradient,
            "weights": lambda at: (at.w - at.moved) * (1 - Rounded(at.rate * at.decay)),
        },
    ),
    (
        "decay-not-scaled",
        "the update with decoupled weight decay that is not scaled by the learning rate",
        {
            "g": lambda at: at.gradient,
            "weights": lambda at: at.w - at.decay * at.w - at.moved,
        },
    ),
    (
        "decay-sign",
        "the update with the weight decay subtracted from the gradient",
        {"g": lambda at: at.gradient - at.decay * at.w},
    ),
    (
        "decay-sign",
        "the update with decoupled weight decay of the wrong sign",
        {
            "g": lambda at: at.gradient,
            "weights": lambda at: at.w + at.rate * at.decay * at.w - at.moved,
        },
    ),
    (
        "decay-twice",
        "the update with twice the weight decay: added to the gradient two times, or the gradient "
        "of decay * w^2",
        {"g": lambda at: at.gradient + 2 * at.decay * at.w},
    ),
    (
        "decay-half",
        "the update with half the weight decay",
        {"g": lambda at: at.gradient + at.decay / 2 * at.w},
    ),
    (
        "decay-by-rate",
        "the update with lr * decay * w added to the gradient: scaled by the learning rate twice",
        {"g": lambda at: at.gradient + at.rate * at.decay * at.w},
    ),
    (
        "decay-both",
        "the update with the weight decay both in the gradient and decoupled",
        {"weights": lambda at: at.w - at.rate * at.decay * at.w - at.moved},
    ),
    (
        "decay-l1",
        "the update with decay * sign(w) added to the gradient: the L1 penalty",
        {"g": lambda at: at.gradient + at.decay * at.w.sign()},
    ),
    (
        "decay-of-gradient",
        "the update with the gradient x (1 + decay)",
        {"g": lambda at: at.gradient + at.decay * at.gradient},
    ),
)

_MOMENTA = _faults(
    (
        "momentum-ignored",
        "a plain step, lr * gradient: the momentum is not used",
        {"direction": lambda at: at.g, "buffer": lambda at: at.old},
    ),
    (
        "buffer-reset",
        "the gradient alone: the buffer is reset in each step",
        {"buffer": lambda at: at.g},
    ),
    (
        "dampening",
        "momentum * buffer + (1 - momentum) * gradient: dampened",
        {"buffer": lambda at: at.momentum * at.old + (1 - Rounded(at.momentum)) * at.g},
    ),
    (
        "momentum-turned-round",
        "(1 - momentum) * buffer + momentum * gradient: the momentum the other way round",
        {"buffer": lambda at: (1 - Rounded(at.momentum)) * at.old + at.momentum * at.g},
    ),
    (
        "momentum-turned-round",
        "(1 - momentum) * buffer + gradient: the momentum the other way round",
        {"buffer": lambda at: (1 - Rounded(at.momentum)) * at.old + at.g},
    ),
    (
        "momentum-missing",
        "buffer + gradient: nothing of the buffer fades",
        {"buffer": lambda at: at.old + at.g},
    ),
    (
        "momentum-of-both",
        "momentum * (buffer + gradient)",
        {"buffer": lambda at: at.momentum * (at.old + at.g)},
    ),
    (
        "nesterov-for-plain",
        "a Nesterov step, where plain momentum is asked for",
        {"direction": lambda at: at.look},
    ),
    (
        "plain-for-nesterov",
        "a step of plain momentum, where Nesterov's is asked for",
        {"direction": lambda at: at.buffer},
    ),
    (
        "nesterov-of-old-buffer",
        "a Nesterov step along gradient + momentum * buffer with the buffer from before",
        {"direction": lambda at: at.g + at.momentum * at.old},
    ),
    (
        "nesterov-without-gradient",
        "a step along momentum * buffer, without the gradient",
        {"direction": lambda at: at.momentum * at.buffer},
    ),
    (
        "nesterov-of-buffer",
        "a step along buffer + momentum * buffer",
        {"direction": lambda at: at.buffer + at.momentum * at.buffer},
    ),
    (
        "old-buffer",
        "a step along the buffer from before: it is updated too late",
        {"direction": lambda at: at.old},
    ),
    (
        "rate-in-buffer",
        "momentum * buffer + lr * gradient: the learning rate is inside the buffer",
        {
            "buffer": lambda at: at.momentum * at.old + at.rate * at.g,
            "look": lambda at: at.rate * at.g + at.momentum * at.buffer,
            "moved": lambda at: at.direction,
        },
    ),
    (
        "rate-in-buffer",
        "momentum * buffer - lr * gradient: the buffer holds the step itself",
        {
            "buffer": lambda at: at.momentum * at.old - at.rate * at.g,
            "look": lambda at: at.momentum * at.buffer - at.rate * at.g,
            "moved": lambda at: -at.direction,
        },
    ),
    (
        "rate-twice",
        "a step with the learning rate in it twice: inside the buffer and outside",
        {
            "buffer": lambda at: at.momentum * at.old + at.rate * at.g,
            "look": lambda at: at.rate * at.g + at.momentum * at.buffer,
        },
    ),
    (
        "decay-after-momentum",
        "a step with the weight decay added after the momentum",
        {
            "g": lambda at: at.gradient,
            "moved": lambda at: at.rate * (at.direction + at.decay * at.w),
        },
    ),
    (
        "decay-after-momentum",
        "a step with the weight decay added before the momentum and after it",
        {"moved": lambda at: at.rate * (at.direction + at.decay * at.w)},
    ),
)

_EPSILONS = _faults(
    (
        "eps-inside-root",
        "a step with eps inside the root: lr * m / sqrt(v + eps)",
        {"divisor": lambda at: (at.corrected_v + at.eps).sqrt()},
    ),
    (
        "eps-inside-root",
        "a step with eps inside the root, and before the bias correction",
        {"divisor": lambda at: ((at.v + at.eps) / at.c2).sqrt()},
    ),
    (
        "eps-before-correction",
        "a step with eps added before the bias correction: lr * sqrt(1 - beta2^t) / (1 - beta1^t) "
        "* m / (sqrt(v) + eps)",
        {"divisor": lambda at: (at.v.sqrt() + at.eps) / at.c2.sqrt()},
    ),
    ("eps-missing", "a step without eps", {"divisor": lambda at: at.root}),
    (
        "eps-as-floor",
        "a step with eps as the least divisor, not added to it",
        {"divisor": lambda at: at.root.maximum(Rounded(np.full(at.w.value.shape, at.eps)))},
    ),
)

_CORRECTIONS = _faults(
    (
        "no-bias-correction",
        "a step without the bias corrections",
        {"corrected_m": lambda at: at.m, "corrected_v": lambda at: at.v},
    ),
    (
        "no-bias-correction",
        "a step without the bias correction of the first moment",
        {"corrected_m": lambda at: at.m},
    ),
    (
        "no-bias-correction",
        "a step without the bias correction of the second moment",
        {"corrected_v": lambda at: at.v},
    ),
    (
        "step-count",
        "a step whose bias correction counts from 0",
        {"t": lambda at: at.given_step - 1},
    ),
    (
        "step-count",
        "a step whose bias correction is one ahead",
        {"t": lambda at: at.given_step + 1},
    ),
    (
        "step-count",
        "a step whose bias correction is that of the first step: the count never grows",
        {"t": lambda at: 1},
    ),
    (
        "correction-outside-root",
        "a step with sqrt(v) / (1 - beta2^t): the correction belongs inside the root",
        {"root": lambda at: at.v.sqrt() / at.c2},
    ),
    (
        "correction-by-product",
        "a step with the moments multiplied by their bias corrections, not divided",
        {
            "corrected_m": lambda at: at.m * at.c1,
            "corrected_v": lambda at: at.v * at.c2,
        },
    ),
    (
        "corrected-moment-kept",
        "the corrected first moment, kept for the moment itself",
        {
            "m": lambda at: (at.b1 * at.old_m + (1 - Rounded(at.b1)) * at.g) / at.c1,
            "corrected_m": lambda at: at.m,
        },
    ),
    (
        "corrected-moment-kept",
        "the corrected second moment, kept for the moment itself",
        {
            "v": lambda at: (at.b2 * at.old_v + (1 - Rounded(at.b2)) * at.g * at.g) / at.c2,
            "corrected_v": lambda at: at.v,
        },
    ),
)

_MOMENTS = _faults(
    (
        "betas-swapped",
        "the moments with their betas exchanged",
        {"b1": lambda at: at.given_b2, "b2": lambda at: at.given_b1},
    ),
    (
        "second-moment-of-abs",
        "beta2 * v + (1 - beta2) * |gradient|: not squared",
        {"v": lambda at: at.b2 * at.old_v + (1 - Rounded(at.b2)) * at.g.abs()},
    ),
    (
        "second-moment-of-gradient",
        "beta2 * v + (1 - beta2) * gradient: not squared",
        {"v": lambda at: at.b2 * at.old_v + (1 - Rounded(at.b2)) * at.g},
    ),
    ("root-missing", "a step with v for its root", {"root": lambda at: at.corrected_v}),
    (
        "second-moment-of-first",
        "beta2 * v + (1 - beta2) * m^2: of the moment, not of the gradient",
        {"v": lambda at: at.b2 * at.old_v + (1 - Rounded(at.b2)) * at.m * at.m},
    ),
    (
        "first-moment-for-second",
        "a step divided by the root of the first moment",
        {"root": lambda at: at.corrected_m.sqrt()},
    ),
    (
        "first-moment-for-second",
        "a step divided by the size of the first moment",
        {"root": lambda at: at.corrected_m.abs()},
    ),
    (
        "no-first-moment",
        "a step along the gradient, not its running mean: RMSProp",
        {"direction": lambda at: at.g / at.divisor},
    ),
    (
        "no-first-moment",
        "a step along the gradient, not its running mean, without bias correction: RMSProp",
        {"direction": lambda at: at.g / (at.v.sqrt() + at.eps)},
    ),
    (
        "no-second-moment",
        "a step along the running mean, not divided by the root of the squares'",
        {"direction": lambda at: at.corrected_m},
    ),
    (
        "amsgrad",
        "a step divided by the greatest second moment so far: AMSGrad",
        {"corrected_v": lambda at: at.v.maximum(at.old_v) / at.c2},
    ),
    (
        "amsgrad",
        "the greatest second moment so far: AMSGrad",
        {"v": lambda at: (_ADAM["v"](at)).maximum(at.old_v)},
    ),
    (
        "moment-not-scaled",
        "beta1 * m + gradient: not scaled by 1 - beta1",
        {"m": lambda at: at.b1 * at.old_m + at.g},
    ),
    (
        "moment-not-scaled",
        "beta2 * v + gradient^2: not scaled by 1 - beta2",
        {"v": lambda at: at.b2 * at.old_v + at.g * at.g},
    ),
    (
        "moment-not-faded",
        "v + gradient^2: AdaGrad's sum, not a running mean",
        {"v": lambda at: at.old_v + at.g * at.g},
    ),
    (
        "moment-turned-round",
        "(1 - beta1) * m + beta1 * gradient: the running mean the other way round",
        {"m": lambda at: (1 - Rounded(at.b1)) * at.old_m + at.b1 * at.g},
    ),
    (
        "moment-turned-round",
        "(1 - beta2) * v + beta2 * gradient^2: the running mean the other way round",
        {"v": lambda at: (1 - Rounded(at.b2)) * at.old_v + at.b2 * at.g * at.g},
    ),
    ("moment-reset", "the gradient alone: m is reset in each step", {"m": lambda at: at.g}),
    (
        "moment-reset",
        "(1 - beta1) * gradient: m is reset in each step",
        {"m": lambda at: (1 - Rounded(at.b1)) * at.g},
    ),
    (
        "moment-reset",
        "(1 - beta2) * gradient^2: v is reset in each step",
        {"v": lambda at: (1 - Rounded(at.b2)) * at.g * at.g},
    ),
    ("old-moment", "m from before: it is updated too late", {"m": lambda at: at.old_m}),
    ("old-moment", "v from before: it is updated too late", {"v": lambda at: at.old_v}),
    (
        "decay-missing",
        "a running mean of the gradient without the weight decay",
        {"m": lambda at: at.b1 * at.old_m + (1 - Rounded(at.b1)) * at.gradient},
    ),
    (
        "decay-missing",
        "a running mean of the squared gradient without the weight decay",
        {"v": lambda at: at.b2 * at.old_v + (1 - Rounded(at.b2)) * at.gradient * at.gradient},
    ),
)

_ADAM_FAULTS = [*_RATES, *_DECAYS, *_EPSILONS, *_CORRECTIONS, *_MOMENTS]
_SGD_FAULTS = [*_RATES, *_DECAYS, *_MOMENTA]

RULES = {
    "sgd": Rule(
        _sgd_given,
        _SGD,
        {"": "weights", "momentum_buffer": "buffer"},
        _SGD_FAULTS,
        [one.beside(other) for one in _MOMENTA for other in [*_RATES, *_DECAYS]],
    ),
    "adam": Rule(
        _adam_given,
        _ADAM,
        {"": "weights", "exp_avg": "m", "exp_avg_sq": "v"},
        _ADAM_FAULTS,
        [
            one.beside(other)
            for one in [*_EPSILONS, *_CORRECTIONS, *_MOMENTS]
            for other in [*_EPSILONS, *_CORRECTIONS, *_DECAYS]
            if not one.steps.keys() & other.steps.keys()
        ],
    ),
}
