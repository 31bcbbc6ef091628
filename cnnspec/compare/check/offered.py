"""What a class offers of a kind, and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cnnspec.backends.plain.names import options_of
from cnnspec.backends.plain.roles import sizes_of
from cnnspec.compare.check.grading.grade import LayerGrader
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.records import CheckFinding, NotSupported
from cnnspec.compare.kinds import LAYERS
from cnnspec.spec.layers import KINDS

INPUTS = {1: "features", 3: "images"}
"""What a layer is over, by the axes of one of them."""


def may_be_required(kind: str) -> list[str]:
    """Name all that a class of a kind may leave out."""
    if kind not in KINDS:  # a loss
        return []
    layer = KINDS[kind]
    sizes = sizes_of(layer)
    options = [option for option in options_of(layer) if option not in sizes]
    return [*options, *([] if layer.takes else sorted(INPUTS.values()))]


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
    if LAYERS[kind].of_one_rank:
        over = {key: len(grader.at.input) for key, grader in graders.items() if key not in found}
        made_for = {
            axes for key, axes in over.items() if not is_unusable(key, graders[key], results)
        }
        for key, axes in over.items():
            if made_for and axes not in made_for:
                words = " and ".join(INPUTS[length] for length in sorted(made_for))
                name = graders[key].setting.name
                found[key] = NotSupported(name, f"made for {words} alone", INPUTS[axes])
    return found


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
    message = f"`{left_out.option}` is required: {left_out.why}"
    yield replace(first, reached=True, stage="construct", message=message)
    yield from others
