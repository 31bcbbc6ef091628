"""A class that leaves a part of a layer out everywhere, such as the bias: tried without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cnnspec.compare.check.grading.drawn import grader_of
from cnnspec.compare.check.offered import refused
from cnnspec.compare.check.records import Checked, NotSupported
from cnnspec.compare.kinds.layer import Setting


def left_out_everywhere(checked: Checked, settings: Sequence[Setting]) -> NotSupported | None:
    """Return what a class has not, where a setting says that it has; None where there is none.

    That a class cannot do without it is another matter, and said of a setting that does.
    """
    for lacks in checked.not_supported:
        for setting in settings:
            option = type(setting.layer).model_fields.get(lacks.option)
            usually_on = option is not None and option.default is True
            is_on = usually_on and getattr(setting.layer, lacks.option) is True
            if is_on and setting.name == lacks.setting:
                return lacks
    return None


def without(settings: Sequence[Setting], option: str) -> list[Setting]:
    """Return the settings with an option switched off."""
    return [
        replace(setting, layer=setting.layer.model_copy(update={option: False}))
        for setting in settings
    ]


def with_the_rest(
    checked: Checked, lacks: NotSupported, settings: Sequence[Setting], require: Sequence[str]
) -> Checked:
    """Add what is not looked at of a class without a part, so that the total is that of others."""
    findings, not_supported = [*checked.findings], [*checked.not_supported]
    seen = {(found.setting, found.quantity) for found in findings}
    for setting in settings:
        lost = [
            found
            for found in grader_of(setting).unreached()
            if (found.setting, found.quantity) not in seen
        ]
        if lost:
            why = replace(lacks, setting=setting.name)
            seen |= {(found.setting, found.quantity) for found in lost}
            findings += refused(lost, why, require)
            not_supported += [] if lacks.option in require else [why]
    return replace(checked, findings=tuple(findings), not_supported=tuple(not_supported))
