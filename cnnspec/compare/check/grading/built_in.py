"""Which value of an option a class has built in, where it has no parameter for it.

A right class for one value is wrong for the others. So it is judged by each, and the verdict is
about the one that it fits best.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cnnspec.compare.causes import diagnose_layer
from cnnspec.compare.check.grading.drawn import grader_of
from cnnspec.compare.check.grading.grade import LayerGrader
from cnnspec.compare.check.grading.judged import Judged, with_causes
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.records import CheckFinding, NotSupported
from cnnspec.compare.kinds.layer import Setting
from cnnspec.spec.layers import Layer
from cnnspec.spec.sizes import Shape


class Fit(NamedTuple):
    """How well a class fits a value, the more telling first."""

    passes: bool
    """Whether all is right in the settings of that value."""
    outputs: int = 0
    """In how many settings the output is right, which says what a function is, if all have that
    value."""
    right: int = 0
    """How much is right so, and how much at least has a cause."""
    named: int = 0
    of_own: float = 0.0
    """The share that is right in the settings of that value; of what passes, the share of these
    that the class offers: one that refuses images for a value may have another."""


@dataclass(frozen=True)
class Taken:
    """What a verdict is about."""

    keys: Sequence[str]
    """Of the settings."""
    findings: Sequence[CheckFinding]
    firsts: Sequence[str]
    """The first setting of each value that was judged."""
    others: Mapping[str, NotSupported] = field(default_factory=dict)
    """Settings of the other values, which a class does not offer."""
    note: str = ""


def taken_for(
    option: str,
    graders: Mapping[str, LayerGrader],
    judged: Mapping[str, Sequence[Judged]],
    results: Results,
    said: str | None = None,
) -> Taken:
    """Return the settings that a class is made for: of all values, if it can be told which.

    `said` is the value that the name of the class says, which is the only one to judge it by.
    """
    keys = list(judged)
    lacks = [why for key in graders if (why := results.said(key, "lacks")) is not None]
    if not lacks:
        return Taken(keys, _explained(keys, judged), keys[:1])
    by_value: dict[str, list[str]] = {}
    for key in keys:
        by_value.setdefault(getattr(graders[key].setting.layer, option), []).append(key)
    if said in by_value:
        why = f"its name says `{said}`"
        return Taken(
            by_value[said],
            _explained(by_value[said], judged),
            by_value[said][:1],
            {
                key: NotSupported(graders[key].setting.name, why, option)
                for key in keys
                if key not in by_value[said]
            },
            f"taken for: {option}: {said}, as its name says",
        )
    findings = {value: _explained(own, judged) for value, own in by_value.items()}
    of = [getattr(grader.setting.layer, option) for grader in graders.values()]
    fits = {
        value: Fit(all(f.ok for f in found), of_own=len(by_value[value]) / of.count(value))
        for value, found in findings.items()
    }
    if not any(fit.passes for fit in fits.values()):
        settings = {key: graders[key].setting for key in keys}
        fits = _compared(option, findings, settings, results)
    value = max(fits, key=lambda each: fits[each])  # of equals, the default, which comes first
    return Taken(
        by_value[value],
        findings[value],
        [own[0] for own in by_value.values()],
        {
            key: NotSupported(graders[key].setting.name, lacks[0], option)
            for key in keys
            if key not in by_value[value]
        },
        f"taken for: {option}: {value}{_why(option, value, fits)}",
    )


def _share_right(findings: Sequence[CheckFinding], by_chance: Container[str]) -> float:
    told = [finding.ok for finding in findings if finding.quantity not in by_chance]
    return sum(told) / len(told)


def _compared(
    option: str,
    own: Mapping[str, Sequence[CheckFinding]],
    settings: Mapping[str, Setting],
    results: Results,
) -> dict[str, Fit]:
    """Judge what a class gave in each setting by each value: those of one may be harder.

    `own` is what was found in the settings of each value.
    """
    found: dict[str, list[Judged]] = {value: [] for value in own}
    by_chance: set[str] = set()
    for key, setting in settings.items():
        layers = [setting.layer.model_copy(update={option: value}) for value in own]
        if not _are_given_alike(layers, setting.input):
            continue
        for value, layer in zip(own, layers):
            grader = grader_of(replace(setting, layer=layer))
            by_chance.update(grader.by_chance)
            found[value] += (
                item
                for item in grader.judged(key, results)
                if item.finding.quantity not in grader.by_chance
            )
    explained = {value: with_causes(judged, diagnose_layer) for value, judged in found.items()}
    return {
        value: Fit(
            False,
            sum(finding.ok for finding in findings if finding.quantity == "output"),
            sum(finding.ok for finding in findings),
            sum(finding.ok or _is_explained(finding) for finding in findings),
            _share_right(own[value], by_chance),
        )
        for value, findings in explained.items()
    }


def _is_explained(finding: CheckFinding) -> bool:
    """Tell whether a cause gives the numbers; a wrong shape by itself gives none."""
    return finding.cause is not None and finding.cause.code != "shape"


def _are_given_alike(layers: Sequence[Layer], input: Shape) -> bool:
    """Tell whether layers take the same input and have the same weights."""
    if any(problem for layer in layers for problem in layer.problems(input)):
        return False
    first, *others = (layer.parameters(input) | layer.buffers(input) for layer in layers)
    return all(each == first for each in others)


def _explained(
    keys: Sequence[str], judged: Mapping[str, Sequence[Judged]]
) -> Sequence[CheckFinding]:
    """Return the findings of settings with the causes that they have in common."""
    return with_causes([item for key in keys for item in judged[key]], diagnose_layer)


def _why(option: str, value: str, fits: Mapping[str, Fit]) -> str:
    """Say why a class that is wrong is judged by this value."""
    others = [other for other in fits if other != value]
    if fits[value].passes or not others:
        return ""
    compared = " or ".join(f"{option}: {other}" for other in others)
    if all(fits[value] > fits[other] for other in others):
        return f", which it fits better than {compared}"
    return f", the default: it fits {compared} no better"
