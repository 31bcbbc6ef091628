"""Numbers that know how far rounding may have brought them from their exact value.

A running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
section 3.3), in float64: each operation passes the errors of its operands on, to first
order, and adds its own. A formula written with these numbers comes with its budget.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.compare.budget import EXP_ERROR, Exact, unit_roundoff
from cnnspec.compare.fault import Prediction

U = unit_roundoff("float64")
TINY = float(np.finfo("float64").tiny)

CHARGE = 4
"""Roundings that one written operation is charged with.

The same formula may be written in other ways: a constant folded into another, a quotient as a
product with a reciprocal, m + (1 - b) (g - m) for b m + (1 - b) g, a mean as a sum of shares.
"""

Operand: TypeAlias = "Rounded | Exact | float"


class Rounded:
    """Numbers, and a bound on the rounding error of each."""

    # NumPy leaves `array * rounded` to __rmul__.
    __array_ufunc__ = None

    def __init__(self, value: Exact | float, error: Exact | float = 0.0) -> None:
        """An error that is not finite comes of an overflow, whose result is the same for all."""
        self.value = np.asarray(value, np.float64)
        bound = np.asarray(error, np.float64)
        if bound.shape != self.value.shape:
            bound = np.broadcast_to(bound, self.value.shape)
        self.error = np.where(np.isfinite(bound), bound, 0.0)

    def prediction(self) -> Prediction:
        """Return value and budget; the bound to first order is doubled, as in the budgets."""
        return Prediction(self.value, 2 * self.error)

    def __add__(self, other: Operand) -> Rounded:
        b = rounded(other)
        return _operation(self.value + b.value, self.error + b.error)

    def __sub__(self, other: Operand) -> Rounded:
        b = rounded(other)
        return _operation(self.value - b.value, self.error + b.error)

    def __mul__(self, other: Operand) -> Rounded:
        b = rounded(other)
        error = np.abs(self.value) * b.error + np.abs(b.value) * self.error
        return _operation(self.value * b.value, error)

    def __truediv__(self, other: Operand) -> Rounded:
        b = rounded(other)
        value = self.value / b.value
        error = (self.error + np.abs(value) * b.error) / (np.abs(b.value) - b.error)
        return _operation(value, np.abs(error))

    def __radd__(self, other: Operand) -> Rounded:
        return rounded(other) + self

    def __rsub__(self, other: Operand) -> Rounded:
        return rounded(other) - self

    def __rmul__(self, other: Operand) -> Rounded:
        return rounded(other) * self

    def __rtruediv__(self, other: Operand) -> Rounded:
        return rounded(other) / self

    def __neg__(self) -> Rounded:
        return Rounded(-self.value, self.error)

    def exp(self) -> Rounded:
        value = np.exp(self.value)
        return _operation(value, value * (np.expm1(self.error) + EXP_ERROR * U))

    def log(self) -> Rounded:
        value = np.log(self.value)
        return _operation(value, self.error / self.value + EXP_ERROR * U * np.abs(value))

    def sqrt(self) -> Rounded:
        """Return the root, which moves by at most dv / root, and by at most the root of dv."""
        value = np.sqrt(self.value)
        by_slope = np.where(value > 0, self.error / value, np.inf)
        return _operation(value, np.fmin(by_slope, np.sqrt(self.error)))

    def abs(self) -> Rounded:
        return Rounded(np.abs(self.value), self.error)

    def sign(self) -> Rounded:
        return Rounded(np.sign(self.value))

    def clip(self, least: float, most: float) -> Rounded:
        return Rounded(np.clip(self.value, least, most), self.error)

    def maximum(self, other: Rounded) -> Rounded:
        return Rounded(np.maximum(self.value, other.value), np.fmax(self.error, other.error))

    def max(self, axis: int) -> Rounded:
        return Rounded(
            self.value.max(axis=axis, keepdims=True), self.error.max(axis=axis, keepdims=True)
        )

    def sum(self, axis: int) -> Rounded:
        """Each term meets as many roundings as there are terms."""
        terms = self.value.shape[axis]
        own = CHARGE * terms * U * np.abs(self.value).sum(axis=axis, keepdims=True)
        error = self.error.sum(axis=axis, keepdims=True) + own
        return _operation(self.value.sum(axis=axis, keepdims=True), error)

    def of(self, labels: Labels) -> Rounded:
        """Return the number of each row (n, classes) that belongs to its label: (n, 1)."""
        return self.moved(lambda a: np.take_along_axis(a, labels[:, None], axis=1))

    def moved(self, move: Callable[[Exact], Exact]) -> Rounded:
        """Return the same numbers, or some of them, in another order."""
        return Rounded(move(self.value), move(self.error))


def power(base: float, exponent: int) -> Rounded:
    """Return base^exponent, which may be taken as so many products."""
    value = base**exponent
    return Rounded(value, (exponent + 1) * U * value)


def rounded(number: Operand) -> Rounded:
    """Return numbers that have met no rounding yet as what they are."""
    return number if isinstance(number, Rounded) else Rounded(number)


def _operation(value: Exact, error: Exact) -> Rounded:
    """Add the error of the operation itself, an underflow included."""
    return Rounded(value, error + CHARGE * (U * np.abs(value) + TINY))
