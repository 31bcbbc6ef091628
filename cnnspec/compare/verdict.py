"""What a comparison found: plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cnnspec.address import Address, layer_of
from cnnspec.compare.fault import Cause
from cnnspec.training.history import History


@dataclass(frozen=True)
class Comparison:
    """One comparison: the worst element over all probes."""

    address: Address
    """A layer, the loss, the optimizer or the training step."""
    quantity: str
    """`output`, `grad_input`, `grad_weight`, `loss`, or a parameter's name after an update."""
    precision: str
    sides: tuple[str, ...]
    """Both labels where two sides are held together; else that of the one held against its own
    truth."""
    probe: str
    """The inputs on which the worst element was found."""
    max_abs: float
    """Greatest difference of two elements."""
    difference: float
    """Difference of the worst element: the one with the greatest ratio."""
    budget: float
    """What rounding explains at the worst element."""
    ratio: float
    """Difference over budget at the worst element; above 1 rounding does not explain it."""
    position: tuple[int, ...] = ()
    """Where the worst element stands."""
    beyond: int = 0
    """Elements beyond their budget, on that probe."""
    elements: int = 0
    """All there are."""
    typical: float | None = None
    """Greatest difference in units of the typical error, sqrt(k) u S; where that is known."""
    found: float | None = None
    """The worst element of the first of two sides, or of the side; None: not noted."""
    wanted: float | None = None
    """The worst element of the second of two sides, or of the side's own truth."""

    @property
    def layer(self) -> str | None:
        """The layer's path; None where it is no layer."""
        return layer_of(self.address)

    @property
    def of_pair(self) -> bool:
        """Whether two sides are held together."""
        return len(self.sides) > 1

    @property
    def ok(self) -> bool:
        """Whether rounding explains the difference."""
        return self.ratio <= 1


@dataclass(frozen=True)
class NotCompared:
    """Something that a comparison should hold together, and could not."""

    address: Address
    quantity: str | None
    """None: all of it on some inputs, or one side's own checks."""
    why: str
    allowed: bool
    """Whether the user takes its absence."""

    @property
    def layer(self) -> str | None:
        """The layer's path; None where it is no layer."""
        return layer_of(self.address)


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
class Finding:
    """One difference that rounding does not explain: where, which side, and why."""

    address: Address
    quantity: str
    precision: str
    sides: tuple[str, ...]
    """Both labels, or that of the side that is off its own truth."""
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

    @property
    def layer(self) -> str | None:
        """The layer's path; None where it is no layer."""
        return layer_of(self.address)

    @property
    def of_pair(self) -> bool:
        """Whether it is between two sides."""
        return len(self.sides) > 1

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
"""By what something follows from a finding: see `cnnspec.compare.rules`."""


@dataclass(frozen=True)
class Consequence:
    """A quantity beyond rounding that follows from a finding: it is counted, and not judged."""

    quantity: Comparison
    rule: RuleName


@dataclass(frozen=True)
class Kinks:
    """Decisions of a layer that rounding may turn: relu near 0, near-equal maxima in a window."""

    layer: str
    decisions: int
    """On the images of the probe."""
    near: int
    """Those within the budget of turning."""


@dataclass(frozen=True)
class TrajectoryStep:
    """Both networks after the same step from the same start, on the same batches."""

    step: int
    epoch: int
    loss: Mapping[str, float]
    """Of the batch, before the update."""
    weight_difference: float
    """Greatest difference between two weights, after the update."""
    distance: float
    """How far apart the weights are, of the parameter where they are furthest: relative."""
    twins: tuple[float, ...]
    """The same between the first side and each twin; empty once twins have started anew."""


@dataclass(frozen=True)
class Turned:
    """Decisions of a layer that two passes take otherwise: signs of a relu, maxima of a pool."""

    layer: str
    turned: int
    decisions: int
    """All there are."""


@dataclass(frozen=True)
class Jump:
    """A step that led outside the envelope, and that is the function's own.

    Every part of it is within its budgets; and the first side, going back and updating from the
    second one's forward pass, is led outside, too, and lands where the second did.
    """

    step: int
    parameter: str
    """The array that was furthest outside: a parameter, a buffer or a slot of the optimizer."""
    ratio: float
    """Its distance in units of that of the furthest twin."""
    landed: float
    """The distance at which the first side lands from the second, in the same units."""
    turned: tuple[Turned, ...]
    """What the two decided otherwise."""


@dataclass(frozen=True)
class Envelope:
    """A training against twins of one side, which started one unit in the last place away."""

    twins: int
    largest: float
    """Greatest ratio of the distance to that of the furthest twin, over arrays and steps but for
    jumps."""
    outside: int | None
    """First step that led further away than twins, or a jump, explain."""
    parameter: str | None
    """Of which array: a parameter, a buffer or a slot of the optimizer."""
    twin_accuracy: tuple[float, ...]
    """On the test images, after the last step: fractions of 1."""
    jumps: tuple[Jump, ...] = ()
    """After each of which twins started anew."""
    left_out: tuple[str, ...] = ()
    """Parameters whose gradients are nothing but rounding: not held against the twins."""
    tried: bool = False
    """Whether the step outside was held to be a jump, and is none."""


@dataclass(frozen=True)
class Trajectory:
    """How two trainings from the same weights on the same batches went."""

    mode: Literal["lockstep", "resync", "free"]
    """`resync`: the second side is set to the first one's state after each step; `free`: held
    against twins."""
    steps: tuple[TrajectoryStep, ...]
    """A sample: the first ten steps, then about a hundred in even distances."""
    total_steps: int
    first_different_loss: int | None
    """First step whose losses are not bit-equal."""
    first_different_prediction: int | None
    """First step at which an image of the batch is classed differently."""
    history: Mapping[str, History]
    accuracy: Mapping[str, float]
    """On the test images, after the last step: fractions of 1."""
    test_images: int
    different_predictions: int
    """Test images that are classed differently, after the last step."""
    stopped: Mapping[str, str]
    """Sides whose training could not go on, and why."""
    replayed: tuple[int, ...] = ()
    """Steps that were rewound to and replayed in isolation."""
    envelope: Envelope | None = None
    """Where the mode is `free`."""
    finding: Finding | None = None
    """What the training showed that rounding does not explain."""
    whole_steps: int | None = None
    """Steps that the whole training has."""
    cut_short: bool = False
    """Whether it was ended early because a side is the loops, and nobody asked for all of it."""


@dataclass(frozen=True)
class Verdict:
    """Whether two sides are the same function, and how their trainings went."""

    name: str
    backends: tuple[str, str]
    quantities: tuple[Comparison, ...]
    """In the order of the network; then the loss, then the optimizer."""
    coverage: Coverage
    findings: tuple[Finding, ...]
    """Every quantity that rounding does not explain, but for what follows from another; the first
    first, float64 before others."""
    kinks: tuple[Kinks, ...]
    provenance: Mapping[str, Any]
    """Hashes of the spec and of the data, seed, versions, BLAS and threads."""
    trajectory: Trajectory | None = None
    follows: tuple[Consequence, ...] = ()
    """What is beyond rounding, too, and only follows from findings."""

    @property
    def verdict(self) -> Literal["same", "different"]:
        """`same` where rounding explains every difference and nothing was left out."""
        return "different" if self.first_divergence or not self.coverage.complete else "same"

    @property
    def first_divergence(self) -> Finding | None:
        """The first difference that rounding does not explain; float64 is asked first."""
        in_training = self.trajectory.finding if self.trajectory else None
        return next(iter(self.findings), in_training)
