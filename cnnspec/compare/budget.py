"""How far apart two correct implementations may be: the only tolerances of the referee.

All follow from the standard model of floating-point arithmetic: each operation returns
its exact result times (1 + d), |d| <= u, plus an underflow of at most the smallest
normal number (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., ch. 2
and 3). A term that meets k roundings on its way into a sum is off by at most
gamma_k = k u / (1 - k u) of its magnitude, whatever the order of the sum, so

    |y_hat - y| <= gamma_k * S + u * |y|,

where S is the same sum over magnitudes. k counts roundings, and is stated by each
layer (`Layer.reductions`). Nothing is tuned; one number, EXP_ERROR, is a property of the
mathematics library, and measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from cnnspec.backends.network import Labels
from cnnspec.spec.training import SGD, Adam
from cnnspec.trace import Array

Exact = NDArray[np.float64]

EXP_ERROR = 8
"""Greatest relative error of an exp or a log, in units of u: four units in the last place.

Measured over 4 million float32
numbers: numpy 2.4 at most 2.5 (exp) and 3.1 (log) units in the last place, torch 2.13 at
most 0.9; in float64 both stay below 1.
"""


def unit_roundoff(precision: str) -> float:
    """Return u: 2^-24 for float32, 2^-53 for float64."""
    return float(np.finfo(precision).eps) / 2


def gamma(k: int, precision: str) -> float:
    """Return k u / (1 - k u), or infinity where k u reaches 1 and nothing can be said."""
    ku = k * unit_roundoff(precision)
    return ku / (1 - ku) if ku < 1 else math.inf


def sum_budget(k: int, magnitude: Array, value: Array, precision: str) -> Exact:
    """Bound the error of sums whose terms meet at most k roundings; 0 where k is 0.

    Infinite where a partial sum may overflow: nothing can be said there.
    """
    if k == 0:
        return np.zeros(value.shape)
    u, tiny = unit_roundoff(precision), float(np.finfo(precision).tiny)
    with np.errstate(invalid="ignore", over="ignore"):
        # A sum of nothing but zeros is exact for any k.
        relative = np.where(magnitude > 0, gamma(k, precision) * magnitude, 0.0)
        return unless_too_large(
            relative + u * np.abs(value) + k * tiny, magnitude + relative, precision
        )


def unless_too_large(bound: Exact, size: Array, precision: str) -> Exact:
    """Return a bound; infinity where numbers come to a size that a precision does not hold."""
    return np.where(size >= np.finfo(precision).max, math.inf, bound)


def typical_errors(k: int, magnitude: Array, value: Array, precision: str) -> Exact:
    """Return what the errors of such sums come to where roundings have random signs.

    They add up like a random walk, to sqrt(k) u S in place of k u S (Higham and Mary, A new
    approach to probabilistic rounding error analysis, 2019). No bound, and no part of a verdict.
    """
    if k == 0:
        return np.zeros(value.shape)
    u, tiny = unit_roundoff(precision), float(np.finfo(precision).tiny)
    return math.sqrt(k) * u * magnitude + u * np.abs(value) + k * tiny


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
    n, classes = logits.shape
    u, tiny = unit_roundoff(precision), float(np.finfo(precision).tiny)
    top = logits.max(axis=1, keepdims=True)
    d = logits - top
    e = np.exp(d)
    s = e.sum(axis=1, keepdims=True)
    p, log_s = e / s, np.log(s)
    r = u * ((p * (np.abs(d) + EXP_ERROR)).sum(axis=1, keepdims=True) + classes)
    own = np.zeros_like(p)
    own[np.arange(n), labels] = 1
    d_label = np.abs((d * own).sum(axis=1, keepdims=True))
    losses = log_s + d_label
    errors = r + u * (EXP_ERROR * np.abs(log_s) + 2 * (np.abs(top) + d_label + losses))
    loss = np.mean(errors) + gamma(n + 1, precision) * np.mean(losses + errors) + tiny
    p_error = p * (u * (2 * np.abs(d) + (EXP_ERROR + 1) * (np.abs(log_s) + 1)) + r)
    grad = (p_error + 3 * u * (p + own) + tiny) / n + tiny
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
    return {
        "": unless_too_large(update_error + 2 * u * new, size, precision),
        "exp_avg": unless_too_large(m_error, magnitude, precision),
        "exp_avg_sq": unless_too_large(v_error, square, precision),
    }


OPTIMIZER_BUDGETS: dict[str, Callable[..., dict[str, Exact]]] = {
    "sgd": sgd_budgets,
    "adam": adam_budgets,
}
