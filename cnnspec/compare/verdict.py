"""What a comparison found: plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cnnspec.training.history import History


@dataclass(frozen=True)
class Quantity:
    """One comparison: the worst element over all probes."""

    layer: str
    """A layer's name, `loss` or `optimizer`."""
    quantity: str
    """`output`, `grad_input`, `grad_weight`, `loss`, or a parameter's name after an update."""
    precision: str
    backend: str
    """`a vs b` where two backends are held together; else the one held against the truth."""
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

    @property
    def ok(self) -> bool:
        """Whether rounding explains the difference."""
        return self.ratio <= 1


@dataclass(frozen=True)
class NotCompared:
    """Something that a comparison should hold together, and could not."""

    what: str
    why: str


@dataclass(frozen=True)
class Divergence:
    """The first thing that two backends do differently."""

    layer: str | None
    quantity: str
    precision: str
    step: int | None = None
    """Training step, where it was found in lockstep training."""


@dataclass(frozen=True)
class LockstepStep:
    """Both networks after the same step from the same start, on the same batches."""

    step: int
    epoch: int
    loss: Mapping[str, float]
    """Of the batch, before the update."""
    weight_difference: float
    """Greatest difference between two weights, after the update."""


@dataclass(frozen=True)
class Lockstep:
    """How two trainings from the same weights on the same batches went."""

    steps: tuple[LockstepStep, ...]
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
    """Backends whose training could not go on, and why."""


@dataclass(frozen=True)
class Verdict:
    """Whether two backends are the same function, and how their trainings went."""

    name: str
    backends: tuple[str, str]
    quantities: tuple[Quantity, ...]
    """In the order of the network; then the loss, then the optimizer."""
    not_compared: tuple[NotCompared, ...]
    lockstep: Lockstep | None
    environment: Mapping[str, Any]

    @property
    def verdict(self) -> Literal["same", "different"]:
        """`same` where rounding explains every difference and nothing was left out."""
        return "different" if self.first_divergence or self.not_compared else "same"

    @property
    def first_divergence(self) -> Divergence | None:
        """The first difference that rounding does not explain; float64 is asked first."""
        for precision in ("float64", "float32"):
            for found in self.quantities:
                if found.precision == precision and not found.ok:
                    return Divergence(found.layer, found.quantity, precision)
        if self.lockstep and len(self.lockstep.stopped) == 1:
            return Divergence(None, "loss", "training", self.lockstep.total_steps + 1)
        return None
