"""Numbers that know how far rounding may bring them: the only tolerances of the referee.

`Arithmetic` and `Ball` bound what a formula comes to in a precision; `sum_budget` bounds sums whose
terms meet k roundings; a `Computation` takes a formula by named steps. All are for anybody's tests:
nothing here knows of networks. docs/howto/test-without-a-tolerance.md shows how.
"""

from cnnspec.numerics.ball import Arithmetic, Ball, decided, either, maximum, where
from cnnspec.numerics.budget import (
    Exact,
    gamma,
    sum_budget,
    typical_errors,
    unit_roundoff,
    unless_too_large,
)
from cnnspec.numerics.formula import Computation, Steps
from cnnspec.numerics.moments import moments

__all__ = [
    "Arithmetic",
    "Ball",
    "Computation",
    "Exact",
    "Steps",
    "decided",
    "either",
    "gamma",
    "maximum",
    "moments",
    "sum_budget",
    "typical_errors",
    "unit_roundoff",
    "unless_too_large",
    "where",
]
