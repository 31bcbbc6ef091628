"""Checking a layer: a class tried in the layout that it is made for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from cnnspec.backends.plain.layouts import LAYOUTS, USUAL, layouts_of
from cnnspec.compare.check.attempt import Attempt, attempt
from cnnspec.compare.check.grading.drawn import grader_of
from cnnspec.compare.check.grading.grade import LayerGrader
from cnnspec.compare.check.named import other_kind
from cnnspec.compare.check.offered import is_unusable
from cnnspec.compare.check.process.results import Results
from cnnspec.compare.check.records import Checked
from cnnspec.compare.check.running import run_all
from cnnspec.compare.check.settings import lying_so
from cnnspec.compare.check.switched_off import without
from cnnspec.compare.check.trying import Asked
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.kinds.layer import Setting


def check_layer(asked: Asked, settings: Sequence[Setting]) -> Checked:
    """Try a class in settings of a layer; in another layout, if it works in that alone."""
    found = _in_layout(asked, settings)
    checked = found.checked
    if not checked.wrong:
        return checked
    notes = [*_meant_as_the_rest(found, asked, settings)]
    if other := other_kind(asked.kind, asked.request["name"]):
        notes.append(f"its name says that it is a {other}; --as {other} judges it as one")
    return replace(checked, notes=(*checked.notes, *notes))


def _meant_as_the_rest(found: Attempt, asked: Asked, settings: Sequence[Setting]) -> Iterator[str]:
    """Say that all is right if a share is meant as the rest, 1 - it, where that is so."""
    causes = {finding.cause.code for finding in found.checked.findings if finding.cause}
    if LAYERS[asked.kind].taken_for_the_rest not in causes:
        return
    for rest, word in found.shares.items():
        request = asked.request | {"names": {**asked.request["names"], rest: word}}
        if _in_layout(replace(asked, request=request), settings).checked.ok:
            yield f"all is right if `{word}` is meant as {rest}: --map {rest}={word} says so"


def _in_layout(asked: Asked, settings: Sequence[Setting]) -> Attempt:
    """Try a class in the layout that was said; where none was, in that which it is made for.

    That is the first in which its forward pass is right, and all has the right shape: one column
    is a batch of columns, too, and a batch tries more. Of layouts one by one, where all may have
    the right shape in several, it is that in which most is right. Where the forward pass is right
    in none, it is the only one in which the output has the right shape.
    """
    usual = attempt(asked, settings)
    found = [*_other_layouts(usual.otherwise, asked)] if usual.otherwise else []
    right = {layout: setting for layout, setting in found if setting}
    if asked.layout_is_said:
        notes = (
            f"with --layout {name}, its forward pass is right ({right[name]})" for name in right
        )
        checked = replace(usual.checked, notes=(*usual.checked.notes, *notes))
        return usual._replace(checked=checked)
    best = usual
    only = [layout for layout, _ in found] if len(found) == 1 else []
    for layout in right or only:
        request = asked.request | {"layout": layout}
        other = attempt(replace(asked, request=request), lying_so(settings, layout))
        if (other.fits, other.checked.passed) > (best.fits, best.checked.passed):
            taken = (_taken_for(layout), *other.checked.notes)
            best = other._replace(checked=replace(other.checked, notes=taken))
        if other.fits and not (LAYOUTS[layout].one_by_one and other.checked.wrong):
            break
    return best


def _taken_for(layout: str) -> str:
    taken = f"taken for --layout {layout}"
    if not LAYOUTS[layout].one_by_one:
        return taken
    return f"{taken}: one image at a time; --layout {USUAL} judges it on batches"


def _other_layouts(settings: Sequence[Setting], asked: Asked) -> Iterator[tuple[str, str]]:
    """Yield other layouts in which the output has the right shape.

    Beside each stands the setting in which it is right, too; nothing where it is right in none.
    """
    layouts = (layouts_of(each.input, each.layer.output_shape(each.input)) for each in settings)
    for layout in dict.fromkeys(chain.from_iterable(layouts)):
        if layout == asked.request["layout"]:
            continue
        graders, results = _forward_passes(lying_so(settings, layout), layout, asked)
        if results.hint() or results.load_error():
            continue
        made = [key for key in graders if results.unsupported(key) is None]
        if not any(_ends(key, graders[key], results) for key in made):
            continue
        findings = (item.finding for key in made for item in graders[key].judged(key, results))
        right = (found.setting for found in findings if found.ok and found.quantity == "output")
        yield layout, next(right, "")


def _forward_passes(
    settings: Sequence[Setting], layout: str, asked: Asked
) -> tuple[dict[str, LayerGrader], Results]:
    """Run the forward passes in a layout; without a part that the class leaves out everywhere."""
    graders = {f"s{number}": grader_of(setting) for number, setting in enumerate(settings)}
    request = asked.request | {"layout": layout}
    results = run_all(graders, request, asked.limit, forward_only=True)
    lacks = {results.said(key, "option") or "" for key in graders}
    option = lacks.pop() if len(lacks) == 1 else ""
    if option and all(getattr(setting.layer, option, 0) is True for setting in settings):
        return _forward_passes(without(settings, option), layout, asked)
    return graders, results


def _ends(key: str, grader: LayerGrader, results: Results) -> bool:
    """Tell whether the first forward pass came to its end, with an output of the right shape."""
    return results.succeeded(f"{key}-p0", "forward") and not is_unusable(key, grader, results)
