"""The closed list of faults of Adam, as steps of its rule that they replace."""

from __future__ import annotations

from cnnspec.compare.faults.formula import beside, steps_of
from cnnspec.compare.kinds import update
from cnnspec.compare.kinds.adam.rule import RULE, STEPS
from cnnspec.compare.kinds.update import decays, rates
from cnnspec.numerics import maximum

fault = RULE.spoiling()

EPSILONS = [
    fault(
        "eps-inside-root",
        "eps is added inside the root: lr * m / sqrt(v + eps); it belongs outside",
        {"divisor": lambda at: (at.corrected_v + at.eps).sqrt()},
    ),
    fault(
        "eps-inside-root",
        "eps is added inside the root, and before the bias correction; it belongs outside",
        {"divisor": lambda at: ((at.v + at.eps) / at.c2).sqrt()},
    ),
    fault(
        "eps-before-correction",
        "eps is added before the bias correction: lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m "
        "/ (sqrt(v) + eps)",
        {"divisor": lambda at: (at.v.sqrt() + at.eps) / at.c2.sqrt()},
    ),
    fault("eps-missing", "eps is left out", {"divisor": lambda at: at.root}),
    fault(
        "eps-as-floor",
        "eps is taken for the least divisor; it is to be added to it",
        {"divisor": lambda at: maximum(at.root, at.eps)},
    ),
]

CORRECTIONS = [
    fault(
        "no-bias-correction",
        "the bias corrections are left out",
        {"corrected_m": lambda at: at.m, "corrected_v": lambda at: at.v},
    ),
    fault(
        "no-bias-correction",
        "the bias correction of the first moment is left out",
        {"corrected_m": lambda at: at.m},
    ),
    fault(
        "no-bias-correction",
        "the bias correction of the second moment is left out",
        {"corrected_v": lambda at: at.v},
    ),
    RULE.spoiling(overflows=True)(
        "step-count",
        "the bias correction counts steps from 0; the first step is 1",
        {"t": lambda at: at.given_step - 1},
    ),
    fault(
        "step-count",
        "the bias correction counts one step ahead",
        {"t": lambda at: at.given_step + 1},
    ),
    fault(
        "step-count",
        "the bias correction is always that of the first step: the count never grows",
        {"t": lambda at: 1},
    ),
    fault(
        "correction-outside-root",
        "the bias correction is applied to sqrt(v); it belongs inside the root",
        {"root": lambda at: at.v.sqrt() / at.c2},
    ),
    fault(
        "correction-by-product",
        "the moments are multiplied by their bias corrections; they are to be divided",
        {
            "corrected_m": lambda at: at.m * at.c1,
            "corrected_v": lambda at: at.v * at.c2,
        },
    ),
    fault(
        "corrected-moment-kept",
        "the corrected first moment is kept; the moment itself is to be kept",
        {
            "m": lambda at: (at.b1 * at.old_m + (1 - at.b1) * at.g) / at.c1,
            "corrected_m": lambda at: at.m,
        },
    ),
    fault(
        "corrected-moment-kept",
        "the corrected second moment is kept; the moment itself is to be kept",
        {
            "v": lambda at: (at.b2 * at.old_v + (1 - at.b2) * at.g * at.g) / at.c2,
            "corrected_v": lambda at: at.v,
        },
    ),
]

MOMENTS = [
    fault(
        "betas-swapped",
        "the betas of the two moments are exchanged",
        {"beta1": lambda at: at.given_b2, "beta2": lambda at: at.given_b1},
    ),
    fault(
        "second-moment-of-abs",
        "the gradient is not squared: beta2 * v + (1 - beta2) * |gradient|",
        {"v": lambda at: at.b2 * at.old_v + (1 - at.b2) * at.g.abs()},
    ),
    fault(
        "second-moment-of-gradient",
        "the gradient is not squared: beta2 * v + (1 - beta2) * gradient",
        {"v": lambda at: at.b2 * at.old_v + (1 - at.b2) * at.g},
    ),
    fault(
        "root-missing",
        "the step is divided by v; its root is wanted",
        {"root": lambda at: at.corrected_v},
    ),
    fault(
        "second-moment-of-first",
        "the second moment is that of the first moment: beta2 * v + (1 - beta2) * m^2; that "
        "of the gradient is wanted",
        {"v": lambda at: at.b2 * at.old_v + (1 - at.b2) * at.m * at.m},
    ),
    fault(
        "first-moment-for-second",
        "the step is divided by the root of the first moment; that of the second is wanted",
        {"root": lambda at: at.corrected_m.sqrt()},
    ),
    fault(
        "first-moment-for-second",
        "the step is divided by the size of the first moment; the root of the second is wanted",
        {"root": lambda at: at.corrected_m.abs()},
    ),
    fault(
        "no-first-moment",
        "the step goes along the gradient, as RMSProp's does; its running mean is wanted",
        {"direction": lambda at: at.g / at.divisor},
    ),
    fault(
        "no-first-moment",
        "the step goes along the gradient, without bias correction, as RMSProp's does; its "
        "running mean is wanted",
        {"direction": lambda at: at.g / (at.v.sqrt() + at.eps)},
    ),
    fault(
        "no-second-moment",
        "the step is not divided by the root of the second moment",
        {"direction": lambda at: at.corrected_m},
    ),
    fault(
        "amsgrad",
        "the step is divided by the greatest second moment so far, as AMSGrad's is",
        {"corrected_v": lambda at: maximum(at.v, at.old_v) / at.c2},
    ),
    fault(
        "amsgrad",
        "the greatest second moment so far is kept, as by AMSGrad",
        {"v": lambda at: maximum(STEPS["v"](at), at.old_v)},
    ),
    fault(
        "moment-not-scaled",
        "the gradient is not scaled by 1 - beta1: beta1 * m + gradient",
        {"m": lambda at: at.b1 * at.old_m + at.g},
    ),
    fault(
        "moment-not-scaled",
        "the squared gradient is not scaled by 1 - beta2: beta2 * v + gradient^2",
        {"v": lambda at: at.b2 * at.old_v + at.g * at.g},
    ),
    fault(
        "moment-not-faded",
        "the second moment is AdaGrad's sum, v + gradient^2; a running mean is wanted",
        {"v": lambda at: at.old_v + at.g * at.g},
    ),
    fault(
        "moment-turned-round",
        "beta1 is used the other way round: (1 - beta1) * m + beta1 * gradient",
        {"m": lambda at: (1 - at.b1) * at.old_m + at.b1 * at.g},
    ),
    fault(
        "moment-turned-round",
        "beta2 is used the other way round: (1 - beta2) * v + beta2 * gradient^2",
        {"v": lambda at: (1 - at.b2) * at.old_v + at.b2 * at.g * at.g},
    ),
    fault(
        "moment-reset",
        "m is reset in each step: it holds the gradient alone",
        {"m": lambda at: at.g},
    ),
    fault(
        "moment-reset",
        "m is reset in each step: (1 - beta1) * gradient",
        {"m": lambda at: (1 - at.b1) * at.g},
    ),
    fault(
        "moment-reset",
        "v is reset in each step: (1 - beta2) * gradient^2",
        {"v": lambda at: (1 - at.b2) * at.g * at.g},
    ),
    fault(
        "old-moment",
        "m is that of the step before: it is updated too late",
        {"m": lambda at: at.old_m},
    ),
    fault(
        "old-moment",
        "v is that of the step before: it is updated too late",
        {"v": lambda at: at.old_v},
    ),
    fault(
        "decay-missing",
        "the weight decay is left out of the first moment",
        {"m": lambda at: at.b1 * at.old_m + (1 - at.b1) * at.gradient},
    ),
    fault(
        "decay-missing",
        "the weight decay is left out of the second moment",
        {"v": lambda at: at.b2 * at.old_v + (1 - at.b2) * at.gradient * at.gradient},
    ),
]

DECAYS = decays(fault)
PAIRS = [
    beside(one, other)
    for one in [*EPSILONS, *CORRECTIONS, *MOMENTS]
    for other in [*EPSILONS, *CORRECTIONS, *DECAYS]
    if not steps_of(one).keys() & steps_of(other).keys()
]
FAULTS = [*rates(fault), *DECAYS, *EPSILONS, *CORRECTIONS, *MOMENTS, *PAIRS]

HELP = update.HELP | {
    "no-bias-correction": "divide the moments by 1 - beta^t",
    "eps-inside-root": "write sqrt(v) + eps",
    "eps-before-correction": "add eps after the bias correction: sqrt(v / (1 - beta2^t)) + eps",
    "step-count": "count steps from 1, and once a step",
    "betas-swapped": "use beta1 for the gradient, beta2 for its square",
    "eps-as-floor": "write sqrt(v) + eps",
    "eps-missing": "write sqrt(v) + eps",
    "correction-outside-root": "write sqrt(v / (1 - beta2^t))",
    "correction-by-product": "divide the moments by 1 - beta^t",
    "corrected-moment-kept": "keep the moments as they are, and correct them for the step alone",
    "second-moment-of-abs": "write beta2 * v + (1 - beta2) * gradient^2",
    "second-moment-of-gradient": "write beta2 * v + (1 - beta2) * gradient^2",
    "second-moment-of-first": "write beta2 * v + (1 - beta2) * gradient^2",
    "root-missing": "divide by sqrt(v) + eps",
    "first-moment-for-second": "divide by sqrt(v) + eps",
    "no-second-moment": "divide by sqrt(v) + eps",
    "no-first-moment": "step along the corrected first moment",
    "amsgrad": "divide by the root of the second moment itself",
    "moment-not-scaled": "weight what is new by 1 - beta",
    "moment-not-faded": "write beta2 * v + (1 - beta2) * gradient^2",
    "moment-turned-round": "weight what is old by beta, what is new by 1 - beta",
    "moment-reset": "keep both moments from step to step",
    "old-moment": "update the moments before the step",
}
