"""The loops' part in a benchmark: a slice of the work, whose time is scaled up."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from cnnspec.backends.network import Batch
from cnnspec.bench.measure import Spread
from cnnspec.bench.records import MODES, Mode, Slice
from cnnspec.compare import BackendChoice
from cnnspec.errors import SpecError
from cnnspec.plan import Plan, resolve
from cnnspec.spec.model import ModelSpec

MOST_MACS = 10_000_000
"""Multiply-accumulates of an image up to which it is taken whole: seconds of loops."""


@dataclass(frozen=True)
class SliceTimes:
    """One training step and one prediction of a slice."""

    plan: Plan
    images: int
    seconds: dict[Mode, float]

    def scaled(self, mode: Mode, plan: Plan, batch: int) -> tuple[Spread, Slice]:
        """Return the time of a batch of the whole plan, and from what it was scaled up."""
        factor = batch * plan.macs / (self.images * self.plan.macs)
        taken = Slice(self.images, self.plan.input, factor)
        return Spread.of([factor * self.seconds[mode]]), taken


def measure_slice(choice: BackendChoice, spec: ModelSpec) -> SliceTimes:
    """Time the loops on the smallest batch that a training takes, of images made smaller."""
    plan = resolve(cut_to_size(spec))
    images = max(at.layer.least_batch(at.input) for at in plan.layers)
    network = choice.build(plan, spec.training)
    x = np.random.default_rng(0).normal(size=(images, *plan.input)).astype(np.float32)
    labels = np.zeros(images, np.int64)
    seconds: dict[Mode, float] = {}
    for mode in MODES:
        start = time.perf_counter()
        if mode == "train":
            network.train_step(Batch(x, labels), 0.0, 1)
        else:
            network.predict(x)
        seconds[mode] = time.perf_counter() - start
    return SliceTimes(plan, images, seconds)


def cut_to_size(spec: ModelSpec) -> ModelSpec:
    """Halve the images until one has few multiply-accumulates, or no layer would fit them."""
    spec = spec.model_copy(update={"data": None})
    while resolve(spec).macs > MOST_MACS:
        channels, height, width = spec.input
        half = spec.model_copy(update={"input": (channels, height // 2, width // 2)})
        try:
            resolve(half)
        except SpecError:
            break
        spec = half
    return spec
