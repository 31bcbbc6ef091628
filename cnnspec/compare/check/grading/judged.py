"""A finding beside the numbers that it is about, and the search for their cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from cnnspec.compare.check.grading.cut import cut_out
from cnnspec.compare.check.records import CheckFinding
from cnnspec.compare.faults.fault import LayerSituation, Observation
from cnnspec.compare.verdict import Cause
from cnnspec.compare.verdict.measure import Measured, measure


class Diagnose(Protocol):
    """Name the cause of numbers that are wrong; it may be `two` faults at once."""

    def __call__(self, observations: list[Observation[Any]], *, two: bool) -> Cause | None: ...


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

    @classmethod
    def of(cls, finding: CheckFinding, observations: Sequence[Observation[Any]]) -> Judged:
        """Hold what was observed on each probe against what is right."""
        measured = [_measured(observation) for observation in observations]
        worst = max(measured, key=lambda found: found.ratio)
        ok = worst.ok
        wrong = [n for n, found in enumerate(measured) if not found.ok]
        # Causes are put in the numbers of the most images: those are shown.
        shown = max(wrong, key=lambda n: _images(observations[n]), default=0)
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
        )

    def known_as(self, cause: Cause | None) -> Judged:
        """Keep a cause for the case that the list has none."""
        return replace(self, known=cause)


def with_causes(judged: Iterable[Judged], diagnose: Diagnose) -> list[CheckFinding]:
    """Return the findings, those of wrong numbers with their cause.

    What is wrong in several settings is put down to one fault where one gives the numbers of
    all: a factor of 2 is no number of channels, if there are three in another setting.
    """
    judged = list(judged)
    together: dict[tuple[object, ...], list[Judged]] = {}
    for item in judged:
        if item.observations:
            together.setdefault(_alike(item), []).append(item)
    causes = {key: _shared(items, diagnose) for key, items in together.items()}
    several = {key for key, items in together.items() if len(items) > 1}
    return [
        _explained(item, causes[key], diagnose if key in several else None)
        if item.observations and (key := _alike(item))
        else item.finding
        for item in judged
    ]


def _alike(item: Judged) -> tuple[object, ...]:
    """Tell what may have one cause: a fault is looked for in arrays of as many axes."""
    return (
        item.finding.quantity,
        item.observations[0].wanted.ndim,
        _other_shape(item.observations),
    )


def _shared(items: Sequence[Judged], diagnose: Diagnose) -> Cause | None:
    """Name one cause of all; only here, once, are two faults at once looked for."""
    together = [observation for item in items for observation in item.observations]
    cause = diagnose(together, two=True) or _of_float32(items, diagnose)
    # Of wrong shapes nothing is held together but that they are wrong.
    return None if cause is None or (cause.code == "shape" and len(items) > 1) else cause


def _explained(item: Judged, shared: Cause | None, diagnose: Diagnose | None) -> CheckFinding:
    """Name the cause that several settings share, or that of this one alone."""
    own = None
    if diagnose and not shared:
        own = diagnose(list(item.observations), two=False) or _of_float32([item], diagnose)
    cause = shared or own or item.known
    message = item.unless_known if cause is None else ""
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
