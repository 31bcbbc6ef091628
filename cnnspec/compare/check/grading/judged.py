"""A finding beside the numbers that it is about, and the search for their cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from cnnspec.compare.check.grading.cut import cut_out
from cnnspec.compare.check.records import CheckFinding
from cnnspec.compare.faults.fault import LayerSituation, Observation
from cnnspec.compare.verdict import Cause
from cnnspec.compare.verdict.measure import Measured, measure

_Axes = tuple[str, int]
"""A quantity, and the number of its axes."""
_Alike = tuple[_Axes, bool]
"""Those, and whether a shape is wrong."""


class Diagnose(Protocol):
    """Name the cause of numbers that are wrong; it may be `two` faults at once.

    What was found `elsewhere`, in other settings, must not contradict it.
    """

    def __call__(
        self,
        observations: list[Observation[Any]],
        *,
        two: bool,
        elsewhere: Sequence[Sequence[Observation[Any]]] = (),
    ) -> Cause | None: ...


@dataclass(frozen=True)
class Judged:
    """A finding; where numbers are wrong, what was observed of them in this setting."""

    finding: CheckFinding
    observations: tuple[Observation[Any], ...] = ()
    known: Cause | None = None
    """A cause to name where no fault of the list gives these numbers."""
    note: str = ""
    in_float32: bool = False
    """Whether it is wrong in float32, too, and seems to be computed in that."""
    unless_known: str = ""
    """What is said where no cause is found."""
    right: tuple[Observation[Any], ...] = ()
    """What was observed of numbers that are right: causes must not make them wrong."""

    @classmethod
    def of(cls, finding: CheckFinding, observations: Sequence[Observation[Any]]) -> Judged:
        """Hold what was observed on each probe against what is right."""
        measured = [_measured(observation) for observation in observations]
        worst = max(measured, key=lambda found: found.ratio)
        ok = worst.ok
        wrong = [n for n, found in enumerate(measured) if not found.ok]
        # Causes are put in the numbers of the most images: those are shown, the last of them.
        shown = max(reversed(wrong), key=lambda n: _images(observations[n]), default=0)
        return cls(
            replace(
                finding,
                ok=ok,
                reached=True,
                max_abs=max(found.max_abs for found in measured),
                budget=(worst if ok else measured[shown]).budget,
                example="" if ok else _example(observations[shown], measured[shown]),
                shown=None if ok else cut_out(observations[shown], measured[shown].position),
            ),
            () if ok else tuple(observations),
            right=tuple(observations) if ok else (),
        )

    def known_as(self, cause: Cause | None) -> Judged:
        """Keep a cause for the case that the list has none."""
        return replace(self, known=cause)


def with_causes(judged: Iterable[Judged], diagnose: Diagnose) -> list[CheckFinding]:
    """Return the findings, those of wrong numbers with their cause.

    What is wrong in several settings is put down to one fault where one gives the numbers of
    all: a factor of 2 is no number of channels, if there are three in another setting. A fault
    that fits one setting alone is chance where another one contradicts it.
    """
    judged = list(judged)
    wrong: dict[_Alike, list[Judged]] = {}
    right: dict[_Axes, list[Sequence[Observation[Any]]]] = {}
    for item in judged:
        if item.observations:
            wrong.setdefault(_alike(item), []).append(item)
        if item.right:
            right.setdefault(_axes(item.finding, item.right), []).append(item.right)
    causes = {key: _causes(items, right.get(key[0], []), diagnose) for key, items in wrong.items()}
    far = {item.finding.quantity for item in judged if item.observations and not item.unless_known}
    return [
        _explained(item, next(causes[_alike(item)]), item.finding.quantity not in far)
        if item.observations
        else item.finding
        for item in judged
    ]


def _axes(finding: CheckFinding, observations: Sequence[Observation[Any]]) -> _Axes:
    """Tell where a fault may be looked for: in arrays of as many axes."""
    return finding.quantity, observations[0].wanted.ndim


def _alike(item: Judged) -> _Alike:
    """Tell what may have one cause."""
    return _axes(item.finding, item.observations), _other_shape(item.observations)


def _causes(
    items: Sequence[Judged], right: Sequence[Sequence[Observation[Any]]], diagnose: Diagnose
) -> Iterator[Cause | None]:
    """Name one cause of all settings that are wrong, or else a cause of each.

    Only for all, once, are two faults at once looked for.
    """
    together = [observation for item in items for observation in item.observations]
    elsewhere = right if len(items) == 1 else ()
    shared = diagnose(together, two=True, elsewhere=elsewhere) or _of_float32(items, diagnose)
    # Of wrong shapes nothing is held together but that they are wrong.
    if len(items) == 1 or (shared is not None and shared.code != "shape"):
        yield from [shared] * len(items)
        return
    for item in items:
        others = [*(other.observations for other in items if other is not item), *right]
        own = diagnose(list(item.observations), two=False, elsewhere=others)
        yield own or _of_float32([item], diagnose)


def _explained(item: Judged, found: Cause | None, small: bool) -> CheckFinding:
    """Name the cause that was found, or the known one.

    What is said where none is known, of how far off the numbers are, must hold of all settings.
    """
    cause = found or item.known
    message = item.unless_known if cause is None and small else ""
    example = item.finding.example
    if cause is not None and cause.code == "shape":
        example = ""  # the cause says both shapes
    return replace(item.finding, cause=cause, message=message, example=example)


def _of_float32(items: Sequence[Judged], diagnose: Diagnose) -> Cause | None:
    """Name the cause of numbers that were computed in float32, by what that explains."""
    if not all(item.in_float32 for item in items):
        return None
    observed = [replace(o, precision="float32") for item in items for o in item.observations]
    return diagnose(observed, two=False)


def _other_shape(observations: Sequence[Observation[Any]]) -> bool:
    return any(o.found.shape != o.wanted.shape for o in observations)


def _images(observation: Observation[Any]) -> int:
    situation = observation.situation
    return len(situation.x if isinstance(situation, LayerSituation) else situation.logits)


def _measured(observation: Observation[Any]) -> Measured:
    return measure(observation.found, observation.wanted, observation.budget)


def _example(observation: Observation[Any], measured: Measured) -> str:
    """Show the worst element, on its probe."""
    where = observation.situation.probe
    found, wanted = observation.found, observation.wanted
    if np.shape(found) != wanted.shape:
        return f"{where}: shape {list(np.shape(found))}, wanted {list(wanted.shape)}"
    at = measured.position
    place = f" at {list(at)}" if at else ""
    return f"{where}{place}: found {float(found[at]):.6g}, wanted {float(wanted[at]):.6g}"
