"""How two trainings beside each other went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cnnspec.compare.verdict.comparison import Finding
from cnnspec.training.history import History


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
    """Decisions of a layer that two passes take otherwise: on which side of a bend, which cell."""

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
