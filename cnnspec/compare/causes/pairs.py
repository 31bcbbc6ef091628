"""Two faults at once, where no fault by itself gives what was found.

Faults go together in three ways. Changes of one problem may be made together (`Joined`): a kernel
that is flipped, and transposed. What a fault gives may suffer once more what any array may: a
factor, another order. And what is added to an array may hide a factor. All such pairs are tried on
the smallest probe first, which few of them pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from cnnspec.compare.causes.accumulated import accumulated, of_pass_alone
from cnnspec.compare.causes.layout import reordered
from cnnspec.compare.causes.penalty import penalty, without_penalty
from cnnspec.compare.causes.scales import named_scales
from cnnspec.compare.faults.fault import (
    BESIDES,
    Fault,
    Joined,
    LayerSituation,
    Observation,
    Prediction,
    gives,
)
from cnnspec.compare.verdict.measure import measure

Observed = Observation[LayerSituation]
LayerFault = Fault[LayerSituation]

CLEAR = 1e-3
"""How far off a number is, of the greatest wanted, where two faults may be told from one."""
TELLING = 4
"""Different numbers on a probe that tell most faults from each other."""
MOST = 50_000
"""Numbers of a probe on which changes are made together: on more, it would take too long."""


def two_faults(
    observations: Sequence[Observed], faults: Sequence[LayerFault]
) -> Iterator[LayerFault]:
    """Yield pairs of faults that give what was found on the smallest probe."""
    probe = _smallest(observations)
    if probe is None:
        return
    tried = [of for fault in faults if (of := _tried(fault, probe))]
    for of in tried:
        if _is_proportional(probe, of.given) and all(
            _is_proportional(at, at_once)
            for at in observations
            if not at.right and np.isfinite(at.found).all()
            if (at_once := of.fault.change(at)) is not None
        ):
            for scale in named_scales([as_if_right(of.fault, at) for at in observations]):
                yield _pair(of.fault, scale, Then(of.fault, scale))
    moves = [*reordered(probe)]
    for of in tried:
        if of.given.value.ndim != probe.wanted.ndim:  # such axes are not there to be moved
            continue
        after = as_if_right(of.fault, probe)
        for move in moves:
            given = move.change(after)
            if given and gives(given, probe.found):
                yield _pair(of.fault, move, Then(of.fault, move))
    yield from _beside_a_factor(observations)
    if probe.situation.numbers <= MOST:
        yield from _made_together(tried, probe)


class _Tried(NamedTuple):
    """A fault, and what it gives on a probe."""

    fault: LayerFault
    given: Prediction
    fits: bool
    idle: bool
    """Whether it changes nothing there."""


def _tried(fault: LayerFault, probe: Observed) -> _Tried | None:
    given = fault.change(probe)
    if given is None:
        return _Tried(fault, Prediction(probe.wanted, probe.budget), False, True)
    if not np.isfinite(given.value).all():
        return None
    return _Tried(fault, given, gives(given, probe.found), gives(given, probe.wanted))


def _smallest(observations: Sequence[Observed]) -> Observed | None:
    """Return the smallest probe on which numbers are wrong, if they are clearly so."""
    wrong = [at for at in observations if np.isfinite(at.found).all() and not at.right]
    if not any(map(_is_clear, wrong)):
        return None
    return min(wrong, key=lambda at: (not _tells(at), at.situation.numbers))


def _tells(observation: Observed) -> bool:
    """Tell whether few faults give what was found: some numbers, and not all alike."""
    return np.unique(observation.found).size >= TELLING


def _is_clear(observation: Observed) -> bool:
    found, wanted = observation.found, observation.wanted
    if found.shape != wanted.shape:
        return True
    size = max(np.abs(wanted).max(initial=0), np.abs(found).max(initial=0))
    return bool(np.abs(found - wanted).max(initial=0) > CLEAR * size)


def _is_proportional(probe: Observed, given: Prediction) -> bool:
    found, (value, budget) = probe.found, given
    size = float(np.sum(value * value))
    if found.shape != value.shape or size == 0:
        return False
    factor = float(np.sum(found * value)) / size
    if factor == 0:  # no size of a problem is 0
        return False
    rounding = 1e-12 * np.abs(factor * value)  # a first look
    return measure(found, factor * value, abs(factor) * budget + rounding).ok


def as_if_right(fault: LayerFault, observation: Observed) -> Observed:
    """Take what a fault gives for what is wanted."""
    given = fault.change(observation)
    if given is None:
        return observation
    return replace(observation, wanted=given.value, budget=given.budget)


@dataclass(frozen=True)
class Then:
    """What a fault gives suffers another one."""

    first: LayerFault
    second: LayerFault

    def __call__(self, observation: Observed) -> Prediction | None:
        """Predict what is observed."""
        return self.second.change(as_if_right(self.first, observation))


def _made_together(tried: Sequence[_Tried], probe: Observed) -> Iterator[LayerFault]:
    """Yield changes of one problem: what changes nothing on this probe may do so on others."""
    joined = [of for of in tried if isinstance(of.fault.change, Joined)]
    for one, other in combinations(joined, 2):
        alone = (one.fits and other.idle) or (other.fits and one.idle)
        if (one.idle or other.idle) and not alone:
            continue
        assert isinstance(one.fault.change, Joined)
        change = one.fault.change.beside(other.fault.change)
        if change is None:
            continue
        given = change(probe)
        if given and gives(given, probe.found):
            yield _pair(one.fault, other.fault, change)


def _beside_a_factor(observations: Sequence[Observed]) -> Iterator[LayerFault]:
    """Yield what is added to an array that a factor has changed."""
    for fault in accumulated(observations):
        for scale in named_scales([*of_pass_alone(observations)]):
            yield _pair(scale, fault, Then(scale, fault))
    bare = [*without_penalty(observations)]
    for scale in named_scales(bare) if len(bare) == len(observations) else ():
        for fault in penalty([as_if_right(scale, at) for at in observations]):
            yield _pair(scale, fault, Then(scale, fault))


def _pair(one: LayerFault, other: LayerFault, change: object) -> LayerFault:
    sentence = f"{one.sentence}{BESIDES}{other.sentence}"
    return Fault(one.code, (), sentence, change, besides=other.code)  # type: ignore[arg-type]
