"""What is beyond rounding only because something else is: counted, and not judged again.

Each rule has a name, which documents hold, and says what follows from what.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from cnnspec.address import STEP, Layer
from cnnspec.compare.verdict import Comparison, Consequence, RuleName
from cnnspec.compare.verdict.quantities import OWN_WEIGHTS, WHOLE_PASS


@dataclass(frozen=True)
class Beyond:
    """Everything that is beyond rounding."""

    all: Sequence[Comparison]

    @cached_property
    def apart(self) -> list[Comparison]:
        """In which two sides are different functions."""
        return [found for found in self.all if found.of_pair]

    @cached_property
    def parts_apart(self) -> list[Comparison]:
        """Of these, what is no prediction."""
        return [found for found in self.apart if found.address != STEP]

    @cached_property
    def spoilt(self) -> bool:
        """Whether a layer of one side does in a pass, in float64, what it does not do alone."""
        return any(
            not (found.of_pair or _in_working(found) or found.quantity == OWN_WEIGHTS)
            and found.probe == WHOLE_PASS
            and isinstance(found.address, Layer)
            for found in self.all
        )

    @cached_property
    def own(self) -> list[Comparison]:
        """In which one side is not its own truth, but for what the two sides differ in anyway."""
        judged = self.parts_apart if self.parts_apart or self.spoilt else self.apart
        differ = {_what(found) for found in judged}
        return [found for found in self.all if not found.of_pair and _what(found) not in differ]

    @cached_property
    def lost(self) -> list[Comparison]:
        """In which a part of a side, alone, loses precision."""
        return [
            found
            for found in self.own
            if _in_working(found) and found.address != STEP and found.probe != WHOLE_PASS
        ]

    def has(self, where: Callable[[Comparison], bool]) -> bool:
        """Tell whether there is such a comparison of one side."""
        return any(map(where, self.own))


def _what(found: Comparison) -> tuple[object, str]:
    return found.address, found.quantity


def _in_working(found: Comparison) -> bool:
    return found.precision != "float64"


def _step(found: Comparison) -> bool:
    """Tell whether it is of a training step in the working precision."""
    return _in_working(found) and found.address == STEP and found.probe != WHOLE_PASS


@dataclass(frozen=True)
class Rule:
    """When something follows from a finding."""

    name: RuleName
    sentence: str
    """Why it does; `these` are what the findings are in."""
    holds: Callable[[Comparison, Beyond], bool]


RULES = (
    Rule(
        "prediction-of-parts",
        "predictions are made by these parts",
        lambda found, beyond: found.of_pair and found.address == STEP and bool(beyond.parts_apart),
    ),
    Rule(
        "prediction-of-spoilt-pass",
        "predictions go the ways that a pass goes",
        lambda found, beyond: found.of_pair and found.address == STEP and beyond.spoilt,
    ),
    Rule(
        "side-of-another-function",
        "it is another function on the two sides anyway",
        lambda found, beyond: not found.of_pair and found not in beyond.own,
    ),
    Rule(
        "step-of-imprecise-parts",
        "training steps are taken by these parts",
        lambda found, beyond: (
            _step(found) and any(found.sides == part.sides for part in beyond.lost)
        ),
    ),
    Rule(
        "step-as-in-float64",
        "they are off in float64, too",
        lambda found, beyond: (
            _step(found)
            and beyond.has(
                lambda other: (
                    not _in_working(other)
                    and (*_what(other), other.sides) == (STEP, found.quantity, found.sides)
                )
            )
        ),
    ),
    Rule(
        "step-of-changing-weights",
        "the layer changes these weights by itself",
        lambda found, beyond: (
            found.address == STEP
            and beyond.has(
                lambda other: (
                    (*_what(other), other.sides)
                    == (Layer(found.quantity.rpartition(".")[0]), OWN_WEIGHTS, found.sides)
                )
            )
        ),
    ),
)


SENTENCES = {rule.name: rule.sentence for rule in RULES}


@dataclass(frozen=True)
class Sorted:
    """Comparisons beyond rounding: those to be judged, in three groups, and what follows."""

    apart: tuple[Comparison, ...]
    """In which the two sides are different functions."""
    own: tuple[Comparison, ...]
    """In which a side is not what its own parts are."""
    lost: tuple[Comparison, ...]
    """In which a side loses precision."""
    follows: tuple[Consequence, ...]


def sorted_out(comparisons: Sequence[Comparison]) -> Sorted:
    """Tell what is a finding from what only follows from one.

    Of one side, float64 comes first, and whole steps come last.
    """
    beyond = Beyond(comparisons)
    own = [found for found in beyond.own if found not in beyond.lost]
    own.sort(key=lambda found: (_in_working(found), _step(found)))
    others = [found for found in beyond.all if not found.of_pair and found not in beyond.own]
    follows, left = [], []
    for found in (*beyond.apart, *others, *own):
        rule = next((rule for rule in RULES if rule.holds(found, beyond)), None)
        if rule:
            follows.append(Consequence(found, rule.name))
        else:
            left.append(found)
    return Sorted(
        tuple(found for found in left if found.of_pair),
        tuple(found for found in left if not found.of_pair),
        tuple(beyond.lost),
        tuple(follows),
    )
