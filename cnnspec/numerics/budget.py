"""How far apart two correct implementations may be: the only tolerances of the referee.

All follow from the standard model of floating-point arithmetic: each operation returns
its exact result times (1 + d), |d| <= u, plus an underflow of at most the smallest
normal number (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., ch. 2
and 3). A term that meets k roundings on its way into a sum is off by at most
gamma_k = k u / (1 - k u) of its magnitude, whatever the order of the sum, so

    |y_hat - y| <= gamma_k * S + u * |y|,

where S is the same sum over magnitudes. k counts roundings, and is stated by each
layer (`Layer.reductions`). Nothing is tuned; two numbers, FUNCTION_ERROR and NORMAL_CDF_ERROR, are
properties of the mathematics libraries, and measured.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cnnspec.trace import Array

Exact = NDArray[np.float64]

FUNCTION_ERROR = 8
"""Greatest relative error of an exp, log or tanh, in units of u: four units in the last place.

Measured over a million float32 numbers and more: NumPy 2.4 reaches 4.2 (log) and 3.4 (exp), torch
2.13 reaches 1.6 (log); in float64 all stay below 2, but for the tanh of Python's math, 2.6.
"""

SIGMOID_ERROR = 2 * FUNCTION_ERROR
"""Greatest error of 1 / (1 + exp(-x)), in units of u; no relative one. It follows from that of exp,
log and tanh, which is 8 here, and holds for any way that people take:

- 1 / (1 + e) and e / (1 + e), e being exp(-x) or exp(x): y (1 - y) <= 1/4 of the error of e, and
  two roundings of y come to 4;
- (1 + tanh(x / 2)) / 2: half of the error of the tanh, and of a rounding of 2, to 5;
- exp(-L), L being log(1 + e): 2 by the error of e, 1 by the rounding of 1 + e, 8 y L <= 8 / e by
  the log and 8 by the outer exp come to 14.
"""

NORMAL_CDF_ERROR = 16
"""Greatest error of Phi(x) = (1 + erf(x / sqrt 2)) / 2, in units of u; no relative one.

Measured over eight million float32 numbers: torch 2.13 reaches 6.3, at 2.98, and the engine of this
package 3.4; in float64 that reaches 6.0 (`cnnspec.backends.numpy.gelu`), and torch 1.2.
"""


@cache
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
