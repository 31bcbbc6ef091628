"""What the rules of all optimizers have in common, and the mistakes that people make in that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnspec.compare.faults.fault import Fault, UpdateSituation
from cnnspec.numerics import Arithmetic
from cnnspec.numerics.formula import Step, Steps

Make = Callable[[str, str, Steps], Fault[UpdateSituation]]
"""What makes a fault of a code, a sentence and steps."""


def given_of(situation: UpdateSituation, arithmetic: Arithmetic) -> dict[str, Any]:
    """Return what every rule is given."""
    return {
        "w": arithmetic.rounded(situation.weights),
        "gradient": arithmetic.rounded(situation.gradient),
        "rate": arithmetic.rounded(situation.learning_rate),
        "decay": arithmetic.rounded(situation.options.weight_decay),
    }


MOVE: Steps = {
    "g": lambda at: at.gradient + at.decay * at.w,
    "moved": lambda at: at.rate * at.direction,
    "weights": lambda at: at.w - at.moved,
}
"""From a `direction`, and a gradient with the weight decay in it, to the new weights."""


def _step(of: Step) -> Steps:
    return {"moved": of}


def rates(fault: Make) -> list[Fault[UpdateSituation]]:
    """Return the faults of the step that is taken along a direction."""
    return [
        fault(
            "ascent",
            "the step goes uphill: the sign is turned round",
            _step(lambda at: -at.rate * at.direction),
        ),
        fault(
            "rate-missing",
            "the learning rate is left out of the step",
            _step(lambda at: at.direction),
        ),
        fault(
            "rate-twice",
            "the learning rate is in the step twice",
            _step(lambda at: at.rate * at.rate * at.direction),
        ),
        fault(
            "scale",
            "the step is twice the expected one",
            _step(lambda at: 2 * at.rate * at.direction),
        ),
        fault(
            "scale",
            "the step is half the expected one",
            _step(lambda at: at.rate / 2 * at.direction),
        ),
        fault("not-updated", "the weights are never updated", {"weights": lambda at: at.w}),
        fault(
            "weights-replaced",
            "the step replaces the weights; it is to be added to them",
            {"weights": lambda at: -at.moved},
        ),
        fault(
            "sign-of-gradient",
            "the step goes along the sign of the direction alone",
            _step(lambda at: at.rate * at.direction.sign()),
        ),
    ]


_DECOUPLED: Steps = {
    "g": lambda at: at.gradient,
    "weights": lambda at: at.w - at.rate * at.decay * at.w - at.moved,
}


def decays(fault: Make) -> list[Fault[UpdateSituation]]:
    """Return the faults of the weight decay."""
    return [
        fault("decay-missing", "the weight decay is left out", {"g": lambda at: at.gradient}),
        fault(
            "decay-decoupled",
            "the weight decay is decoupled: w - lr * decay * w; it belongs into the gradient",
            _DECOUPLED,
        ),
        fault(
            "decay-decoupled",
            "the weight decay is decoupled, and taken of the new weights; it belongs into the "
            "gradient",
            {
                "g": lambda at: at.gradient,
                "weights": lambda at: (at.w - at.moved) * (1 - at.rate * at.decay),
            },
        ),
        fault(
            "decay-not-scaled",
            "the weight decay is decoupled, and not scaled by the learning rate; it belongs into "
            "the gradient",
            {
                "g": lambda at: at.gradient,
                "weights": lambda at: at.w - at.decay * at.w - at.moved,
            },
        ),
        fault(
            "decay-sign",
            "the weight decay is subtracted from the gradient; it is to be added",
            {"g": lambda at: at.gradient - at.decay * at.w},
        ),
        fault(
            "decay-sign",
            "the weight decay is decoupled, and has the wrong sign; it belongs into the gradient",
            {
                "g": lambda at: at.gradient,
                "weights": lambda at: at.w + at.rate * at.decay * at.w - at.moved,
            },
        ),
        fault(
            "decay-twice",
            "the weight decay is twice what it should be: it is added two times, or is the "
            "gradient of decay * w^2",
            {"g": lambda at: at.gradient + 2 * at.decay * at.w},
        ),
        fault(
            "decay-half",
            "the weight decay is half of what it should be",
            {"g": lambda at: at.gradient + at.decay / 2 * at.w},
        ),
        fault(
            "decay-by-rate",
            "lr * decay * w is added to the gradient: the weight decay is scaled by the learning "
            "rate twice",
            {"g": lambda at: at.gradient + at.rate * at.decay * at.w},
        ),
        fault(
            "decay-both",
            "the weight decay is both in the gradient and decoupled; it belongs into the gradient "
            "alone",
            {"weights": lambda at: at.w - at.rate * at.decay * at.w - at.moved},
        ),
        fault(
            "decay-l1",
            "decay * sign(w) is added to the gradient, as by an L1 penalty; decay * w is wanted",
            {"g": lambda at: at.gradient + at.decay * at.w.sign()},
        ),
        fault(
            "decay-of-gradient",
            "decay times the gradient is added to the gradient; decay * w is wanted",
            {"g": lambda at: at.gradient + at.decay * at.gradient},
        ),
    ]


HELP = {
    "ascent": "subtract the step",
    "rate-missing": "multiply the step by the learning rate",
    "rate-twice": "multiply by the learning rate once",
    "decay-missing": "add weight_decay * w to the gradient",
    "decay-decoupled": "add weight_decay * w to the gradient; decoupled decay is another optimizer",
    "not-updated": "write the new weights into the parameters",
    "weights-replaced": "subtract the step from the weights",
    "sign-of-gradient": "step along the direction itself, not along its sign",
    "decay-both": "add weight_decay * w to the gradient, once, and nowhere else",
    "decay-twice": "add weight_decay * w to the gradient, once, and nowhere else",
    "decay-not-scaled": "add weight_decay * w to the gradient",
    "decay-sign": "add weight_decay * w to the gradient",
    "decay-half": "add weight_decay * w to the gradient",
    "decay-by-rate": "add weight_decay * w to the gradient",
    "decay-l1": "add weight_decay * w to the gradient",
    "decay-of-gradient": "add weight_decay * w to the gradient",
}
"""What to do about them."""
