"""Stochastic gradient descent: its budget, and the faults of momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.compare.fault import UpdateSituation
from cnnspec.compare.formulas import Formula, beside
from cnnspec.compare.kinds import update
from cnnspec.compare.kinds.kind import Term, Terms
from cnnspec.compare.kinds.optimizer import OptimizerKind
from cnnspec.compare.kinds.update import STEP, decays, given_of, given_terms, rates
from cnnspec.numerics import Arithmetic, Exact, gamma, unless_too_large
from cnnspec.numerics.formula import Steps
from cnnspec.spec.optimizers import SGD


def _given(situation: UpdateSituation, arithmetic: Arithmetic) -> dict[str, Any]:
    options = situation.options
    assert isinstance(options, SGD)
    old = situation.slots.get("momentum_buffer", np.zeros_like(situation.weights))
    return given_of(situation, arithmetic) | {
        "old": arithmetic.ball(old),
        "momentum": arithmetic.constant(options.momentum),
        "nesterov": options.nesterov,
    }


STEPS: Steps = {
    **STEP,
    "buffer": lambda at: at.momentum * at.old + at.g,
    "look": lambda at: at.g + at.momentum * at.buffer,
    "direction": lambda at: at.look if at.nesterov else at.buffer,
}

RULE = Formula(_given, STEPS, {"": "weights", "momentum_buffer": "buffer"})

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
}

COMMON = [*rates(fault), *decays(fault)]


class SGDKind(OptimizerKind):
    """Plain, with a momentum, or with Nesterov's."""

    faults = (*COMMON, *MOMENTA, *(beside(one, other) for one in MOMENTA for other in COMMON))
    help = HELP

    def budgets(
        self, given: UpdateSituation, precision: str, gradient_error: Exact | float = 0.0
    ) -> dict[str, Exact]:
        """Bound the errors of one step; keys `` (the weights) and `momentum_buffer`.

        A constant costs a rounding, and so does each product and sum: 3 up to g + decay w,
        2 more to the buffer, 3 more to a Nesterov direction, 3 more to the new weights. What the
        gradient itself is off by goes into the buffer once, and once or 1 + momentum times into the
        direction.
        """
        options, weights, gradient = given.options, given.weights, given.gradient
        assert isinstance(options, SGD)
        tiny = float(np.finfo(precision).tiny)
        direction = np.abs(gradient) + gradient_error + options.weight_decay * np.abs(weights)
        error, budgets = gradient_error, {}
        if options.momentum:
            buffer = options.momentum * np.abs(given.slots["momentum_buffer"]) + direction
            bound = gamma(5, precision) * buffer + 5 * tiny + gradient_error
            budgets["momentum_buffer"] = unless_too_large(bound, buffer, precision)
            if options.nesterov:
                direction = direction + options.momentum * buffer
                error = (1 + options.momentum) * gradient_error
            else:
                direction = buffer
        size = np.abs(weights) + given.learning_rate * direction
        bound = gamma(11, precision) * size + 11 * tiny + given.learning_rate * error
        budgets[""] = unless_too_large(bound, np.maximum(size, direction), precision)
        return budgets

    def terms(
        self, given: UpdateSituation, precision: str, quantity: str, position: tuple[int, ...]
    ) -> Terms:
        k = 5 if quantity else 11
        return Terms(
            (
                *given_terms(given, position),
                Term("k", k, "roundings, each constant, product and sum being one"),
            ),
            "gamma_k of the magnitudes of what is added up, for each side",
        )
