"""How far apart two correct steps of Adam may be.

For gamma, and the arithmetic behind it, see `cnnspec.numerics.budget`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cnnspec.compare.fault import UpdateSituation
from cnnspec.numerics.budget import Exact, gamma, unit_roundoff, unless_too_large
from cnnspec.spec.optimizers import Adam


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
    given: UpdateSituation, precision: str, gradient_error: Exact | float = 0.0
) -> AdamTerms:
    """Return what the bounds of a step of Adam are made of: see `adam_budgets`."""
    options, weights, gradient, step = given.options, given.weights, given.gradient, given.step
    assert isinstance(options, Adam)
    u, tiny = unit_roundoff(precision), float(np.finfo(precision).tiny)
    beta1, beta2 = options.betas
    power1, power2 = beta1**step, beta2**step
    cancelled1, cancelled2 = ((step + 1) * u * power / (1 - power) for power in (power1, power2))
    root_correction = math.sqrt(1 - power2)
    exact = gradient + options.weight_decay * weights
    magnitude = np.abs(gradient) + options.weight_decay * np.abs(weights)
    old_m, old_v = given.slots["exp_avg"], given.slots["exp_avg_sq"]
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
    rate = given.learning_rate / (1 - power1)
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
    given: UpdateSituation, precision: str, gradient_error: Exact | float = 0.0
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
    at = adam_terms(given, precision, gradient_error)
    new = np.abs(given.weights) + at.moved + at.update_error
    bound = at.update_error + 2 * unit_roundoff(precision) * new
    return {
        "": unless_too_large(bound, at.size, precision),
        "exp_avg": unless_too_large(at.m_error, at.magnitude, precision),
        "exp_avg_sq": unless_too_large(at.v_error, at.square, precision),
    }
