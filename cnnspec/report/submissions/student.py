"""What the page of a student says of one class: what is wrong, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnspec.compare.check import Checked, CheckFinding, Shown
from cnnspec.compare.check.submissions.records import GradedLayer
from cnnspec.report.check import (
    grouped,
    paragraph_of,
    points_of,
    printed_lines,
    settings_by_words,
)
from cnnspec.report.page import Html, array_pictures, element, facts, notice
from cnnspec.report.submissions.again import command


def layer_section(layer: GradedLayer) -> Iterator[Html]:
    """Yield all that is said of one class of a student."""
    checked = layer.checked
    if layer.grade is None or checked is None:
        yield from _what(layer, checked)
        yield notice("Not graded", element("p", layer.problem), tone="unsure")
    else:
        yield from _what(layer, checked)
        for item in checked.not_tried:
            yield notice(f"Not tried: {item.option}", element("p", item.why), tone="unsure")
        for group in grouped(each for each in checked.findings if each.wrong and each.reached):
            yield _finding(group)
        yield from _lists(checked)
    if checked is not None:
        yield from _remarks(checked)


def _what(layer: GradedLayer, checked: Checked | None) -> Iterator[Html]:
    if checked is None:
        return
    name = checked.candidate.rpartition(":")[2]
    pairs: list[tuple[str, Html | str]] = [
        ("class", element("code", f"{layer.file}:{name}")),
        ("checked as", checked.kind),
    ]
    if layer.grade is not None:
        pairs.append(("found", points_of(checked)))
    pairs.append(("try it again", element("code", command(layer, name))))
    yield facts(pairs)


def _finding(group: list[CheckFinding]) -> Html:
    """Show findings of one cause: in words, and one of them as a picture."""
    said = paragraph_of(group)
    why = [note.removeprefix("why: ") for note in said.notes if note.startswith("why: ")]
    seen = [note for note in said.notes if not note.startswith("why: ")]
    pairs: list[tuple[str, Html | str]] = [
        ("in", said.place),
        *(("seen", note) for note in seen),
        *(("why", note) for note in why),
        *([("what to do", said.help)] if said.help else []),
        *([("cause", element("code", said.code))] if group[0].cause else []),
    ]
    parts = [facts(pairs)]
    shown = next((each for each in group if each.shown is not None), None)
    if shown is not None and shown.shown is not None:
        parts.append(_pictures(shown.setting, shown.shown))
    heading = said.message[:1].upper() + said.message[1:]
    return notice(heading, *parts, tone="wrong")


def _pictures(setting: str, shown: Shown) -> Html:
    row, column = (0, *shown.position)[-2:]
    worst = (row - shown.corner[0], column - shown.corner[1])
    pictures = array_pictures(shown.found, shown.wanted, worst, shown.corner)
    place = f" of {_plane(shown.position[:-2])}" if shown.position[:-2] else ""
    words = f"{setting}, {shown.probe}: the rows and columns{place} around the worst number."
    colours = " Blue is below 0, orange above it; the stronger, the further."
    return element("div", pictures, element("p", words + colours, class_="soft"))


def _plane(outer: Sequence[int]) -> str:
    return "[" + ", ".join([*map(str, outer), ":", ":"]) + "]"


def _lists(checked: Checked) -> Iterator[Html]:
    """Yield what was not reached, and what is right."""
    unreached = [each for each in checked.findings if each.wrong and not each.reached]
    right = [each for each in checked.findings if each.ok]
    for heading, findings in (("Not reached", unreached), ("Right", right)):
        if findings:
            said = "; ".join(
                f"{words} ({_several(settings)})"
                for words, settings in settings_by_words(findings).items()
            )
            yield element("p", element("strong", f"{heading}: "), said)


def _several(settings: Sequence[str]) -> str:
    return f"{len(settings)} settings" if len(settings) > 1 else settings[0]


def _remarks(checked: Checked) -> Iterator[Html]:
    left_out: dict[str, list[str]] = {}
    for item in checked.not_supported:
        left_out.setdefault(item.why, []).append(item.setting)
    notes = [
        *checked.notes,
        *(f"not offered: {'; '.join(w)}: {why}" for why, w in left_out.items()),
    ]
    if notes:
        yield element("ul", *(element("li", note) for note in notes), class_="soft")
    said, lines = printed_lines(checked)
    if lines and not checked.ok:
        yield element("h3", said[:1].upper() + said[1:])
        yield element("pre", "\n".join(lines))
