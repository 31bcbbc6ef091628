"""Which tiny number a class has built in, such as an eps, where it has no parameter for it.

What nobody gives a class it cannot disregard: it is judged by the value that it fits best.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from cnnspec.compare.check.grading.drawn import grader_of
from cnnspec.compare.check.grading.grade import LayerGrader
from cnnspec.compare.check.process.results import Results

TINY = 1e-3
"""Options of no greater default keep a division from 0."""

VALUES = tuple(10.0**power for power in range(-12, -2))
"""Which people write; 0 keeps nothing from 0."""


def by_own_values(
    graders: Mapping[str, LayerGrader], results: Results
) -> tuple[Mapping[str, LayerGrader], list[str]]:
    """Return what grades a class by the tiny numbers that it has built in, and notes of these.

    `graders` are those of the settings that it is made for.
    """
    notes = []
    for option in _not_taken(graders, results):
        first, grader = next(iter(graders.items()))
        right = _right(first, grader, results)
        if right == len(grader.unreached()):
            break
        fits = {value: _right(first, _with(grader, option, value), results) for value in VALUES}
        value = max(fits, key=lambda each: fits[each])
        if fits[value] > right:
            graders = {key: _with(each, option, value) for key, each in graders.items()}
            notes.append(f"taken for: {option}: {value:g}, which is built in")
    return graders, notes


def _not_taken(graders: Mapping[str, LayerGrader], results: Results) -> Iterator[str]:
    """Yield the options with a tiny default for which a class has no parameter."""
    said = [results.said(key, "takes") for key in graders]
    if None in said:
        return
    layer = next(iter(graders.values())).setting.layer
    for option, field in type(layer).model_fields.items():
        is_tiny = isinstance(field.default, float) and 0 < field.default <= TINY
        if is_tiny and not any(option in takes for takes in said):
            yield option


def _with(grader: LayerGrader, option: str, value: float) -> LayerGrader:
    layer = grader.setting.layer.model_copy(update={option: value})
    return grader_of(replace(grader.setting, layer=layer))


def _right(key: str, grader: LayerGrader, results: Results) -> int:
    return sum(item.finding.ok for item in grader.judged(key, results))
