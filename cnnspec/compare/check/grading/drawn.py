"""Grading a class that draws a mask of its own, which nobody else knows.

What it dropped is read off its output: then all that follows is held against the textbook with
that mask. Whether it drops as much as it should, other numbers in each call, and what evaluation
gives is looked at besides. What is said of it stands in the kind's room.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cnnspec.compare.check.grading.evaluation import evaluations, failed_evaluation
from cnnspec.compare.check.grading.grade import LayerGrader
from cnnspec.compare.check.grading.judged import Judged
from cnnspec.compare.check.grading.setting import EVALUATION
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.records import CheckFinding
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.kinds.drawing import DrawingKind
from cnnspec.compare.kinds.layer import Setting
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.verdict import Cause
from cnnspec.spec.layers import Layer
from cnnspec.spec.mask import Mask
from cnnspec.trace import Array

ONCE = 1e-9
"""How often an honest class may be called wrong, by the masks that it happens to draw."""

AXES = ("images", "channels", "rows", "columns")


def grader_of(setting: Setting) -> LayerGrader:
    """Return what grades a class in a setting."""
    return DrawnGrader(setting) if setting.layer.mask(setting.input) else LayerGrader(setting)


class DrawnGrader(LayerGrader):
    """One setting of a layer that draws."""

    again = "redrawn"
    more = ("share", "one by one")
    by_chance = (again, "share")

    @property
    def mask(self) -> Mask:
        """What is to be drawn."""
        mask = self.at.mask
        assert mask is not None
        return mask

    @property
    def room(self) -> DrawingKind:
        """What is said of a mask of that kind."""
        room = LAYERS[self.at.kind]
        assert isinstance(room, DrawingKind)
        return room

    def judged(self, key: str, results: Results) -> Iterator[Judged]:
        of_layer = [*super().judged(key, results)]
        if results.error(key, "construct"):
            yield from of_layer
            return
        keys = [f"{key}-p{number}" for number in range(len(self.probes))]
        found = [results.arrays(each) for each in keys]
        share = self._share(found)
        meant = self.room.meant_by_kept(self.setting.layer)
        if share.cause == self.room.kept_for_dropped and meant is not None:
            yield from self._right_as_either(of_layer, meant, key, results)
        else:
            yield from of_layer
        yield Judged(share)
        yield Judged(self._one_by_one(found))

    def _right_as_either(
        self, of_layer: Sequence[Judged], meant: Layer, key: str, results: Results
    ) -> Iterator[Judged]:
        """Yield what is right for the wrong share as right: that share is the one fault."""
        other = DrawnGrader(replace(self.setting, layer=meant))
        for own, its in zip(of_layer, LayerGrader.judged(other, key, results)):
            yield its if its.finding.ok else own

    def probe(self, number: int, found: Mapping[str, Array]) -> LayerProbe:
        return replace(self.probes[number], noise=self._kept(number, found))

    def _kept(self, number: int, found: Mapping[str, Array]) -> NDArray[np.bool]:
        """Read the mask off what a class gave: of an input of 0, off the gradient."""
        x = self.probes[number].x
        output, grad = found.get("output"), found.get("grad_input")
        if output is None or output.shape != x.shape:
            kept = np.ones(x.shape, bool)
        else:
            of_zeros = np.ones(x.shape, bool) if grad is None or grad.shape != x.shape else grad
            kept = np.where(x == 0, of_zeros != 0, output != 0)
        return self._by_mask(kept)

    def _by_mask(self, numbers: NDArray[np.bool]) -> NDArray[np.bool]:
        """Return for each number of the mask whether it is so of any that it stands for."""
        shared = tuple(axis for axis, size in enumerate(self.mask.shape, 1) if size == 1)
        found: NDArray[np.bool] = np.any(numbers, axis=shared, keepdims=True)
        return found

    def _share(self, found: Sequence[Mapping[str, Array]]) -> CheckFinding:
        """Hold the number of those dropped against a binomial distribution."""
        seen, dropped = 0, 0
        for number, arrays in enumerate(found):
            x = self.probes[number].x
            if "output" in arrays and arrays["output"].shape == x.shape:
                known = self._by_mask(x != 0)
                seen += int(known.sum())
                dropped += int((known & ~self._kept(number, arrays)).sum())
        if not seen:
            return self.unreached_as("share")
        p = self.mask.drops
        if is_plausible(dropped, seen, p):
            return CheckFinding(self.name, "share", True)
        cause: Cause | None = None
        if not dropped:
            cause = self.room.nothing_dropped
        elif is_plausible(dropped, seen, 1 - p):
            cause = self.room.kept_for_dropped
        message = self.room.share_in_words(self.setting.layer, dropped, seen)
        return CheckFinding(self.name, "share", False, message=message, cause=cause)

    def _one_by_one(self, found: Sequence[Mapping[str, Array]]) -> CheckFinding:
        """Hold that no two numbers must always be dropped together, along any axis."""
        number = max(range(len(found)), key=lambda n: np.count_nonzero(self.probes[n].x))
        if "output" not in found[number]:
            return self.unreached_as("one by one")
        kept, p = self._kept(number, found[number]), self.mask.drops
        names = AXES if kept.ndim == len(AXES) else (AXES[0], "features")
        together = []
        for axis, (name, size) in enumerate(zip(names, kept.shape)):
            by_chance = (p**size + (1 - p) ** size) ** (kept.size / size)
            first = kept.take([0], axis)
            if size > 1 and by_chance < ONCE and kept.any() and np.all(kept == first):
                together.append(name)
        ok = not together or kept.all()  # that nothing is dropped is told as its share
        cause = None if ok else self.room.dropped_together(together)
        return CheckFinding(self.name, "one by one", bool(ok), cause=cause)

    def evaluation(self, key: str, results: Results) -> Judged:
        """Hold that nothing is drawn in evaluation."""
        if failure := failed_evaluation(self, EVALUATION, key, results):
            return failure
        found = [*evaluations(self, key, results)]
        if not found:
            return Judged(self.unreached_as(EVALUATION))
        layer = self.setting.layer
        same = all(
            np.array_equal(arrays["evaluated"], self.room.in_evaluation(layer, probe.x))
            for probe, arrays in found
        )
        cause = None if same else self.room.other_in_evaluation
        return Judged(CheckFinding(self.name, EVALUATION, same, cause=cause))

    def is_same(
        self, quantity: str, found: Mapping[str, Array], before: Mapping[str, Array]
    ) -> bool:
        """Tell whether a pass is right by the mask that it drew, as the one before was."""
        now, was = (self._observed(0, quantity, arrays) for arrays in (found, before))
        return now.right or not was.right

    def repeatable(self, key: str, results: Results) -> CheckFinding:
        """Hold that two calls drop other numbers, where that would be no accident."""
        first, second = (results.arrays(f"{key}-{time}") for time in ("first", "second"))
        repeated = results.said(key, "repeated")
        if repeated is None or "output" not in first or "output" not in second:
            return self.unreached_as(self.again)
        number, p = int(repeated.removeprefix("p")), self.mask.drops
        one, other = (self._kept(number, found) for found in (first, second))
        by_chance = (p**2 + (1 - p) ** 2) ** one.size
        same = by_chance < ONCE and np.array_equal(one, other)
        cause = self.room.same_mask if same else None
        return CheckFinding(self.name, self.again, not same, cause=cause)


def is_plausible(dropped: int, seen: int, p: float) -> bool:
    """Tell whether so few, and so many, numbers may be dropped with a probability p each."""
    if p in (0, 1):
        return dropped == p * seen
    chances = [
        math.exp(
            math.lgamma(seen + 1)
            - math.lgamma(k + 1)
            - math.lgamma(seen - k + 1)
            + k * math.log(p)
            + (seen - k) * math.log1p(-p)
        )
        for k in range(seen + 1)
    ]
    return min(math.fsum(chances[: dropped + 1]), math.fsum(chances[dropped:])) >= ONCE
