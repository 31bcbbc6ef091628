"""How far apart two correct losses, and two correct updates, may be.

For gamma, and the arithmetic behind it, see `cnnspec.compare.budget`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.compare.budget import EXP_ERROR, Exact, gamma, unit_roundoff, unless_too_large
from cnnspec.spec.optimizers import SGD, Adam


@dataclass(frozen=True)
class SoftmaxTerms:
    """What the bounds of a cross-entropy are made of; (n, classes), or (n, 1) of each image."""

    d: Exact
    """z - max z."""
    p: Exact
    """The softmax."""
    log_s: Exact
    """The logarithm of the sum s of exp(d)."""
    r: Exact
    """By how much s may be off, relatively."""
    losses: Exact
    """Greatest size of the terms of each image's loss."""
    errors: Exact
    """By how much each image's loss may be off."""


def softmax_terms(logits: Exact, labels: Labels, precision: str) -> SoftmaxTerms:
    """Return what the bounds of a cross-entropy are made of: see `cross_entropy_budgets`."""
    u = unit_roundoff(precision)
    top = logits.max(axis=1, keepdims=True)
    d = logits - top
    e = np.exp(d)
    s = e.sum(axis=1, keepdims=True)
    p, log_s = e / s, np.log(s)
    classes = logits.shape[1]
    r = u * ((p * (np.abs(d) + EXP_ERROR)).sum(axis=1, keepdims=True) + classes)
    d_label = np.abs((d * one_hot(logits, labels)).sum(axis=1, keepdims=True))
    losses = log_s + d_label
    errors = r + u * (EXP_ERROR * np.abs(log_s) + 2 * (np.abs(top) + d_label + losses))
    return SoftmaxTerms(d, p, log_s, r, losses, errors)


def one_hot(logits: Exact, labels: Labels) -> Exact:
    """Return 1 at each image's label, and 0 elsewhere."""
    own = np.zeros_like(logits)
    own[np.arange(len(logits)), labels] = 1
    return own


def cross_entropy_budgets(logits: Exact, labels: Labels, precision: str) -> tuple[Exact, Exact]:
    """Bound the errors of the mean cross-entropy and of its gradient.

    With d_j = z_j - max z (error u |d_j|), e_j = exp(d_j) and s = sum of e_j over C classes:
    e_j is off by a relative u (|d_j| + 8), so s by a relative
    r = u (sum_j p_j (|d_j| + 8) + C), p being the softmax. log s is off by r + 8 u |log s|,
    and the loss log s - d_y, or (max z + log s) - z_y, by the roundings of its terms
    besides. The mean of n losses meets n + 1 more. The gradient (p_j - [j = y]) / n takes
    p_j from e_j / s, relatively off by u (|d_j| + 9) + r, or from exp(d_j - log s), off by
    u (2 |d_j| + 9 |log s| + 8) + r, and meets three more roundings.
    """
    n, u, tiny = len(logits), unit_roundoff(precision), float(np.finfo(precision).tiny)
    at = softmax_terms(logits, labels, precision)
    loss = np.mean(at.errors) + gamma(n + 1, precision) * np.mean(at.losses + at.errors) + tiny
    p_error = at.p * (u * (2 * np.abs(at.d) + (EXP_ERROR + 1) * (np.abs(at.log_s) + 1)) + at.r)
    grad = (p_error + 3 * u * (at.p + one_hot(logits, labels)) + tiny) / n + tiny
    # Bounds to first order; doubled, they cover the products of errors, all far below 1.
    return np.asarray(2 * loss), 2 * grad


def sgd_budgets(
    options: SGD,
    weights: Exact,
    slots: Mapping[str, Exact],
    gradient: Exact,
    learning_rate: float,
    step: int,
    precision: str,
    gradient_error: Exact | float = 0.0,
) -> dict[str, Exact]:
    """Bound the errors of one step of SGD; keys `` (the weights) and `momentum_buffer`.

    A constant costs a rounding, and so does each product and sum: 3 up to g + decay w,
    2 more to the buffer, 3 more to a Nesterov direction, 3 more to the new weights. What the
    gradient itself is off by goes into the buffer once, and once or 1 + momentum times into the
    direction.
    """
    tiny = float(np.finfo(precision).tiny)
    direction = np.abs(gradient) + gradient_error + options.weight_decay * np.abs(weights)
    error, budgets = gradient_error, {}
    if options.momentum:
        buffer = options.momentum * np.abs(slots["momentum_buffer"]) + direction
        bound = gamma(5, precision) * buffer + 5 * tiny + gradient_error
        budgets["momentum_buffer"] = unless_too_large(bound, buffer, precision)
        if options.nesterov:
            direction = direction + options.momentum * buffer
            error = (1 + options.momentum) * gradient_error
        else:
            direction = buffer
    size = np.abs(weights) + learning_rate * direction
    bound = gamma(11, precision) * size + 11 * tiny + learning_rate * error
    budgets[""] = unless_too_large(bound, np.maximum(size, direction), precision)
    return budgets


@dataclass(frozen=True)
class AdamTerms:
    """What the bounds of a step of Adam are made of."""

    m: Exact
    m_error: Exact
    v: Exact
    v_error: Exact
    divisor: Exact
    """sqrt(v / (1 - beta2^t)) + eps."""
    divisor_error: Exact
    moved: Exact
    update_error: Exact
    size: Exact
    """Of the greatest number on the way to the weights."""
    magnitude: Exact
    """Of the gradient, with the weight decay in it."""
    square: Exact
    """Of that, and of what the gradient may be off by."""


def adam_terms(
    options: Adam,
    weights: Exact,
    slots: Mapping[str, Exact],
    gradient: Exact,
    learning_rate: float,
    step: int,
    precision: str,
    gradient_error: Exact | float = 0.0,
) -> AdamTerms:
    """Return what the bounds of a step of Adam are made of: see `adam_budgets`."""
    u, tiny = unit_roundoff(precision), float(np.finfo(precision).tiny)
    beta1, beta2 = options.betas
    power1, power2 = beta1**step, beta2**step
    cancelled1, cancelled2 = ((step + 1) * u * power / (1 - power) for power in (power1, power2))
    root_correction = math.sqrt(1 - power2)
    exact = gradient + options.weight_decay * weights
    magnitude = np.abs(gradient) + options.weight_decay * np.abs(weights)
    old_m, old_v = slots["exp_avg"], slots["exp_avg_sq"]
    m = beta1 * old_m + (1 - beta1) * exact
    v = beta2 * old_v + (1 - beta2) * exact**2
    m_error = gamma(8, precision) * (np.abs(old_m) + (1 - beta1) * (magnitude + np.abs(old_m)))
    m_error += u * beta1 * (magnitude + np.abs(old_m)) + 8 * tiny + (1 - beta1) * gradient_error
    v_error = gamma(11, precision) * (old_v + (1 - beta2) * (magnitude**2 + old_v))
    v_error += u * beta2 * (magnitude**2 + old_v) + 11 * tiny
    v_error += (1 - beta2) * (2 * magnitude + gradient_error) * gradient_error
    root = np.sqrt(v)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_slope = np.where(root > 0, v_error / root, np.inf)
    root_error = np.minimum(by_slope, np.sqrt(v_error)) / root_correction
    divisor = root / root_correction + options.eps
    divisor_error = root_error + 5 * u * divisor + cancelled2 * root / root_correction
    least = np.maximum(divisor - divisor_error, options.eps / 2 if options.eps > tiny else 0)
    rate = learning_rate / (1 - power1)
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = rate * np.abs(m) / divisor
        update_error = rate * m_error / least + moved * divisor_error / least
    update_error += (6 * u + cancelled1) * (moved + update_error) + tiny
    new = np.abs(weights) + moved + update_error
    square = (magnitude + gradient_error) ** 2
    largest = np.maximum.reduce([square, v / (1 - power2), np.abs(m) / (1 - power1), new])
    size = np.where(least > 0, np.maximum(largest, rate), math.inf)
    return AdamTerms(
        m, m_error, v, v_error, divisor, divisor_error, moved, update_error, size, magnitude, square
    )


def adam_budgets(
    options: Adam,
    weights: Exact,
    slots: Mapping[str, Exact],
    gradient: Exact,
    learning_rate: float,
    step: int,
    precision: str,
    gradient_error: Exact | float = 0.0,
) -> dict[str, Exact]:
    """Bound the errors of one step of Adam; keys `` (the weights), `exp_avg`, `exp_avg_sq`.

    m is b1 m + (1 - b1) g or m + (1 - b1) (g - m), and v likewise: at most 8 and 11 roundings of
    the magnitudes of either form. A b that is rounded to the precision costs u b, and so does
    1 - b, which may be much smaller. The root r = sqrt(v) moves by at most
    min(dv / r, sqrt(dv)). A correction 1 - b^t may take b^t from t products, and loses what
    cancels: a relative (t + 1) u b^t / (1 - b^t). The quotient m / (r / sqrt(c2) + eps) moves
    by the sum of its parts' errors, to first order with the smallest divisor. What the gradient
    itself is off by, dg, moves m by (1 - b1) dg and v by (1 - b2) (2 |g| + dg) dg. Nothing can be
    said where a square overflows, or where an eps that is not a normal number leaves no divisor.
    """
    at = adam_terms(
        options, weights, slots, gradient, learning_rate, step, precision, gradient_error
    )
    new = np.abs(weights) + at.moved + at.update_error
    bound = at.update_error + 2 * unit_roundoff(precision) * new
    return {
        "": unless_too_large(bound, at.size, precision),
        "exp_avg": unless_too_large(at.m_error, at.magnitude, precision),
        "exp_avg_sq": unless_too_large(at.v_error, at.square, precision),
    }


OPTIMIZER_BUDGETS: dict[str, Callable[..., dict[str, Exact]]] = {
    "sgd": sgd_budgets,
    "adam": adam_budgets,
}
