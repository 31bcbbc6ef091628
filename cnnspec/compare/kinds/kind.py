"""What the referee knows of a kind, of whatever part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Generic, NamedTuple

from cnnspec.compare.faults.fault import Fault, Observation, Situation
from cnnspec.numerics import Ball, Exact
from cnnspec.numerics.formula import Computation


class Term(NamedTuple):
    """One number that a bound is made of."""

    name: str
    value: float
    meaning: str


COMPOSED = "no single k: its bound is put together in"


class Terms(NamedTuple):
    """The numbers that a bound is made of, and how it comes of them, in words."""

    terms: Sequence[Term]
    formula: str


NO_ROUNDING = Terms(
    [Term("k", 0, "it copies or selects numbers, and rounds none")],
    "k = 0: it must be equal to the bit",
)


class Kind(Generic[Situation]):
    """The mistakes that people make in a kind of part, and what to do about them."""

    # Of the class's own Situation; a ClassVar cannot say so.
    faults: ClassVar[Sequence[Fault]] = ()  # type: ignore[type-arg]
    """In the order in which they are looked for."""
    factors: ClassVar[Sequence[Fault]] = ()  # type: ignore[type-arg]
    """Those that come to one factor before all numbers, which may be 0: looked for before sizes
    of the problem are, which may have the same value."""
    help: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What to do about a fault, by its code, where that is the same wherever it is named."""

    def suspected(
        self, observations: Sequence[Observation[Situation]]
    ) -> Iterator[Fault[Situation]]:
        """Yield the faults that may have spoilt a quantity, those of the table first."""
        quantity = observations[0].quantity
        known = (*self.factors, *self.faults)
        yield from (fault for fault in known if fault.spoils(quantity))


def ball_terms(
    at: Computation,
    steps: Mapping[str, str],
    position: tuple[int, ...],
    whole: Callable[[Exact], Exact] = lambda array: array,
) -> list[Term]:
    """Return what one number of some steps is, and what it may be off by.

    `steps` says what they mean, by their names; `whole` gives their arrays the shape in which
    the position counts.
    """
    terms = []
    for name, meaning in steps.items():
        ball: Ball = getattr(at, name)
        value, radius = whole(ball.value), whole(ball.radius)
        index = tuple(place if size > 1 else 0 for place, size in zip(position, value.shape))
        terms.append(Term(name, float(value[index]), meaning))
        terms.append(Term(f"d_{name}", float(radius[index]), "what it may be off by"))
    return terms
