"""docs/reference/kinds.md has every kind, every option and an example of each that is valid."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cnnspec.plan import resolve
from cnnspec.spec.composites import COMPOSITES
from cnnspec.spec.data import DATA_KINDS
from cnnspec.spec.initializations import INITIALIZATIONS
from cnnspec.spec.layers import JOINS, KINDS
from cnnspec.spec.load import parse_spec
from cnnspec.spec.losses import LOSSES
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import OPTIMIZERS
from cnnspec.spec.section import Kind
from tests.docs import kinds, options
from tests.docs.examples import LAYERS, choices, example, fragment, is_chosen, whole
from tests.docs.pages import ROOT, anchor, anchors, headings, tokens

ALL: dict[str, type[Kind]] = {
    **{**KINDS, **COMPOSITES, **JOINS, **LOSSES},
    **{**OPTIMIZERS, **INITIALIZATIONS, **DATA_KINDS},
}

WRITTEN = [
    pytest.param(kind, table.place, id=word)
    for table in kinds.TABLES
    if is_chosen(table.place)
    for word, kind in table.kinds.items()
]


def test_the_kinds_are_those_that_are_there(golden: Callable[[str, Path], None]) -> None:
    golden(kinds.page(), kinds.PAGE)


def sections() -> dict[str, str]:
    """Return what the page says below each heading of the third level."""
    return dict(re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", kinds.page(), re.MULTILINE | re.DOTALL))


def test_every_kind_is_told_of_once() -> None:
    told = [word for table in kinds.TABLES for word in table.kinds]
    assert sorted(told) == sorted(ALL)
    assert [*sections()] == [*told, *kinds.SECTIONS]
    assert max(Counter(headings(kinds.PAGE)).values()) == 1, "a link would lead to the first"


@pytest.mark.parametrize(("kind", "place"), WRITTEN)
def test_every_option_is_told_of(kind: type[Kind], place: tuple[str, ...]) -> None:
    (table,) = (each for each in kinds.TABLES if kind in each.kinds.values())
    shared = kinds.page().partition(f"\n## {table.title}\n")[2].partition("\n### ")[0]
    told = re.findall(r"^\| `(\w+)` \|", shared + sections()[kind.keyword], re.MULTILINE)
    assert sorted(told) == sorted(kind.model_fields)


@pytest.mark.parametrize("title", kinds.SECTIONS)
def test_every_option_of_a_section_is_told_of(title: str) -> None:
    told = re.findall(r"^\| `(\w+)` \|", sections()[title], re.MULTILINE)
    assert told == [*kinds.SECTIONS[title].model_fields]


@pytest.mark.parametrize(("kind", "place"), WRITTEN)
def test_the_example_is_valid(kind: type[Kind], place: tuple[str, ...]) -> None:
    assert f"```yaml\n{fragment(place, example(kind))}```" in sections()[kind.keyword]
    for written in {example(kind), *choices(kind)}:
        spec = parse_spec(whole(kind, place, written))
        assert resolve(spec).layers
        found: Any = spec.layers[-2] if place == LAYERS else spec
        for step in place if place != LAYERS else ():
            found = getattr(found, step)
        assert type(found) is kind


@pytest.mark.parametrize("kind", ALL.values(), ids=ALL)
def test_an_example_says_no_more_than_it_must(kind: type[Kind]) -> None:
    said = yaml.safe_load(example(kind))
    given = said[kind.keyword] if isinstance(said, dict) else {}
    assert given.keys() == {
        option for option, field in kind.model_fields.items() if field.is_required()
    }


def test_what_is_said_is_plain() -> None:
    """A `*` or `_` in a docstring would make letters slanted, a `[` a link."""
    plain = {"text", "code_inline", "softbreak", "link_open", "link_close", "html_inline"}
    assert not [
        inline.content
        for token in tokens(kinds.PAGE)
        for inline in token.children or ()
        if inline.type not in plain
    ]


def test_values_are_said() -> None:
    written = {"anyOf": [{"enum": ["same"]}, {"type": "integer", "minimum": 0}, {"type": "null"}]}
    assert options.takes(written, {}) == "`same`, or a whole number of 0 or more"
    of_layers = {"items": {"allOf": [{"$ref": "#/definitions/layer"}]}, "type": "array"}
    assert options.takes(of_layers, {"layer": "layers"}) == "a list of layers"
    assert options.takes({"items": of_layers, "type": "array"}, {"layer": "layers"}) == (
        "a list of lists of layers"
    )


# docs/reference/spec.md


def test_the_spec_leads_to_every_section() -> None:
    page = ROOT / "docs" / "reference" / "spec.md"
    told = page.read_text().partition("\n## What can stand in it\n")[2].partition("\n## ")[0]
    assert re.findall(r"^- `(\w+)`", told, re.MULTILINE) == [*ModelSpec.model_fields]
    linked = {*re.findall(r"kinds\.md#([\w-]+)", told)}
    titles = {anchor(table.title) for table in kinds.TABLES if is_chosen(table.place)}
    assert linked >= titles | {"training", "limits"}
    assert linked <= anchors(kinds.PAGE)
