"""What a class offers of a kind, what it leaves out, and what nothing was tried of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cnnspec.backends.plain.names import INPUT_SHAPE, OUTPUT_SHAPE, options_of
from cnnspec.backends.plain.optimizers import own_options
from cnnspec.backends.plain.roles import sizes_of
from cnnspec.compare.check.grading.grade import LayerGrader
from cnnspec.compare.check.grading.setting import EVALUATION
from cnnspec.compare.check.process.results import LOAD, Results
from cnnspec.compare.check.records import CheckFinding, NotSupported, NotTried
from cnnspec.compare.check.trial.making import SIDES
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.kinds.layer import Setting
from cnnspec.spec.layers import KINDS
from cnnspec.spec.optimizers import OPTIMIZERS

INPUTS = {1: "features", 3: "images"}
"""What a layer is over, by the axes of one of them."""

NOT_GIVEN = "no value of it was given"


def may_be_required(kind: str) -> list[str]:
    """Name all that a class of a kind may leave out."""
    if kind in OPTIMIZERS:
        return own_options(OPTIMIZERS[kind])
    if kind not in KINDS:  # a loss
        return []
    layer = KINDS[kind]
    sizes = sizes_of(layer)
    settings = LAYERS[kind].tried(layer)
    found = [option for option in options_of(layer) if option not in sizes]
    if any(each.layer.windows() for each in settings):
        found.append(SIDES)
    if not layer.takes:
        found += sorted(INPUTS.values())
    if any(each.layer.buffers(each.input) or each.layer.mask(each.input) for each in settings):
        found.append(EVALUATION)
    return found


def not_offered(
    kind: str, graders: Mapping[str, LayerGrader], results: Results
) -> dict[str, NotSupported]:
    """Return the settings that a class is not made for, and why.

    A class may be one for images, or one for features, and not work for the other.
    """
    found = {
        key: NotSupported(grader.setting.name, why, results.said(key, "option") or "")
        for key, grader in graders.items()
        if (why := results.unsupported(key)) is not None
    }
    for key, hint in results.hints().items():
        if key in graders and (varied := varied_options(graders[key].setting)):
            found[key] = NotSupported(graders[key].setting.name, hint, varied[0])
    if LAYERS[kind].of_one_rank:
        by_value: dict[Any, dict[str, LayerGrader]] = {}
        for key, grader in graders.items():
            if key not in found:
                value = getattr(grader.setting.layer, LAYERS[kind].one_of, None)
                by_value.setdefault(value, {})[key] = grader
        for own in by_value.values():
            found |= _of_another_rank(own, results)
    return found


def _of_another_rank(
    graders: Mapping[str, LayerGrader], results: Results
) -> Iterator[tuple[str, NotSupported]]:
    """Yield the settings of images, or of features, if a class works over the other alone."""
    # What has one channel, or one cell, may be taken for another thing.
    telling = {key: grader for key, grader in graders.items() if min(grader.at.input) > 1}
    made_for = {
        len(grader.at.input)
        for key, grader in telling.items()
        if not is_unusable(key, grader, results)
    }
    words = " and ".join(INPUTS[axes] for axes in sorted(made_for))
    for key, grader in graders.items():
        axes = len(grader.at.input)
        if made_for and axes not in made_for:
            name = grader.setting.name
            yield key, NotSupported(name, f"made for {words} alone", INPUTS[axes])


def to_be_said(graders: Mapping[str, LayerGrader], results: Results) -> str:
    """Return what the user must say about a class before it can be graded.

    What is asked for where an option is varied alone is about that setting: it is not offered.
    """
    hints = results.hints()
    if LOAD in hints:
        return hints[LOAD]
    usual = (hint for key, hint in hints.items() if not varied_options(graders[key].setting))
    return next(usual, next(iter(hints.values())) if hints.keys() == graders.keys() else "")


def varied_options(setting: Setting) -> list[str]:
    """Return the options that a setting is about: those that a class may leave out."""
    fields = type(setting.layer).model_fields
    given = setting.layer.model_fields_set
    return [option for option in fields if option in given and not fields[option].is_required()]


def one_of_each_name(
    graders: Mapping[str, LayerGrader], left_out: Mapping[str, NotSupported]
) -> list[str]:
    """Return the keys of the settings that count: of one name the first that is offered."""
    by_name: dict[str, list[str]] = {}
    for key, grader in graders.items():
        by_name.setdefault(grader.setting.name, []).append(key)
    return [
        next((key for key in keys if key not in left_out), keys[0]) for keys in by_name.values()
    ]


def is_unusable(key: str, grader: LayerGrader, results: Results) -> bool:
    """Tell whether the first forward pass raised, or gave another shape than it must."""
    probe = f"{key}-p0"
    if results.raised(probe, "forward"):
        return True
    output, wanted = results.arrays(probe).get("output"), grader.probes[0].grad_output.shape
    return output is not None and output.shape != wanted


def refused(
    unreached: Sequence[CheckFinding], left_out: NotSupported, require: Sequence[str]
) -> Iterator[CheckFinding]:
    """Yield what counts neither way in a setting that is not offered; if required, as wrong."""
    if left_out.option not in require:
        yield from (replace(finding, offered=False) for finding in unreached)
        return
    first, *others = unreached
    yield required(first, left_out)
    yield from others


def required(finding: CheckFinding, left_out: NotSupported) -> CheckFinding:
    """Return what is wrong, since it must be offered."""
    message = f"`{left_out.option}` is required: {left_out.why}"
    return replace(finding, reached=True, offered=True, stage="offer", message=message)


def untried_options(
    kind: str, keys: Iterable[str], settings: Mapping[str, Setting], results: Results
) -> Iterator[NotTried]:
    """Yield the options that a class takes, and no setting that it was made for varies.

    `keys` are those of the settings that it was made for.
    """
    keys = list(keys)
    tried = {option for key in keys for option in settings[key].layer.model_fields_set}
    known = {*tried, *sizes_of(KINDS[kind]), INPUT_SHAPE, OUTPUT_SHAPE}
    for option in dict.fromkeys(
        option for key in keys for option in results.said(key, "takes") or ()
    ):
        if option not in known:
            yield NotTried(option, NOT_GIVEN)
