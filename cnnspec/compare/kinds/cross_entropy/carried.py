"""What logits that are off make of the mean cross-entropy and of its gradient."""

from __future__ import annotations

import numpy as np

from cnnspec.numerics import Exact


def loss_error(off: Exact) -> float:
    """Bound the error: logits that are off by at most e move each image's loss by at most 2 e."""
    return float(np.mean(2 * off.max(axis=1)))


def gradient_error(logits: Exact, off: Exact) -> Exact:
    """Bound the error of the gradient.

    The softmax p moves by at most p (exp(2 e) - 1), and by no more than e / 2, as no slope of it
    is steeper.
    """
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = shifted / shifted.sum(axis=1, keepdims=True)
    most = off.max(axis=1, keepdims=True)
    with np.errstate(over="ignore"):
        error: Exact = np.minimum(np.minimum(most / 2, 1), p * np.expm1(2 * most))
    return error / len(logits)
