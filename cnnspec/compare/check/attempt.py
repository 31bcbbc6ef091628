"""A class in one layout: tried in every setting, and judged by the textbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from cnnspec.compare.check.grading.built_in import taken_for
from cnnspec.compare.check.grading.drawn import grader_of
from cnnspec.compare.check.grading.grade import LayerGrader
from cnnspec.compare.check.grading.judged import Judged
from cnnspec.compare.check.named import value_by_name
from cnnspec.compare.check.offered import (
    is_unusable,
    not_offered,
    one_of_each_name,
    refused,
    required,
    to_be_said,
    untried_options,
)
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.reading_off import in_words, read_off, with_values
from cnnspec.compare.check.records import Checked, CheckFinding, NotSupported, NotTried
from cnnspec.compare.check.running import run_all
from cnnspec.compare.check.switched_off import left_out_everywhere, with_the_rest, without
from cnnspec.compare.check.trying import Asked
from cnnspec.compare.kinds.layer import Setting


class Attempt(NamedTuple):
    """A class in one layout."""

    checked: Checked
    otherwise: Sequence[Setting] = ()
    """Settings in which other layouts are worth a look, as no pass works in this one."""
    fits: bool = False
    """Whether all that it gives has the shape that it must have."""
    shares: Mapping[str, str] = MappingProxyType({})
    """What it calls options that are shares, by our names for the rest, 1 - each."""


def attempt(asked: Asked, settings: Sequence[Setting]) -> Attempt:
    """Try a class in settings of a layer, with the values of options that it has built in."""
    given = _without_what_it_lacks(asked, settings)
    if asked.request["built_in"]:
        return given
    lacks = left_out_everywhere(given.checked, settings)
    examples = settings if lacks is None else without(settings, lacks.option)
    values = read_off(asked, examples, given.checked)
    if not values:
        return given
    other = _without_what_it_lacks(replace(asked, values=values), with_values(settings, values))
    if not _outputs_are_right(other.checked):
        return given
    notes = (in_words(values), *other.checked.notes)
    return other._replace(checked=replace(other.checked, notes=notes))


def _outputs_are_right(checked: Checked) -> bool:
    """Tell whether all that forward passes gave is right, and something was."""
    found = [each.ok for each in checked.findings if each.quantity == "output" and each.offered]
    return bool(found) and all(found)


def _without_what_it_lacks(asked: Asked, settings: Sequence[Setting]) -> Attempt:
    """Try a class in settings of a layer; without a part that it leaves out everywhere."""
    given = _checked_as_asked(asked, settings)
    lacks = left_out_everywhere(given.checked, settings)
    if lacks is None:
        return given
    others = _checked_as_asked(asked, without(settings, lacks.option))
    if others.checked.error:
        return given._replace(otherwise=others.otherwise)
    whole = with_the_rest(others.checked, lacks, settings, asked.require)
    return others._replace(checked=whole)


def _checked_as_asked(asked: Asked, settings: Sequence[Setting]) -> Attempt:
    graders = {f"s{n}": grader_of(setting) for n, setting in enumerate(settings)}

    def show(key: str) -> None:
        asked.on_progress(list(graders).index(key), len(graders), graders[key].setting.name)

    results = run_all(graders, asked.request, asked.limit, show, asked.values)
    unreached = [finding for grader in graders.values() for finding in grader.unreached()]
    hint = to_be_said(graders, results)
    if stopped := asked.not_graded(unreached, results, hint):
        # A forward pass that ends does so in this layout: what is asked for is something else.
        ends = any(results.succeeded(f"{key}-p0", "forward") for key in graders)
        return Attempt(stopped, settings[:1] if hint and not ends else [])
    left_out = not_offered(asked.kind, graders, results)
    counted = one_of_each_name(graders, left_out)
    graders = {key: graders[key] for key in counted}
    left_out = {key: why for key, why in left_out.items() if key in graders}
    unreached = [finding for grader in graders.values() for finding in grader.unreached()]
    offered = [key for key in graders if key not in left_out]
    if error := _never_made(asked.kind, offered, left_out, results):
        why = tuple(left_out.values())
        nothing = asked.checked(unreached, results, not_supported=why, error=error)
        return Attempt(nothing, [] if offered else settings[:1])
    judged: dict[str, list[Judged]] = {}
    for number, key in enumerate(graders):
        if key in offered:
            asked.on_progress(number, len(graders), f"{graders[key].setting.name} (judging it)")
            judged[key] = [*graders[key].judged(key, results)]
    option = asked.request["one_of"]
    said = value_by_name(asked.kind, option, asked.request["name"]) if option else None
    taken = taken_for(option, graders, judged, results, said)
    left_out |= taken.others
    notes = [note for key in taken.keys for note in results.notes(key)]
    notes += [item.note for key in taken.keys for item in judged[key] if item.note]
    notes += [taken.note] if taken.note else []
    works = any(_works(key, graders[key], results) for key in taken.firsts)
    by_setting: dict[str, list[CheckFinding]] = {}
    for finding in taken.findings:
        by_setting.setdefault(finding.setting, []).append(finding)
    not_tried = [
        *_not_tried(taken.keys, results),
        *untried_options(
            asked.kind,
            taken.keys,
            {key: grader.setting for key, grader in graders.items()},
            results,
        ),
    ]
    not_supported: list[NotSupported] = []
    findings: list[CheckFinding] = []
    for key, grader in graders.items():
        if key in left_out:
            not_supported.append(left_out[key])
            findings += refused(grader.unreached(), left_out[key], asked.require)
            continue
        aside = grader.set_aside(key, results)
        for finding in by_setting[grader.setting.name]:
            lacks = aside.get(finding.quantity)
            if isinstance(lacks, NotSupported) and lacks.option in asked.require:
                findings.append(required(finding, lacks))
            else:
                findings.append(finding)
        not_supported += [why for why in aside.values() if isinstance(why, NotSupported)]
        not_tried += [why for why in aside.values() if isinstance(why, NotTried)]
    checked = asked.checked(
        findings,
        results,
        not_supported=tuple(each for each in not_supported if each.option not in asked.require),
        not_tried=tuple(dict.fromkeys(not_tried)),
        notes=tuple(dict.fromkeys(notes)),
    )
    firsts = [graders[key].setting for key in taken.firsts]
    firsts += _of_another_rank(firsts, [graders[key].setting for key in taken.keys])
    fits = all(_fits(key, graders[key], results) for key in taken.firsts)
    told = (results.said(key, "shares") for key in taken.keys)
    shares: Mapping[str, str] = next(filter(None, told), {})
    return Attempt(checked, [] if works else firsts, fits, shares)


def _of_another_rank(firsts: Sequence[Setting], settings: Sequence[Setting]) -> list[Setting]:
    """Return the first setting of features where these are of images, or the other way round."""
    ranks = {len(setting.input) for setting in firsts}
    return [setting for setting in settings if len(setting.input) not in ranks][:1]


def _works(key: str, grader: LayerGrader, results: Results) -> bool:
    """Tell whether the first passes came to their ends, with an output of the right shape."""
    return not is_unusable(key, grader, results) and not results.raised(f"{key}-p0", "backward")


def _fits(key: str, grader: LayerGrader, results: Results) -> bool:
    """Tell whether all that the first passes gave has the shape that it must have."""
    given, found = grader.probes[0], results.arrays(f"{key}-p0")
    shapes = {"output": given.grad_output.shape, "grad_input": given.x.shape}
    shapes |= {f"grad_{name}": array.shape for name, array in grader.weights.items()}
    return _works(key, grader, results) and all(
        found[name].shape == shape for name, shape in shapes.items() if name in found
    )


def _not_tried(keys: Sequence[str], results: Results) -> Iterator[NotTried]:
    """Yield what a class does not give, or takes or gives in a way that cannot be judged."""
    for key in keys:
        yield from (NotTried(name, why) for name, why in results.not_tried(key).items())


def _never_made(
    kind: str, offered: Sequence[str], left_out: Mapping[str, NotSupported], results: Results
) -> str:
    """Say why nothing can be graded: the class is made in no setting that it offers."""
    if not offered:
        return f"is made for no setting of `{kind}`: {next(iter(left_out.values())).why}"
    errors = [results.error(key, "construct") for key in offered]
    raises = results.raised(offered[0], "construct")  # one that hangs, or dies, is wrong
    return f"it cannot be made: {errors[0]}" if all(errors) and raises else ""
