"""What was held together, what rounding does not explain of it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cnnspec.address import Address, layer_of
from cnnspec.compare.verdict.measure import Measured


@dataclass(frozen=True)
class Cause:
    """Why a quantity is wrong: a fault that gives exactly the numbers that were found."""

    code: str
    """A name that stays the same: `scale`, `flipped-kernel`, `ties-to-all`."""
    sentence: str
    """What the code does, subject first: `the gradient of each window goes to every cell that
    equals the maximum; only the first may take it`."""
    help: str = ""
    """What to do about it; empty where that depends on the code."""


@dataclass(frozen=True)
class Addressed:
    """Something that is said of a part."""

    address: Address
    """A layer, the loss, the optimizer or the training step."""

    @property
    def layer(self) -> str | None:
        """The layer's path; None where it is no layer."""
        return layer_of(self.address)


@dataclass(frozen=True)
class OfSides(Addressed):
    """Something that is said of a quantity of two sides, or of one."""

    quantity: str
    """`output`, `grad_input`, `grad_weight`, `loss`, or a parameter's name after an update."""
    precision: str
    sides: tuple[str, ...]
    """Both labels where two sides are held together; else that of the one held against its own
    truth."""

    @property
    def of_pair(self) -> bool:
        """Whether it is between two sides."""
        return len(self.sides) > 1


@dataclass(frozen=True)
class Question(OfSides):
    """Whether two sides are the same in a quantity, or one is its own truth, on some inputs."""

    probe: str
    """What the inputs are called."""


@dataclass(frozen=True)
class Comparison(Measured, Question):
    """One comparison: the worst element over all probes, and the probe on which it was found.

    `found` is of the first of two sides, or of the side; `wanted` of the second, or of the side's
    own truth.
    """

    typical: float | None = None
    """Greatest difference in units of the typical error, sqrt(k) u S; where that is known."""


@dataclass(frozen=True)
class NotCompared(Addressed):
    """Something that a comparison should hold together, and could not."""

    quantity: str | None
    """None: all of it on some inputs, or one side's own checks."""
    why: str
    allowed: bool
    """Whether the user takes its absence."""


@dataclass(frozen=True)
class Coverage:
    """What was held together, of everything that there is."""

    counts: Mapping[str, tuple[int, int]]
    """Compared, and all there are, by group: `outputs`, `input gradients`, ..."""
    not_compared: tuple[NotCompared, ...]
    silent: tuple[tuple[str, str], ...] = ()
    """Sides, and precisions, of whose training steps the bounds say nothing: rounding may carry
    further than the steps themselves."""
    few: tuple[str, ...] = ()
    """Sides that were asked about few images, as each costs them much."""

    @property
    def complete(self) -> bool:
        """Whether everything was held together that the user did not except."""
        return all(item.allowed for item in self.not_compared)


@dataclass(frozen=True)
class Finding(OfSides):
    """One difference that rounding does not explain: where, which side, and why."""

    worst: Comparison | None
    """The comparison behind it; None where it was found in training."""
    wrong_side: str | None = None
    """A side's label, or `both`; None: no judge can tell."""
    judge: str | None = None
    """What the judgement rests on."""
    causes: Mapping[str, Cause] = field(default_factory=dict)
    """Why, by the side that is wrong; a side whose cause is not known is missing."""
    step: int | None = None
    """Training step, where it was found in training."""
    source: str | None = None
    """Of the gradient of one of several inputs: the layer that gives the input, or INPUT."""

    @property
    def cause(self) -> Cause | None:
        """The cause, of the first side that has one."""
        return next(iter(self.causes.values()), None)


RuleName = Literal[
    "prediction-of-parts",
    "prediction-of-spoilt-pass",
    "side-of-another-function",
    "step-of-imprecise-parts",
    "step-as-in-float64",
    "step-of-changing-weights",
]
"""By what something follows from a finding: see `cnnspec.compare.judging.rules`."""


@dataclass(frozen=True)
class Consequence:
    """A quantity beyond rounding that follows from a finding: it is counted, and not judged."""

    comparison: Comparison
    rule: RuleName


@dataclass(frozen=True)
class Kinks:
    """Decisions of a layer that rounding may turn: on which side of a bend, which cell wins."""

    layer: str
    decider: str
    """What people call a layer that decides so: `max pool`."""
    decisions: int
    """On the images of the probe."""
    near: int
    """Those within the budget of turning."""
