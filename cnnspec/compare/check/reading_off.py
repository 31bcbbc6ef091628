"""The values of options that a class has built in, read off what its forward pass gives.

A constructor may have no parameter for an option, and the class another value of it than the
default. Such a class is run once more on images of several sizes. A value is taken where all
numbers are those of that value; the class is then tried with it, like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import get_args

from cnnspec.compare.check.grading.drawn import grader_of
from cnnspec.compare.check.grading.grade import LayerGrader
from cnnspec.compare.check.named import value_by_name
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.records import Checked
from cnnspec.compare.check.rules import USUAL, Values, resolved
from cnnspec.compare.check.running import run_all
from cnnspec.compare.check.trying import Asked
from cnnspec.compare.kinds.layer import Setting
from cnnspec.spec.layers import Layer
from cnnspec.spec.layers.window import KERNEL
from cnnspec.spec.sizes import pair

KERNELS = (2, 3, 5, 1, 4, 7)
"""Sides of windows that people build in."""

LARGER = (0, 1, 2, 3)
"""By how much images are larger: other windows may give as many numbers of some."""


def read_off(asked: Asked, settings: Sequence[Setting], checked: Checked) -> Values:
    """Return values other than the defaults that a class has built in; none where none fits.

    `checked` is what came of trying it with the defaults.
    """
    fields = type(settings[0].layer).model_fields
    if not USUAL.keys() & fields.keys() or not _may_have_others(checked):
        return {}
    examples = [*_examples(settings, is_made=not checked.error)]
    graders = {f"r{n}": grader_of(each) for n, each in enumerate(examples)}
    request = asked.request | {"built_in": True, "one_of": ""}
    results = run_all(graders, request, asked.limit, forward_only=True)
    groups: dict[tuple[int, int], dict[str, LayerGrader]] = {}
    for key, grader in graders.items():
        lacking = results.said(key, "no_parameter")
        if lacking is None or not set(results.arrays(f"{key}-p0")):
            continue
        kernel = _kernel(grader.setting.layer) if KERNEL in lacking else 0
        groups.setdefault((len(grader.at.input), kernel), {})[key] = grader
    for own in groups.values():
        usual = next(iter(own.values())).setting.layer
        lacking = results.said(next(iter(own)), "no_parameter")
        for values in _candidates(asked, usual, lacking):
            if all(_agrees(key, grader, values, results) for key, grader in own.items()):
                return _others(values, usual, settings[0].layer, asked.request["one_of"])
    return {}


def with_values(settings: Sequence[Setting], values: Values) -> list[Setting]:
    """Return settings with what is built in, but where a setting is about another value."""
    usual = {option: getattr(settings[0].layer, option) for option in values}
    changed = []
    for setting in settings:
        own = {
            option: value
            for option, value in values.items()
            if getattr(setting.layer, option) == usual[option]
        }
        layer = _validated(setting.layer, own)
        if layer is not None and KERNEL in own and len(setting.input) == 3:
            setting = _with_room(replace(setting, layer=layer))
        elif layer is not None and not [*layer.problems(setting.input)]:
            setting = replace(setting, layer=layer)
        changed.append(setting)
    return changed


def in_words(values: Values) -> str:
    """Say what is built in."""
    return f"taken for: {', '.join(f'{option}: {value}' for option, value in values.items())}, " + (
        "which is built in" if len(values) == 1 else "which are built in"
    )


def _may_have_others(checked: Checked) -> bool:
    """Tell whether another value may explain what was found: an output came, and was wrong."""
    if checked.error:
        return checked.loaded and bool(checked.not_supported)
    return any(
        found.quantity not in ("grad_input", "own input")
        and found.offered
        and not found.ok
        and found.reached
        and not found.stage
        for found in checked.findings
    )


def _examples(settings: Sequence[Setting], *, is_made: bool) -> Iterator[Setting]:
    """Yield the first setting of images, and of features, on inputs of several sizes.

    The first windows come in all of them; others in one, so that what hangs on them is seen. Where
    a class is made in no setting, its windows may have any size.
    """
    firsts = {len(setting.input): setting for setting in reversed(settings)}
    for first in firsts.values():
        usual = _kernel(first.layer)
        kernels = (usual, usual + 1, usual + 2) if is_made else (usual, *KERNELS)
        for kernel in dict.fromkeys(kernels if usual else (0,)):
            layer = _validated(first.layer, {KERNEL: kernel} if usual else {})
            several = usual and (kernel == usual or not is_made)
            for more in LARGER if several else LARGER[:1]:
                channels, *sides = first.input
                larger = (channels, *(side + more + kernel for side in sides))
                if layer is not None:
                    name = f"built in, {kernel}, {larger}"
                    yield replace(first, name=name, layer=layer, input=larger, numbers_only=True)


def _kernel(layer: Layer) -> int:
    """Return the height of its windows; 0 where it has none."""
    return pair(getattr(layer, KERNEL))[0] if hasattr(layer, KERNEL) else 0


def _candidates(asked: Asked, layer: Layer, lacking: Sequence[str]) -> Iterator[Values]:
    """Yield values of all that a class has no parameter for, the defaults first."""
    fields = type(layer).model_fields
    options = {
        option: (fields[option].default, *values)
        for option, values in USUAL.items()
        if option in lacking
    }
    one_of = asked.request["one_of"] if options else ""
    if one_of and one_of in lacking:
        said = value_by_name(asked.kind, one_of, asked.request["name"])
        every = get_args(fields[one_of].annotation)
        options[one_of] = (said,) if said is not None else every
    for values in product(*options.values()):
        yield dict(zip(options, values))


def _agrees(key: str, grader: LayerGrader, values: Values, results: Results) -> bool:
    """Tell whether all that the forward passes of an example gave are what these values give."""
    setting = grader.setting
    layer = _validated(setting.layer, values)
    if layer is None or [*layer.problems(setting.input)]:
        return False
    output = layer.output_shape(setting.input)
    for number, probe in enumerate(grader.probes):
        found = results.arrays(f"{key}-p{number}")
        if "output" not in found or found["output"].shape != (len(probe.x), *output):
            return False
    other = grader_of(replace(setting, layer=layer))
    return all(
        other.observed(probe, name, found[name]).right
        for number, probe in enumerate(other.probes)
        for found in [results.arrays(f"{key}-p{number}")]
        for name in ("output", *other.at.buffers)
        if name in found
    )


def _others(values: Values, layer: Layer, usual: Layer, one_of: str) -> Values:
    """Return what is built in and not usual; which of a few words it is, is told by the verdict."""
    found = {
        option: value
        for option, value in values.items()
        if option != one_of and value != getattr(layer, option)
    }
    return found if _kernel(layer) == _kernel(usual) else {KERNEL: _kernel(layer), **found}


def _validated(layer: Layer, values: Values) -> Layer | None:
    """Return a layer with other options; None where they do not go together."""
    try:
        options = layer.model_dump(exclude_unset=True) | resolved(values, layer)
        return type(layer).model_validate(options)
    except ValueError:
        return None


def _with_room(setting: Setting) -> Setting:
    """Return a setting with images that are large enough for its windows."""
    channels, *sides = setting.input
    while [*setting.layer.problems((channels, *sides))]:
        sides = [side + 1 for side in sides]
    return replace(setting, input=(channels, *sides))
