"""Ball numbers: values, and how far rounding may bring a computation from them.

    arithmetic = Arithmetic("float32")
    x = arithmetic.ball(np.array([0.1, 3.0]))
    y = x * x + 1
    y.value, y.radius

A formula that is written with balls comes with its error bound (a running error analysis: Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3; here with the terms of higher
order). Of a ball, the exact result X of the formula is within `radius` of `value`, and what any
computation in the given precision comes to is within `radius` of X. So two computations are within
twice the radius of each other, and what is decided by comparing numbers is open within twice the
radius.

All operations are element by element, in float64, and add their own rounding: a relative u for
each written operation (`Arithmetic.charge` of them), and an underflow of at most the smallest
normal number. Sums hold for every order of their terms.

Values are computed at once, radii when they are asked for: most of what is tried is told from what
was found by its values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache, reduce
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cnnspec.numerics.budget import (
    FUNCTION_ERROR,
    NORMAL_CDF_ERROR,
    SIGMOID_ERROR,
    Exact,
    gamma,
    unit_roundoff,
)

UP = 1 + 2.0**-46
"""What the roundings of a radius itself come to, at most: it is computed in some operations."""

Axes = int | tuple[int, ...]
Later: TypeAlias = "Exact | float | Callable[[], Exact]"
"""Numbers, or what computes them when they are asked for."""
Operand: TypeAlias = "Ball | NDArray[Any] | float"


@dataclass(frozen=True)
class Arithmetic:
    """What a computation is done in."""

    precision: str = "float64"
    """`float16`, `float32` or `float64`."""
    charge: int = 1
    """Roundings that one written operation is charged with.

    More than one where the formula may be written in other ways: a constant folded into another, a
    quotient as a product with a reciprocal, a mean as a sum of shares.
    """
    overflow: Literal["unknown", "alike"] = "unknown"
    """What is said where numbers are too large: nothing at all, the radius being infinite; or that
    they come to the same in every computation, with a radius of 0."""

    @cached_property
    def _rounding(self) -> float:
        return gamma(self.charge, self.precision)

    @cached_property
    def silent(self) -> Arithmetic:
        """Return the same, but that nothing rounds."""
        return replace(self, charge=0)

    @property
    def unknown(self) -> float:
        """Return the radius of numbers that are too large."""
        return math.inf if self.overflow == "unknown" else 0.0

    def ball(self, value: Any, radius: Any = 0.0) -> Ball:
        """Return numbers that are off by at most a radius; by default exact ones."""
        exact, off = np.asarray(value, np.float64), np.asarray(radius, np.float64)
        if off.shape != exact.shape:
            off = np.broadcast_to(off, exact.shape)
        return Ball(exact, off, self)

    def rounded(self, numbers: Any) -> Ball:
        """Return numbers as they are in the precision, which rounds those that it does not hold.

        One below the smallest normal number may be nothing there.
        """
        exact = np.asarray(numbers, np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            off = exact != exact.astype(self.precision).astype(np.float64)
        if not off.any():
            return self.ball(exact)
        share = np.where(
            np.abs(exact) < _limits(self.precision)[0], 1.0, unit_roundoff(self.precision)
        )
        return self.ball(exact, np.where(off, share * np.abs(exact), 0.0))

    def power(self, base: float, exponent: int) -> Ball:
        """Return base^exponent, which may be taken as so many products."""
        with np.errstate(all="ignore"):
            rounding = gamma(self.charge * (exponent + 1), self.precision)
            return self.result(base**exponent, 0.0, rounding)

    def result(
        self, value: Any, spread: Later, rounding: float | None = None, size: Later = 0.0
    ) -> Ball:
        """Return what an operation gives.

        `spread` is how far its operands may bring it from its exact value, `rounding` how far it
        rounds, relatively; by default as often as a written operation is charged with. `size` is
        what numbers may come to on the way.
        """
        exact = np.asarray(value, np.float64)

        def radius() -> Exact:
            off = spread() if callable(spread) else spread
            return self.off(exact, off, rounding, size() if callable(size) else size)

        return Ball(exact, radius, self)

    def off(
        self,
        value: Exact,
        spread: Exact | float,
        rounding: float | None = None,
        size: Exact | float = 0.0,
    ) -> Exact:
        """Return the radius of what an operation gives, as of a `result`."""
        own = self._rounding if rounding is None else rounding
        tiny, largest = _limits(self.precision)
        reached = np.abs(value) + 2 * spread
        radius = (spread + own * reached + self.charge * tiny) * UP
        if self.overflow == "unknown":
            told = np.maximum(reached, size) + radius < largest
        else:
            told = np.isfinite(value) & np.isfinite(radius)
        return radius if told.all() else np.where(told, radius, self.unknown)


@cache
def _limits(precision: str) -> tuple[float, float]:
    """Return the smallest normal number, and the greatest."""
    limits = np.finfo(precision)
    return float(limits.tiny), float(limits.max)


@lru_cache(maxsize=1000)
def _constant(number: float, precision: str) -> tuple[Exact, Exact]:
    """Return a number that a formula has in it, and how far off it is: it comes again and again."""
    ball = Arithmetic(precision).rounded(number)
    return ball.value, ball.radius


class Ball:
    """Numbers, and a bound on the rounding error of each."""

    # NumPy leaves `array * ball` to __rmul__.
    __array_ufunc__ = None
    __slots__ = ("_radius", "arithmetic", "least", "value")

    def __init__(
        self, value: Exact, radius: Later, arithmetic: Arithmetic, least: float = 0.0
    ) -> None:
        """No magnitude is known to be below the `least`, exact or computed."""
        self.value, self.arithmetic, self.least = value, arithmetic, least
        self._radius = radius

    def __repr__(self) -> str:
        return f"Ball({self.value!r}, {self.radius!r}, {self.arithmetic!r})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the array."""
        return self.value.shape

    @property
    def radius(self) -> Exact:
        """Return how far off the numbers may be."""
        known = self._radius
        if isinstance(known, np.ndarray):
            return known
        if callable(known):
            with np.errstate(all="ignore"):
                known = known()
        found = np.asarray(known, np.float64)
        if found.shape != self.value.shape:
            found = np.broadcast_to(found, self.value.shape)
        self._radius = found
        return found

    def _other(self, operand: Operand) -> Ball:
        """Return an operand as a ball: an array is exact, a number is a constant."""
        if isinstance(operand, Ball):
            return operand
        if isinstance(operand, np.ndarray):
            return self.arithmetic.ball(operand)
        return Ball(*_constant(operand, self.arithmetic.precision), self.arithmetic)

    def _result(self, value: Any, spread: Later, rounding: float | None = None) -> Ball:
        return self.arithmetic.result(value, spread, rounding)

    def _exact(self, value: Any, radius: Later) -> Ball:
        """Return what an operation that rounds nothing gives."""
        return Ball(np.asarray(value, np.float64), radius, self.arithmetic)

    # Arithmetic

    def __add__(self, operand: Operand) -> Ball:
        return self._sum_of(self._other(operand), np.add)

    def __sub__(self, operand: Operand) -> Ball:
        return self._sum_of(self._other(operand), np.subtract)

    def _sum_of(self, b: Ball, add: np.ufunc) -> Ball:
        """Return a sum or a difference; with 0 it is exact."""
        with np.errstate(all="ignore"):
            value = add(self.value, b.value)

        def radius() -> Exact:
            spread = self.radius + b.radius
            found = self.arithmetic.off(value, spread)
            nothing = _zero(self) | _zero(b)
            return np.where(nothing, spread, found) if nothing.any() else found

        return self._exact(value, radius)

    def __mul__(self, operand: Operand) -> Ball:
        b = self._other(operand)
        with np.errstate(all="ignore"):
            value = self.value * b.value

        def radius() -> Exact:
            spread = np.abs(self.value) * b.radius + np.abs(b.value) * self.radius
            spread = spread + 3 * self.radius * b.radius
            found = self.arithmetic.off(value, spread)
            nothing = _zero(self) | _zero(b)
            if not nothing.any():
                return found
            return np.where(nothing & np.isfinite(value + spread), 0.0, found)

        found = self._exact(value, radius)
        return found.at_least(self.least * b.least) if self.least and b.least else found

    def __truediv__(self, operand: Operand) -> Ball:
        b = self._other(operand)
        with np.errstate(all="ignore"):
            value = self.value / b.value

        def radius() -> Exact:
            size, divisor = np.abs(self.value), np.abs(b.value)
            exact = np.maximum(divisor - b.radius, b.least)
            computed = np.maximum(divisor - 2 * b.radius, b.least)
            most = (size + self.radius) / exact
            # Neither quotient is greater than what the least divisors give.
            sizes = most + (size + 2 * self.radius) / computed
            spread = np.fmin((self.radius + most * b.radius) / computed, sizes)
            told = (b.radius == 0) | (computed > 0) & np.isfinite(b.radius)
            if not told.all():
                spread = np.where(told, spread, math.inf)
            found = self.arithmetic.off(value, spread)
            nothing = _zero(self) & (computed > 0)
            return np.where(nothing, 0.0, found) if nothing.any() else found

        return self._exact(value, radius)

    def __radd__(self, operand: Operand) -> Ball:
        return self._other(operand) + self

    def __rsub__(self, operand: Operand) -> Ball:
        return self._other(operand) - self

    def __rmul__(self, operand: Operand) -> Ball:
        return self._other(operand) * self

    def __rtruediv__(self, operand: Operand) -> Ball:
        return self._other(operand) / self

    def __matmul__(self, operand: Operand) -> Ball:
        """Contract, as NumPy does: a term meets as many roundings as there are terms."""
        b = self._other(operand)
        with np.errstate(all="ignore"):
            value = self.value @ b.value

        def spread() -> Exact:
            found = np.abs(self.value) @ b.radius + self.radius @ np.abs(b.value)
            return np.asarray(found + 3 * (self.radius @ b.radius))

        def size() -> Exact:
            return np.asarray((np.abs(self.value) + self.radius) @ (np.abs(b.value) + b.radius))

        return self._sum_result(value, spread, size, self.shape[-1])

    def __neg__(self) -> Ball:
        return self._exact(-self.value, lambda: self.radius)

    # Functions

    def sqrt(self) -> Ball:
        """Return the root of numbers that are not below 0, whatever rounding says."""
        with np.errstate(all="ignore"):
            value = np.sqrt(self.value)

        def spread() -> Exact:
            least = (np.maximum(self.value - n * self.radius, self.least) for n in (1, 2))
            by_slope = self.radius / sum(np.sqrt(number) for number in least)
            # No two numbers have roots that are further apart than the root of their distance.
            found: Exact = np.fmin(by_slope, np.sqrt(self.radius))
            return found

        return self._result(value, spread).at_least(math.sqrt(self.least))

    def exp(self) -> Ball:
        """Return e to the power of the numbers."""
        with np.errstate(all="ignore"):
            value = np.exp(self.value)

        def spread() -> Exact:
            found: Exact = np.exp(self.value + self.radius) * np.expm1(self.radius)
            return found

        return self._result(value, spread, self._of_library())

    def log(self) -> Ball:
        """Return the natural logarithm of numbers above 0."""
        with np.errstate(all="ignore"):
            value = np.log(self.value)

        def spread() -> Exact:
            least = self.value - self.radius  # of the exact number
            found = np.where(least > self.radius, -np.log1p(-self.radius / least), math.inf)
            return np.where(self.radius == 0, 0.0, found)

        return self._result(value, spread, self._of_library())

    def tanh(self) -> Ball:
        """Return the hyperbolic tangent: no slope is steeper than that nearest to 0."""
        with np.errstate(all="ignore"):
            value = np.tanh(self.value)

        def spread() -> Exact:
            least = np.maximum(np.abs(self.value) - 2 * self.radius, 0)
            return np.asarray(np.minimum(self.radius / np.cosh(least) ** 2, 2))

        return self._result(value, spread, self._of_library())

    def sigmoid(self) -> Ball:
        """Return 1 / (1 + exp(-x)): no slope is steeper than that nearest to 0."""
        at = self.arithmetic
        own = SIGMOID_ERROR * unit_roundoff(at.precision) if at.charge else 0.0
        with np.errstate(all="ignore"):
            e = np.exp(-np.abs(self.value))
            value = np.where(self.value >= 0, 1.0, e) / (1 + e)

        def spread() -> Exact:
            nearest = np.exp(-np.maximum(np.abs(self.value) - 2 * self.radius, 0))
            found = self.radius * nearest / (1 + nearest) ** 2
            return np.asarray(np.minimum(found, 1) + own)

        return self._result(value, spread, 0.0)

    def normal_cdf(self) -> Ball:
        """Return Phi(x) = (1 + erf(x / sqrt 2)) / 2: it is steepest nearest to 0."""
        at = self.arithmetic
        own = NORMAL_CDF_ERROR * unit_roundoff(at.precision) if at.charge else 0.0

        def spread() -> Exact:
            least = np.maximum(np.abs(self.value) - 2 * self.radius, 0)
            found = self.radius / math.sqrt(2 * math.pi) * np.exp(-(least**2) / 2)
            return np.asarray(np.minimum(found, 1) + own)

        return self._result(_normal_cdf(self.value), spread, 0.0)

    def _of_library(self) -> float:
        """Return how far a function of the mathematics library may be off, relatively."""
        rounds = FUNCTION_ERROR if self.arithmetic.charge else 0
        return gamma(rounds, self.arithmetic.precision)

    def abs(self) -> Ball:
        """Return the magnitudes."""
        return self._exact(np.abs(self.value), lambda: self.radius)

    def sign(self) -> Ball:
        """Return -1, 0 or 1."""
        return self._limited(np.sign(self.value), lambda: np.where(_open(self), 2.0, 0.0))

    def clip(self, least: float, most: float) -> Ball:
        """Return the numbers, none below or above a bound."""
        return self._exact(np.clip(self.value, least, most), lambda: self.radius)

    def within(self, most: Any) -> Ball:
        """Return numbers of which it is known that no magnitude is greater."""
        return self._limited(self.value, lambda: np.minimum(self.radius, 2 * np.asarray(most)))

    def at_least(self, least: float) -> Ball:
        """Return numbers of which it is known that exactly none is below a number above 0."""
        precision = self.arithmetic.precision
        eps, tiny = 2 * unit_roundoff(precision), _limits(precision)[0]
        rounded = least * (1 - 4 * eps) - 4 * tiny
        return Ball(self.value, lambda: self.radius, self.arithmetic, max(rounded, 0.0))

    def _limited(self, value: Exact, radius: Callable[[], Exact]) -> Ball:
        """Return numbers with a radius that follows from what they are; of NaN nothing does."""
        unknown = self.arithmetic.unknown
        return self._exact(value, lambda: np.where(np.isnan(value), unknown, radius()))

    # Along axes

    def sum(self, axes: Axes) -> Ball:
        """Return the sum along axes, which stay, in any order."""
        with np.errstate(all="ignore"):
            value = self.value.sum(axis=axes, keepdims=True)

        def spread() -> Exact:
            return np.asarray(self.radius.sum(axis=axes, keepdims=True))

        def size() -> Exact:
            most = np.abs(self.value) + 2 * self.radius
            return np.asarray(most.sum(axis=axes, keepdims=True))

        return self._sum_result(value, spread, size, count(self.shape, axes))

    def mean(self, axes: Axes) -> Ball:
        """Return the mean along axes, which stay."""
        return self.sum(axes) / count(self.shape, axes)

    def max(self, axes: Axes) -> Ball:
        """Return the greatest number along axes, which stay."""
        value = self.value.max(axis=axes, keepdims=True)
        return self._exact(value, lambda: self.radius.max(axis=axes, keepdims=True))

    def _sum_result(
        self, value: Exact, spread: Callable[[], Exact], size: Callable[[], Exact], terms: int
    ) -> Ball:
        """Return a sum of terms whose magnitudes come to a size; its radius is a sum itself."""
        at = self.arithmetic

        def radius() -> Exact:
            most = size()
            k = terms + at.charge if at.charge else 0
            own = gamma(k, at.precision) * most
            underflows = k * _limits(at.precision)[0]
            grown = 1 + gamma(2 * terms, "float64")
            return at.off(value, (spread() + own + underflows) * grown, 0.0, most)

        return self._exact(value, radius)

    # Order

    def moved(self, move: Callable[[Exact], Exact]) -> Ball:
        """Return the same numbers, or some of them, in another order or shape."""
        return self._exact(move(self.value), lambda: move(self.radius))

    def reshape(self, *shape: int) -> Ball:
        """Return the numbers in another shape."""
        return self.moved(lambda array: array.reshape(shape))


def count(shape: tuple[int, ...], axes: Axes) -> int:
    """Return how many numbers lie along axes."""
    return math.prod(shape[axis] for axis in ((axes,) if isinstance(axes, int) else axes))


def _normal_cdf(x: Exact) -> Exact:
    found: Exact = np.vectorize(math.erfc, otypes=[np.float64])(-x / math.sqrt(2)) / 2
    return found


def _zero(x: Ball) -> NDArray[np.bool]:
    """Tell where numbers are exactly 0."""
    exactly: NDArray[np.bool] = (x.value == 0) & (x.radius == 0)
    return exactly


def _open(x: Ball) -> NDArray[np.bool]:
    """Tell where it is open on which side of 0 numbers are."""
    sides: NDArray[np.bool] = ~(np.abs(x.value) > 2 * x.radius) & (x.radius > 0)
    return sides


def maximum(a: Ball, b: Ball) -> Ball:
    """Return the greater of each two numbers."""

    def radius() -> Exact:
        apart, off = a.value - b.value, 2 * (a.radius + b.radius)
        found = np.where(apart > off, a.radius, np.where(-apart > off, b.radius, math.nan))
        return np.where(np.isnan(found), np.maximum(a.radius, b.radius), found)

    with np.errstate(all="ignore"):
        return Ball(np.maximum(a.value, b.value), radius, a.arithmetic)


def where(mask: NDArray[np.bool], a: Ball, b: Ball) -> Ball:
    """Return a number of the one where a mask is true, of the other elsewhere."""
    value = np.where(mask, a.value, b.value)
    return Ball(value, lambda: np.where(mask, a.radius, b.radius), a.arithmetic)


def decided(x: Ball, above: Ball, below: Ball) -> Ball:
    """Return one number where x > 0, another elsewhere; either where rounding may decide."""
    chosen = where(x.value > 0, above, below)

    def radius() -> Exact:
        both = UP * (np.abs(above.value - below.value) + 2 * (above.radius + below.radius))
        both = np.where(np.isnan(both), x.arithmetic.unknown, both)
        return np.where(_open(x), both, chosen.radius)

    return Ball(chosen.value, radius, x.arithmetic)


def either(forms: Sequence[Callable[..., Ball]], *operands: Ball) -> Ball:
    """Return what may be computed of operands in several forms, which are exactly the same.

    What the operands are off by is carried as by the first form: the forms are one function. To
    that comes what that form adds which rounds most.
    """
    arithmetic, first = operands[0].arithmetic, forms[0](*operands)

    def radius() -> Exact:
        whole = [first.radius, *(form(*operands).radius for form in forms[1:])]
        if any(at.radius.any() for at in operands):
            silent = [Ball(at.value, at.radius, arithmetic.silent, at.least) for at in operands]
            carried = [form(*silent).radius for form in forms]
            own = [of - off for of, off in zip(whole, carried)]
            found = whole[0] - own[0] + reduce(np.maximum, own)
        else:
            found = reduce(np.maximum, whole)
        return np.where(np.isnan(found), arithmetic.unknown, found)

    return Ball(first.value, radius, arithmetic)
