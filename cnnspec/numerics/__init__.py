"""Numbers that know how far rounding may bring them: the only tolerances of the referee.

`Arithmetic` and `Ball` bound what a formula comes to in a precision; `sum_budget` bounds sums whose
terms meet k roundings. Both are for anybody's tests: nothing here knows of networks.
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
from cnnspec.numerics.moments import moments

__all__ = [
    "Arithmetic",
    "Ball",
    "Exact",
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
