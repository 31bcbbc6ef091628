"""The closed list of faults of an optimizer, as steps of its rule that they replace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnspec.compare.causes.cause import UpdateSituation
from cnnspec.compare.causes.formulas import Fault, Step, Steps
from cnnspec.compare.causes.rounded import Rounded, power
from cnnspec.spec.optimizers import SGD, Adam


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
        "the step goes uphill: the sign is turned round",
        _step(lambda at: -at.rate * at.direction),
    ),
    ("rate-missing", "the learning rate is left out of the step", _step(lambda at: at.direction)),
    (
        "rate-twice",
        "the learning rate is in the step twice",
        _step(lambda at: at.rate * at.rate * at.direction),
    ),
    ("scale", "the step is twice the expected one", _step(lambda at: 2 * at.rate * at.direction)),
    ("scale", "the step is half the expected one", _step(lambda at: at.rate / 2 * at.direction)),
    ("not-updated", "the weights are never updated", {"weights": lambda at: at.w}),
    (
        "weights-replaced",
        "the step replaces the weights; it is to be added to them",
        {"weights": lambda at: -at.moved},
    ),
    (
        "sign-of-gradient",
        "the step goes along the sign of the direction alone",
        _step(lambda at: at.rate * at.direction.sign()),
    ),
)

_DECOUPLED: Steps = {
    "g": lambda at: at.gradient,
    "weights": lambda at: at.w - at.rate * at.decay * at.w - at.moved,
}

_DECAYS = _faults(
    ("decay-missing", "the weight decay is left out", {"g": lambda at: at.gradient}),
    (
        "decay-decoupled",
        "the weight decay is decoupled: w - lr * decay * w; it belongs into the gradient",
        _DECOUPLED,
    ),
    (
        "decay-decoupled",
        "the weight decay is decoupled, and taken of the new weights; it belongs into the gradient",
        {
            "g": lambda at: at.gradient,
            "weights": lambda at: (at.w - at.moved) * (1 - Rounded(at.rate * at.decay)),
        },
    ),
    (
        "decay-not-scaled",
        "the weight decay is decoupled, and not scaled by the learning rate; it belongs into "
        "the gradient",
        {
            "g": lambda at: at.gradient,
            "weights": lambda at: at.w - at.decay * at.w - at.moved,
        },
    ),
    (
        "decay-sign",
        "the weight decay is subtracted from the gradient; it is to be added",
        {"g": lambda at: at.gradient - at.decay * at.w},
    ),
    (
        "decay-sign",
        "the weight decay is decoupled, and has the wrong sign; it belongs into the gradient",
        {
            "g": lambda at: at.gradient,
            "weights": lambda at: at.w + at.rate * at.decay * at.w - at.moved,
        },
    ),
    (
        "decay-twice",
        "the weight decay is twice what it should be: it is added two times, or is the "
        "gradient of decay * w^2",
        {"g": lambda at: at.gradient + 2 * at.decay * at.w},
    ),
    (
        "decay-half",
        "the weight decay is half of what it should be",
        {"g": lambda at: at.gradient + at.decay / 2 * at.w},
    ),
    (
        "decay-by-rate",
        "lr * decay * w is added to the gradient: the weight decay is scaled by the learning "
        "rate twice",
        {"g": lambda at: at.gradient + at.rate * at.decay * at.w},
    ),
    (
        "decay-both",
        "the weight decay is both in the gradient and decoupled; it belongs into the gradient "
        "alone",
        {"weights": lambda at: at.w - at.rate * at.decay * at.w - at.moved},
    ),
    (
        "decay-l1",
        "decay * sign(w) is added to the gradient, as by an L1 penalty; decay * w is wanted",
        {"g": lambda at: at.gradient + at.decay * at.w.sign()},
    ),
    (
        "decay-of-gradient",
        "decay times the gradient is added to the gradient; decay * w is wanted",
        {"g": lambda at: at.gradient + at.decay * at.gradient},
    ),
)

_MOMENTA = _faults(
    (
        "momentum-ignored",
        "the momentum is never used: the step is lr * gradient",
        {"direction": lambda at: at.g, "buffer": lambda at: at.old},
    ),
    (
        "buffer-reset",
        "the buffer is reset in each step: it holds the gradient alone",
        {"buffer": lambda at: at.g},
    ),
    (
        "dampening",
        "the gradient is dampened: momentum * buffer + (1 - momentum) * gradient",
        {"buffer": lambda at: at.momentum * at.old + (1 - Rounded(at.momentum)) * at.g},
    ),
    (
        "momentum-turned-round",
        "the momentum is used the other way round: (1 - momentum) * buffer + momentum * gradient",
        {"buffer": lambda at: (1 - Rounded(at.momentum)) * at.old + at.momentum * at.g},
    ),
    (
        "momentum-turned-round",
        "the momentum is used the other way round: (1 - momentum) * buffer + gradient",
        {"buffer": lambda at: (1 - Rounded(at.momentum)) * at.old + at.g},
    ),
    (
        "momentum-missing",
        "nothing of the buffer fades: buffer + gradient",
        {"buffer": lambda at: at.old + at.g},
    ),
    (
        "momentum-of-both",
        "the momentum is applied to the gradient, too: momentum * (buffer + gradient)",
        {"buffer": lambda at: at.momentum * (at.old + at.g)},
    ),
    (
        "nesterov-for-plain",
        "the step is a Nesterov step; plain momentum is asked for",
        {"direction": lambda at: at.look},
    ),
    (
        "plain-for-nesterov",
        "the step is one of plain momentum; Nesterov's is asked for",
        {"direction": lambda at: at.buffer},
    ),
    (
        "nesterov-of-old-buffer",
        "the Nesterov step takes the buffer from before its update",
        {"direction": lambda at: at.g + at.momentum * at.old},
    ),
    (
        "nesterov-without-gradient",
        "the step goes along momentum * buffer: the gradient is left out",
        {"direction": lambda at: at.momentum * at.buffer},
    ),
    (
        "nesterov-of-buffer",
        "the step goes along buffer + momentum * buffer; gradient + momentum * buffer is wanted",
        {"direction": lambda at: at.buffer + at.momentum * at.buffer},
    ),
    (
        "old-buffer",
        "the step goes along the buffer from before: the buffer is updated too late",
        {"direction": lambda at: at.old},
    ),
    (
        "rate-in-buffer",
        "the learning rate is inside the buffer: momentum * buffer + lr * gradient",
        {
            "buffer": lambda at: at.momentum * at.old + at.rate * at.g,
            "look": lambda at: at.rate * at.g + at.momentum * at.buffer,
            "moved": lambda at: at.direction,
        },
    ),
    (
        "rate-in-buffer",
        "the buffer holds the step itself: momentum * buffer - lr * gradient",
        {
            "buffer": lambda at: at.momentum * at.old - at.rate * at.g,
            "look": lambda at: at.momentum * at.buffer - at.rate * at.g,
            "moved": lambda at: -at.direction,
        },
    ),
    (
        "rate-twice",
        "the learning rate is in the step twice: inside the buffer and outside",
        {
            "buffer": lambda at: at.momentum * at.old + at.rate * at.g,
            "look": lambda at: at.rate * at.g + at.momentum * at.buffer,
        },
    ),
    (
        "decay-after-momentum",
        "the weight decay is added after the momentum; it belongs into the gradient, before it",
        {
            "g": lambda at: at.gradient,
            "moved": lambda at: at.rate * (at.direction + at.decay * at.w),
        },
    ),
    (
        "decay-after-momentum",
        "the weight decay is added before the momentum and after it; it belongs before it alone",
        {"moved": lambda at: at.rate * (at.direction + at.decay * at.w)},
    ),
)

_EPSILONS = _faults(
    (
        "eps-inside-root",
        "eps is added inside the root: lr * m / sqrt(v + eps); it belongs outside",
        {"divisor": lambda at: (at.corrected_v + at.eps).sqrt()},
    ),
    (
        "eps-inside-root",
        "eps is added inside the root, and before the bias correction; it belongs outside",
        {"divisor": lambda at: ((at.v + at.eps) / at.c2).sqrt()},
    ),
    (
        "eps-before-correction",
        "eps is added before the bias correction: lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m "
        "/ (sqrt(v) + eps)",
        {"divisor": lambda at: (at.v.sqrt() + at.eps) / at.c2.sqrt()},
    ),
    ("eps-missing", "eps is left out", {"divisor": lambda at: at.root}),
    (
        "eps-as-floor",
        "eps is taken for the least divisor; it is to be added to it",
        {"divisor": lambda at: at.root.maximum(Rounded(np.full(at.w.value.shape, at.eps)))},
    ),
)

_CORRECTIONS = _faults(
    (
        "no-bias-correction",
        "the bias corrections are left out",
        {"corrected_m": lambda at: at.m, "corrected_v": lambda at: at.v},
    ),
    (
        "no-bias-correction",
        "the bias correction of the first moment is left out",
        {"corrected_m": lambda at: at.m},
    ),
    (
        "no-bias-correction",
        "the bias correction of the second moment is left out",
        {"corrected_v": lambda at: at.v},
    ),
    (
        "step-count",
        "the bias correction counts steps from 0; the first step is 1",
        {"t": lambda at: at.given_step - 1},
    ),
    (
        "step-count",
        "the bias correction counts one step ahead",
        {"t": lambda at: at.given_step + 1},
    ),
    (
        "step-count",
        "the bias correction is always that of the first step: the count never grows",
        {"t": lambda at: 1},
    ),
    (
        "correction-outside-root",
        "the bias correction is applied to sqrt(v); it belongs inside the root",
        {"root": lambda at: at.v.sqrt() / at.c2},
    ),
    (
        "correction-by-product",
        "the moments are multiplied by their bias corrections; they are to be divided",
        {
            "corrected_m": lambda at: at.m * at.c1,
            "corrected_v": lambda at: at.v * at.c2,
        },
    ),
    (
        "corrected-moment-kept",
        "the corrected first moment is kept; the moment itself is to be kept",
        {
            "m": lambda at: (at.b1 * at.old_m + (1 - Rounded(at.b1)) * at.g) / at.c1,
            "corrected_m": lambda at: at.m,
        },
    ),
    (
        "corrected-moment-kept",
        "the corrected second moment is kept; the moment itself is to be kept",
        {
            "v": lambda at: (at.b2 * at.old_v + (1 - Rounded(at.b2)) * at.g * at.g) / at.c2,
            "corrected_v": lambda at: at.v,
        },
    ),
)

_MOMENTS = _faults(
    (
        "betas-swapped",
        "the betas of the two moments are exchanged",
        {"b1": lambda at: at.given_b2, "b2": lambda at: at.given_b1},
    ),
    (
        "second-moment-of-abs",
        "the gradient is not squared: beta2 * v + (1 - beta2) * |gradient|",
        {"v": lambda at: at.b2 * at.old_v + (1 - Rounded(at.b2)) * at.g.abs()},
    ),
    (
        "second-moment-of-gradient",
        "the gradient is not squared: beta2 * v + (1 - beta2) * gradient",
        {"v": lambda at: at.b2 * at.old_v + (1 - Rounded(at.b2)) * at.g},
    ),
    (
        "root-missing",
        "the step is divided by v; its root is wanted",
        {"root": lambda at: at.corrected_v},
    ),
    (
        "second-moment-of-first",
        "the second moment is that of the first moment: beta2 * v + (1 - beta2) * m^2; that "
        "of the gradient is wanted",
        {"v": lambda at: at.b2 * at.old_v + (1 - Rounded(at.b2)) * at.m * at.m},
    ),
    (
        "first-moment-for-second",
        "the step is divided by the root of the first moment; that of the second is wanted",
        {"root": lambda at: at.corrected_m.sqrt()},
    ),
    (
        "first-moment-for-second",
        "the step is divided by the size of the first moment; the root of the second is wanted",
        {"root": lambda at: at.corrected_m.abs()},
    ),
    (
        "no-first-moment",
        "the step goes along the gradient, as RMSProp's does; its running mean is wanted",
        {"direction": lambda at: at.g / at.divisor},
    ),
    (
        "no-first-moment",
        "the step goes along the gradient, without bias correction, as RMSProp's does; its "
        "running mean is wanted",
        {"direction": lambda at: at.g / (at.v.sqrt() + at.eps)},
    ),
    (
        "no-second-moment",
        "the step is not divided by the root of the second moment",
        {"direction": lambda at: at.corrected_m},
    ),
    (
        "amsgrad",
        "the step is divided by the greatest second moment so far, as AMSGrad's is",
        {"corrected_v": lambda at: at.v.maximum(at.old_v) / at.c2},
    ),
    (
        "amsgrad",
        "the greatest second moment so far is kept, as by AMSGrad",
        {"v": lambda at: (_ADAM["v"](at)).maximum(at.old_v)},
    ),
    (
        "moment-not-scaled",
        "the gradient is not scaled by 1 - beta1: beta1 * m + gradient",
        {"m": lambda at: at.b1 * at.old_m + at.g},
    ),
    (
        "moment-not-scaled",
        "the squared gradient is not scaled by 1 - beta2: beta2 * v + gradient^2",
        {"v": lambda at: at.b2 * at.old_v + at.g * at.g},
    ),
    (
        "moment-not-faded",
        "the second moment is AdaGrad's sum, v + gradient^2; a running mean is wanted",
        {"v": lambda at: at.old_v + at.g * at.g},
    ),
    (
        "moment-turned-round",
        "beta1 is used the other way round: (1 - beta1) * m + beta1 * gradient",
        {"m": lambda at: (1 - Rounded(at.b1)) * at.old_m + at.b1 * at.g},
    ),
    (
        "moment-turned-round",
        "beta2 is used the other way round: (1 - beta2) * v + beta2 * gradient^2",
        {"v": lambda at: (1 - Rounded(at.b2)) * at.old_v + at.b2 * at.g * at.g},
    ),
    (
        "moment-reset",
        "m is reset in each step: it holds the gradient alone",
        {"m": lambda at: at.g},
    ),
    (
        "moment-reset",
        "m is reset in each step: (1 - beta1) * gradient",
        {"m": lambda at: (1 - Rounded(at.b1)) * at.g},
    ),
    (
        "moment-reset",
        "v is reset in each step: (1 - beta2) * gradient^2",
        {"v": lambda at: (1 - Rounded(at.b2)) * at.g * at.g},
    ),
    (
        "old-moment",
        "m is that of the step before: it is updated too late",
        {"m": lambda at: at.old_m},
    ),
    (
        "old-moment",
        "v is that of the step before: it is updated too late",
        {"v": lambda at: at.old_v},
    ),
    (
        "decay-missing",
        "the weight decay is left out of the first moment",
        {"m": lambda at: at.b1 * at.old_m + (1 - Rounded(at.b1)) * at.gradient},
    ),
    (
        "decay-missing",
        "the weight decay is left out of the second moment",
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
