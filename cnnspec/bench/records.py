"""What a benchmark finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from statistics import geometric_mean
from typing import Literal

from cnnspec.backends import LOOPS
from cnnspec.bench.machine import Machine
from cnnspec.bench.measure import Spread
from cnnspec.bench.worthless import Load, Reason
from cnnspec.plan import Plan
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Training

Mode = Literal["train", "predict"]
MODES: tuple[Mode, ...] = ("train", "predict")
WORDS: dict[Mode, str] = {"train": "training step", "predict": "prediction"}

TORCH = "torch"
"""What the others are held against: torch as it is, eager."""


@dataclass(frozen=True)
class Slice:
    """What was measured in place of a whole batch; the time is scaled up by the work."""

    images: int
    input: Shape
    """(channels, height, width) of the images: smaller than the spec's where those are large."""
    factor: float
    """Multiply-accumulates of the batch over those of the slice."""


@dataclass(frozen=True)
class Row:
    """One backend at one batch size: a training step, or a prediction."""

    mode: Mode
    backend: str
    batch_size: int
    seconds: Spread
    """Of a call on the batch."""
    calls: int
    ratio_to_torch: Spread | None
    """Of the times, turn by turn; None without torch."""
    gflops: float
    """Billions of operations a second, of the products of convolutions and linear layers."""
    of_roofline: float
    """The least time that the machine would need, over the median: 1 is the roof."""
    peak_memory: int | None = None
    """Bytes beyond those of the process before; None where they were not measured."""
    slice: Slice | None = None
    worthless: tuple[Reason, ...] = ()
    """Why these figures say nothing; empty where no reason is known."""


@dataclass(frozen=True)
class LayerRow:
    """One layer of one backend, in training steps."""

    layer: str
    kind: str
    backend: str
    forward: Spread
    """Seconds."""
    backward: Spread
    """Seconds, of all gradients."""
    gflops: float
    of_roofline: float
    worthless: tuple[Reason, ...] = ()
    """As of a row."""


@dataclass(frozen=True)
class LeftOut:
    """A backend, or a figure, that is missing."""

    what: str
    why: str


@dataclass(frozen=True)
class MeanRatio:
    """How many times as long as another backend one takes, over all batch sizes."""

    mode: Mode
    backend: str
    over: str
    geometric_mean: float
    least: float
    greatest: float


@dataclass(frozen=True)
class Bench:
    """All that a benchmark found."""

    plan: Plan
    training: Training
    machine: Machine
    load: Load
    """Before, and the highest while anything was measured."""
    rows: tuple[Row, ...]
    layer_batch: int
    """Images of the batch with which layers were timed."""
    layers: tuple[LayerRow, ...]
    left_out: tuple[LeftOut, ...]

    def means(self) -> Iterator[MeanRatio]:
        """Yield how backends compare over all batch sizes: with torch, and the loops with numpy."""
        names = dict.fromkeys(row.backend for row in self.rows)
        for mode, name in product(MODES, names):
            over = "numpy" if name == LOOPS else TORCH
            if name == over or over not in names:
                continue
            ratios = [
                own.seconds.median / other.seconds.median
                if own.ratio_to_torch is None or over != TORCH
                else own.ratio_to_torch.median
                for own, other in zip(self._of(mode, name), self._of(mode, over))
            ]
            yield MeanRatio(mode, name, over, geometric_mean(ratios), min(ratios), max(ratios))

    def _of(self, mode: Mode, backend: str) -> list[Row]:
        return [row for row in self.rows if (row.mode, row.backend) == (mode, backend)]
