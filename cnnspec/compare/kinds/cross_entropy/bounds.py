"""How far apart two correct cross-entropies may be.

For gamma, and the arithmetic behind it, see `cnnspec.numerics.budget`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.numerics.budget import FUNCTION_ERROR, Exact, gamma, unit_roundoff


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
    r = u * ((p * (np.abs(d) + FUNCTION_ERROR)).sum(axis=1, keepdims=True) + classes)
    d_label = np.abs((d * one_hot(logits, labels)).sum(axis=1, keepdims=True))
    losses = log_s + d_label
    errors = r + u * (FUNCTION_ERROR * np.abs(log_s) + 2 * (np.abs(top) + d_label + losses))
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
    p_error = at.p * (u * (2 * np.abs(at.d) + (FUNCTION_ERROR + 1) * (np.abs(at.log_s) + 1)) + at.r)
    grad = (p_error + 3 * u * (at.p + one_hot(logits, labels)) + tiny) / n + tiny
    # Bounds to first order; doubled, they cover the products of errors, all far below 1.
    return np.asarray(2 * loss), 2 * grad


def cross_entropy_errors(
    logits: Exact, labels: Labels, off: Exact, precision: str
) -> tuple[float, Exact]:
    """Bound the errors of the loss of logits that are off, and of its gradient.

    Logits that are off by at most e move the mean cross-entropy by at most 2 e, and the softmax p
    by p (exp(2 e) - 1), and by no more than e / 2, as no slope of it is steeper.
    """
    own_loss, own_grad = cross_entropy_budgets(logits, labels, precision)
    loss = float(np.mean(2 * off.max(axis=1)) + own_loss)
    return loss, _softmax_error(logits, off) / len(logits) + own_grad


def _softmax_error(logits: Exact, off: Exact) -> Exact:
    """Bound the error of the softmax of logits that are off."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = shifted / shifted.sum(axis=1, keepdims=True)
    most = off.max(axis=1, keepdims=True)
    with np.errstate(over="ignore"):
        error: Exact = np.minimum(np.minimum(most / 2, 1), p * np.expm1(2 * most))
    return error
