"""What is wrong, a paragraph a cause: where, found and wanted, which side, why, what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.text import Text

from cnnspec.address import STEP, TRAINING
from cnnspec.compare.judging.rules import SENTENCES
from cnnspec.compare.probes.draw import DATA_IMAGES
from cnnspec.compare.sides.choice import BOTH
from cnnspec.compare.verdict import Cause, Comparison, Consequence, Finding, RuleName
from cnnspec.compare.verdict.quantities import OWN_INPUT, OWN_WEIGHTS, WHOLE_PASS
from cnnspec.plan import INPUT
from cnnspec.report.address import words
from cnnspec.report.paragraphs import Paragraph
from cnnspec.report.quantities import budget_words, label

IMAGES = {"data": DATA_IMAGES}
"""Batches of probes, where a cause may name them, as in `1/7 = 1/batch_size`."""

NAMED = 4
"""Quantities that are named where more have the same cause; the rest is counted."""

SHRINK = "`--shrink case.py` writes the smallest program that shows it"


def finding_paragraphs(
    findings: Sequence[Finding], *, whole: bool = False, of_runs: bool = False
) -> list[Paragraph]:
    """Return a paragraph for each cause, that of the first finding first."""
    return [paragraph_of(group, whole=whole, of_runs=of_runs) for group in _by_cause(findings)]


def _by_cause(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Put findings together that have the same wrong side and cause."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        key = (finding.wrong_side, finding.precision, *finding.causes.items())
        groups.setdefault(key, []).append(finding)
    return list(groups.values())


def follow_lines(
    findings: Sequence[Finding], follows: Sequence[Consequence], *, whole: bool = False
) -> Iterator[Text]:
    """Count what only follows from findings; the `whole` by name, and by the rule."""
    by_rule: dict[RuleName, dict[str, None]] = {}
    for item in follows:
        of_rule = by_rule.setdefault(item.rule, {})
        of_rule[f"{words(item.comparison.address)}, {label(item.comparison.quantity)}"] = None
    what = "it" if len(findings) == 1 else "these"
    if whole:
        for rule, names in by_rule.items():
            yield Text(f"{_count(len(names))} {what}: {'; '.join(names)}: {SENTENCES[rule]}")
    elif by_rule:
        yield Text(f"{_count(sum(map(len, by_rule.values())))} {what} (--all names them)")


def _count(number: int) -> str:
    return f"{number} more {'follows' if number == 1 else 'follow'} from"


def _named(names: list[str], *, whole: bool = False) -> str:
    shown = names if whole or len(names) <= NAMED else names[: NAMED - 1]
    rest = len(names) - len(shown)
    return "; ".join(shown) + (f"; and {rest} more" if rest else "")


def paragraph_of(
    group: Sequence[Finding], *, whole: bool = False, of_runs: bool = False
) -> Paragraph:
    """Return the paragraph of findings that have one cause; the first in full, others by name."""
    first, *others = group
    also = [f"{words(other.address)}, {label(other.quantity)}" for other in others]
    notes = [_source(first), _numbers(first), *_why(first), _who(first)]
    if also:
        notes.append(f"the same in: {_named(also, whole=whole)}")
    return Paragraph(
        _code(first), _message(first), _place(first), tuple(notes), _help(first, of_runs)
    )


def headline(finding: Finding) -> str:
    """Return the first line of a finding's paragraph."""
    return f"{_code(finding)}: {_message(finding)}"


def _code(finding: Finding) -> str:
    if finding.cause:
        return finding.cause.code
    if finding.address == TRAINING:
        return "stopped"
    if finding.wrong_side is None:
        return "different"
    if finding.worst and not math.isfinite(finding.worst.difference):
        return "not-finite" if finding.worst.position or finding.worst.elements == 1 else "shape"
    return "unknown-cause"


def _message(finding: Finding) -> str:
    """Say which side is wrong, and in what."""
    part, side = words(finding.address), finding.wrong_side
    what = f"the {label(finding.quantity)}"
    if finding.address == TRAINING:
        return f"{part}: {side} alone cannot be trained to the end"
    if finding.quantity in (OWN_WEIGHTS, OWN_INPUT):
        changed = "its own weights" if finding.quantity == OWN_WEIGHTS else "the input it is given"
        return f"{part}: {side} changes {changed}"
    if side is None:
        one, other = finding.sides
        return f"{part}: {what} of {one} is not that of {other}"
    of = "both sides" if side == BOTH else side
    if finding.of_pair:
        return f"{part}: {what} of {of} is wrong"
    if finding.address == STEP:
        return f"{part}: {finding.quantity} of {of} is not what its parts give"
    if finding.worst and finding.worst.probe == WHOLE_PASS:
        return f"{part}: {what} of {of} within a pass is not that of the layer alone"
    return f"{part}: {what} of {of} is less precise than {finding.precision} explains"


def _place(finding: Finding) -> str:
    worst = finding.worst
    where = [f"step {finding.step:,} of the training"] if finding.step else []
    if worst:
        where.append(f"probe `{worst.probe}`")
        if worst.position and worst.elements > 1:
            where.append(f"at {list(worst.position)}")
        if worst.elements > 1 and worst.position:
            where.append(f"{worst.beyond:,} of {worst.elements:,} numbers are off")
    if finding.precision != "training":
        where.append(f"in {finding.precision}")
    return ", ".join(where)


def _source(finding: Finding) -> str:
    """Say which branch of several an input is."""
    if finding.source is None:
        return ""
    given = "is the images" if finding.source == INPUT else f"comes from `{finding.source}`"
    return f"{finding.quantity.removeprefix('grad_')} {given}"


def _numbers(finding: Finding) -> str:
    """Say what was found and wanted, and what rounding explains of the difference."""
    worst = finding.worst
    if worst is None:
        return ""
    explained = f"rounding explains {budget_words(worst.budget)}"
    values = _values(finding, worst)
    if not math.isfinite(worst.difference):
        if not worst.position and worst.elements != 1:
            return "found an array of another shape than wanted"
        count = f"{worst.beyond:,} of {worst.elements:,} numbers are NaN or infinite on one side"
        return f"{values}; {count}" if values else count
    return f"{values or f'{worst.difference:.2g} apart'}; {explained}"


def _values(finding: Finding, worst: Comparison) -> str:
    """Name the two values, that of the wrong side first."""
    if worst.found is None or worst.wanted is None:
        return ""
    found, wanted = worst.found, worst.wanted
    if finding.of_pair:
        first, second = finding.sides
        if finding.wrong_side not in (first, second):
            return f"{first} gives {_short(found, wanted)}, {second} {_short(wanted, found)}"
        if finding.wrong_side == second:
            found, wanted = wanted, found
    return f"found {_short(found, wanted)}, wanted {_short(wanted, found)}"


def _short(value: float, other: float) -> str:
    """Write a value with as many digits as tell it from another."""
    for digits in (6, 9, 12):
        if f"{value:.{digits}g}" != f"{other:.{digits}g}":
            return f"{value:.{digits}g}"
    return f"{value:.17g}"


def _why(finding: Finding) -> Iterator[str]:
    several = len(set(finding.causes.values())) > 1
    for side, cause in finding.causes.items():
        yield f"why: {f'in {side}, ' if several else ''}{cause.sentence}{_batch(finding, cause)}"
        if not several:
            return
    if finding.wrong_side and not finding.causes and finding.address != TRAINING:
        yield "why: no cause on the list gives these numbers"


def _batch(finding: Finding, cause: Cause) -> str:
    """Say how large the batch is that a cause names: the probe's, not the spec's."""
    images = IMAGES.get(finding.worst.probe) if finding.worst and not finding.step else None
    if images is None or "batch_size" not in cause.sentence:
        return ""
    return f" (the probe is a batch of {images} images)"


def _who(finding: Finding) -> str:
    """Say on what a judgement rests, where that is not plain from what is said."""
    if finding.wrong_side is None:
        return f"nobody can tell which side is wrong: {finding.judge or 'no judge applies'}"
    return f"judged by {finding.judge}" if finding.judge and finding.of_pair else ""


def _help(finding: Finding, of_runs: bool) -> str:
    if finding.cause:
        return finding.cause.help
    return "" if of_runs or finding.step or finding.address == TRAINING else SHRINK
