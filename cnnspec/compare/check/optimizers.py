"""Checking an optimizer: a class or a function, step by step, in several settings.

What it has no parameter for, it has built in. Which value that is, is told by its numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, NamedTuple

from pydantic import ValidationError

from cnnspec.compare.check.grading.grade_optimizer import OptimizerGrader, diagnose
from cnnspec.compare.check.grading.judged import with_causes
from cnnspec.compare.check.offered import refused
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.process.run import run_child
from cnnspec.compare.check.records import Checked, CheckFinding, NotSupported, NotTried
from cnnspec.compare.check.trying import Asked
from cnnspec.compare.kinds import OPTIMIZERS
from cnnspec.spec.optimizers import AnyOptimizer

RATE = "learning_rate"
"""The option that every setting is about."""


class Taken(NamedTuple):
    """What a class is taken for, where it has options built in."""

    graders: Mapping[str, OptimizerGrader]
    """Of the settings that it is made for."""
    built_in: Mapping[str, Any]


def check_optimizer(asked: Asked, like: AnyOptimizer | None = None) -> Checked:
    """Try a class, or a function, as an optimizer; with options that a user gave, in these alone.

    Then what it has no parameter for is what it does anyway.
    """
    kind = OPTIMIZERS[asked.kind]
    tried = kind.settings if like is None else {"as given": like}
    graders = {
        f"s{number}": OptimizerGrader(name, options)
        for number, (name, options) in enumerate(tried.items())
    }
    given = {
        f"{key}-{what}": arrays
        for key, grader in graders.items()
        for what, arrays in (("start", grader.start), ("gradients", grader.gradients))
    }
    settings = [
        {"key": key, "options": grader.options.model_dump()} for key, grader in graders.items()
    ]

    def show(key: str) -> None:
        asked.on_progress(list(graders).index(key), len(graders), graders[key].setting)

    results = run_child(asked.request | {"settings": settings}, given, asked.limit, show)
    unreached = {key: grader.unreached() for key, grader in graders.items()}
    every = [finding for findings in unreached.values() for finding in findings]
    if stopped := asked.not_graded(every, results, results.hint()):
        return stopped
    refusals = {
        key: NotSupported(grader.setting, why)
        for key, grader in graders.items()
        if (why := results.unsupported(key)) is not None
    }
    offered = {key: grader for key, grader in graders.items() if key not in refusals}
    if error := _never_called(offered, refusals, results):
        return asked.checked(every, results, error=error)
    taken = Taken(offered, {}) if like else _taken(asked.kind, offered, results)
    judged = {key: [*grader.judged(key, results)] for key, grader in taken.graders.items()}
    explained = iter(with_causes([item for own in judged.values() for item in own], diagnose))
    left_out = {
        key: refusals.get(key) or _left_out(grader, taken.built_in)
        for key, grader in graders.items()
        if key not in judged
    }
    findings: list[CheckFinding] = []
    for key in graders:
        if key in judged:
            findings += [next(explained) for _ in judged[key]]
        else:
            findings += refused(unreached[key], left_out[key], asked.require)
    notes = [note for key in judged for note in results.notes(key)]
    notes += [item.note for own in judged.values() for item in own if item.note]
    notes += [
        f"taken for: {option}: {_written(value)}"
        for option, value in taken.built_in.items()
        if value != kind.built_in[option][0]
    ]
    not_tried = dict.fromkeys(item for key in judged for item in results.not_tried(key).items())
    return asked.checked(
        findings,
        results,
        not_supported=tuple(left_out.values()),
        not_tried=tuple(NotTried(*item) for item in not_tried),
        notes=tuple(dict.fromkeys(notes)),
    )


def _never_called(
    offered: Mapping[str, OptimizerGrader],
    refusals: Mapping[str, NotSupported],
    results: Results,
) -> str:
    """Say why nothing can be graded: there is no setting in which a way to call it is found."""
    if not offered:
        return next(iter(refusals.values())).why
    called = any(not results.said(key, "no_way") for key in offered)
    return "" if called else results.error(next(iter(offered)), "update")


def _taken(kind: str, graders: Mapping[str, OptimizerGrader], results: Results) -> Taken:
    """Return the values built in with which most settings are right, of equals the likeliest."""
    said = [results.said(key, "offered") for key in graders]
    known = [set(offered) for offered in said if offered is not None]
    if not known:
        return Taken(graders, {})
    offered = set[str]().union(*known)
    values = {
        option: own for option, own in OPTIMIZERS[kind].built_in.items() if option not in offered
    }
    ways = [
        Taken(_with(built_in, graders), built_in)
        for built_in in (dict(zip(values, each)) for each in product(*values.values()))
    ]

    def right(way: Taken) -> int:
        return sum(grader.right(key, results) for key, grader in way.graders.items())

    best = max(ways, key=right)
    if right(best):
        return best
    # Something is wrong in all settings: with the value that is built in, it has a cause.
    return next((way for way in ways if len(ways) > 1 and _has_cause(way, results)), best)


def _has_cause(way: Taken, results: Results) -> bool:
    judged = [item for key, grader in way.graders.items() for item in grader.judged(key, results)]
    findings = with_causes([item for item in judged if item.observations], diagnose)
    return any(finding.cause for finding in findings)


def _with(
    built_in: Mapping[str, Any], graders: Mapping[str, OptimizerGrader]
) -> dict[str, OptimizerGrader]:
    """Return graders of a class that has some options built in, for what it can be asked."""
    return {
        key: OptimizerGrader(grader.setting, _replaced(grader.options, built_in))
        for key, grader in graders.items()
        if not _asks_for(grader.options, built_in)
    }


def _asks_for(options: AnyOptimizer, lacking: Iterable[str]) -> str:
    """Return the option that a setting is about, of those that a class has no parameter for."""
    default = OPTIMIZERS[options.keyword].built_in
    asked = (
        name for name in lacking if name != RATE and getattr(options, name) != default[name][0]
    )
    return next(asked, "")


def _replaced(options: AnyOptimizer, built_in: Mapping[str, Any]) -> AnyOptimizer:
    """Return options with others; without those that need what is not there."""
    for left_out in (None, *built_in):
        given = {name: value for name, value in built_in.items() if name != left_out}
        try:
            return type(options)(**(options.model_dump() | given))
        except ValidationError:
            continue
    return options


def _left_out(grader: OptimizerGrader, lacking: Iterable[str]) -> NotSupported:
    option = _asks_for(grader.options, lacking)
    return NotSupported(grader.setting, f"no parameter is its `{option}`", option)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{[*value]}" if isinstance(value, tuple) else f"{value:g}"
