"""What the referee knows of stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnspec.compare.faults.fault import UpdateSituation
from cnnspec.compare.faults.formula import Formula, beside
from cnnspec.compare.kinds import update
from cnnspec.compare.kinds.optimizer import OptimizerKind
from cnnspec.compare.kinds.update import MOVE, decays, given_of, rates
from cnnspec.numerics import Arithmetic, Ball, either
from cnnspec.numerics.formula import Steps
from cnnspec.spec.optimizers import SGD


def _given(situation: UpdateSituation, arithmetic: Arithmetic) -> dict[str, Any]:
    options = situation.options
    assert isinstance(options, SGD)
    old = situation.slots.get("momentum_buffer", np.zeros_like(situation.weights))
    return given_of(situation, arithmetic) | {
        "old": arithmetic.rounded(old),
        "momentum": arithmetic.rounded(options.momentum),
        "given_momentum": options.momentum,
        "nesterov": options.nesterov,
    }


PLAIN: list[Callable[..., Ball]] = [
    lambda w, moved, rate, decay, gradient: w - moved,
    lambda w, moved, rate, decay, gradient: w * (1 - rate * decay) - rate * gradient,
]
"""Without a momentum, the weight decay may be taken off the weights first."""

STEPS: Steps = {
    **MOVE,
    "buffer": lambda at: at.momentum * at.old + at.g,
    "look": lambda at: at.g + at.momentum * at.buffer,
    "direction": lambda at: at.look if at.nesterov else at.buffer,
    "weights": lambda at: (
        MOVE["weights"](at)
        if at.given_momentum
        else either(PLAIN, at.w, at.moved, at.rate, at.decay, at.gradient)
    ),
}

SHOWN = {
    "g": "the gradient with the weight decay",
    "buffer": "the momentum buffer",
    "moved": "the size of the step",
    "weights": "the weight after",
}

RULE = Formula(
    _given,
    STEPS,
    {"": "weights", "momentum_buffer": "buffer"},
)

fault = RULE.spoiling()

MOMENTA = [
    fault(
        "momentum-ignored",
        "the momentum is never used: the step is lr * gradient",
        {"direction": lambda at: at.g, "buffer": lambda at: at.old},
    ),
    fault(
        "buffer-reset",
        "the buffer is reset in each step: it holds the gradient alone",
        {"buffer": lambda at: at.g},
    ),
    fault(
        "dampening",
        "the gradient is dampened: momentum * buffer + (1 - momentum) * gradient",
        {"buffer": lambda at: at.momentum * at.old + (1 - at.momentum) * at.g},
    ),
    fault(
        "momentum-turned-round",
        "the momentum is used the other way round: (1 - momentum) * buffer + momentum * gradient",
        {"buffer": lambda at: (1 - at.momentum) * at.old + at.momentum * at.g},
    ),
    fault(
        "momentum-turned-round",
        "the momentum is used the other way round: (1 - momentum) * buffer + gradient",
        {"buffer": lambda at: (1 - at.momentum) * at.old + at.g},
    ),
    fault(
        "momentum-missing",
        "nothing of the buffer fades: buffer + gradient",
        {"buffer": lambda at: at.old + at.g},
    ),
    fault(
        "momentum-of-both",
        "the momentum is applied to the gradient, too: momentum * (buffer + gradient)",
        {"buffer": lambda at: at.momentum * (at.old + at.g)},
    ),
    fault(
        "nesterov-for-plain",
        "the step is a Nesterov step; plain momentum is asked for",
        {"direction": lambda at: at.look},
    ),
    fault(
        "plain-for-nesterov",
        "the step is one of plain momentum; Nesterov's is asked for",
        {"direction": lambda at: at.buffer},
    ),
    fault(
        "nesterov-of-old-buffer",
        "the Nesterov step takes the buffer from before its update",
        {"direction": lambda at: at.g + at.momentum * at.old},
    ),
    fault(
        "nesterov-without-gradient",
        "the step goes along momentum * buffer: the gradient is left out",
        {"direction": lambda at: at.momentum * at.buffer},
    ),
    fault(
        "nesterov-of-buffer",
        "the step goes along buffer + momentum * buffer; gradient + momentum * buffer is wanted",
        {"direction": lambda at: at.buffer + at.momentum * at.buffer},
    ),
    fault(
        "old-buffer",
        "the step goes along the buffer from before: the buffer is updated too late",
        {"direction": lambda at: at.old},
    ),
    fault(
        "rate-in-buffer",
        "the learning rate is inside the buffer: momentum * buffer + lr * gradient",
        {
            "buffer": lambda at: at.momentum * at.old + at.rate * at.g,
            "look": lambda at: at.rate * at.g + at.momentum * at.buffer,
            "moved": lambda at: at.direction,
        },
    ),
    fault(
        "rate-in-buffer",
        "the buffer holds the step itself: momentum * buffer - lr * gradient",
        {
            "buffer": lambda at: at.momentum * at.old - at.rate * at.g,
            "look": lambda at: at.momentum * at.buffer - at.rate * at.g,
            "moved": lambda at: -at.direction,
        },
    ),
    fault(
        "rate-twice",
        "the learning rate is in the step twice: inside the buffer and outside",
        {
            "buffer": lambda at: at.momentum * at.old + at.rate * at.g,
            "look": lambda at: at.rate * at.g + at.momentum * at.buffer,
        },
    ),
    fault(
        "decay-after-momentum",
        "the weight decay is added after the momentum; it belongs into the gradient, before it",
        {
            "g": lambda at: at.gradient,
            "moved": lambda at: at.rate * (at.direction + at.decay * at.w),
        },
    ),
    fault(
        "decay-after-momentum",
        "the weight decay is added before the momentum and after it; it belongs before it alone",
        {"moved": lambda at: at.rate * (at.direction + at.decay * at.w)},
    ),
]

HELP = update.HELP | {
    "momentum-ignored": "keep a buffer: momentum * buffer + gradient",
    "dampening": "add the gradient whole: momentum * buffer + gradient",
    "buffer-reset": "keep the buffer from step to step: momentum * buffer + gradient",
    "momentum-turned-round": "write momentum * buffer + gradient",
    "momentum-missing": "write momentum * buffer + gradient",
    "momentum-of-both": "write momentum * buffer + gradient",
    "nesterov-for-plain": "step along the buffer",
    "plain-for-nesterov": "step along gradient + momentum * buffer",
    "nesterov-of-old-buffer": "update the buffer, then step along gradient + momentum * buffer",
    "nesterov-without-gradient": "step along gradient + momentum * buffer",
    "nesterov-of-buffer": "step along gradient + momentum * buffer",
    "old-buffer": "update the buffer before the step",
    "rate-in-buffer": "multiply by the learning rate outside the buffer",
    "decay-after-momentum": "add weight_decay * w before the momentum alone",
}

COMMON = [*rates(fault), *decays(fault)]


class SGDKind(OptimizerKind):
    """Plain, with a momentum, or with Nesterov's."""

    rule = RULE
    faults = (*COMMON, *MOMENTA, *(beside(one, other) for one in MOMENTA for other in COMMON))
    help = HELP
    shown = SHOWN
    before = {"weights": "w", "buffer": "old"}  # noqa: RUF012
    settings = {  # noqa: RUF012
        "plain": SGD(learning_rate=0.07),
        "momentum": SGD(learning_rate=0.07, momentum=0.9),
        "nesterov": SGD(learning_rate=0.07, momentum=0.9, nesterov=True),
        "weight decay": SGD(learning_rate=0.07, weight_decay=0.2),
        "momentum and weight decay": SGD(learning_rate=0.07, momentum=0.8, weight_decay=0.2),
    }
    built_in = {  # noqa: RUF012
        "learning_rate": (0.01, 0.001, 0.1),
        "momentum": (0.0, 0.9, 0.5, 0.99),
        "nesterov": (False, True),
        "weight_decay": (0.0,),
    }
