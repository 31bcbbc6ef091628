"""docs/reference/causes.md has every code that the referee can give as a cause."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cnnspec.compare.causes.help import HELP
from cnnspec.compare.kinds import LAYERS, LOSSES, OPTIMIZERS
from cnnspec.compare.planted import FAULTS
from tests.docs import causes
from tests.docs.known_causes import known_causes
from tests.docs.pages import ROOT, anchor, headings, tokens

COMPARE = ROOT / "cnnspec" / "compare"
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def test_the_causes_are_those_that_are_known(golden: Callable[[str, Path], None]) -> None:
    golden(causes.page(), causes.PAGE)


def shown() -> dict[str, str]:
    """Return what the page says of each code."""
    return dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", causes.page(), re.MULTILINE | re.DOTALL))


def test_every_code_is_there_once_and_can_be_linked_to() -> None:
    found = [*headings(causes.PAGE)]
    assert {*known_causes()} == {*shown()}
    assert max(Counter(map(anchor, found)).values()) == 1
    assert [code for code in known_causes() if anchor(code) != code] == []


def test_every_code_with_help_is_there() -> None:
    kinds = (*LAYERS.values(), *LOSSES.values(), *OPTIMIZERS.values())
    assert {*HELP}.union(*(kind.help for kind in kinds)) - {*shown()} == set()


def test_every_code_says_what_to_do_wherever_it_is_named() -> None:
    missing = {
        (code, owner)
        for code, said in known_causes().items()
        for owner, cause in said.items()
        if not cause.help
    }
    assert missing == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_cause_of_a_planted_fault_is_there(fault: object) -> None:
    assert getattr(fault, "causes") - {*shown()} == set()  # noqa: B009


def written_codes(source: str, *, of_faults: bool) -> Iterator[str]:
    """Yield the codes that are given to a fault or a cause; `of_faults`: or to what makes one.

    That is a call, or a row of a table, whose first part is a code and whose second a sentence.
    """
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=func, args=[ast.Constant(value=str(code)), sentence, *_]):
                if ast.unparse(func) not in ("Fault", "Cause", "known_cause"):
                    code = code if of_faults and _is_sentence(sentence) else ""
            case ast.Tuple(elts=[ast.Constant(value=str(code)), sentence, change, *_]):
                is_row = _is_sentence(sentence) and not isinstance(change, ast.Constant)
                code = code if of_faults and is_row else ""
            case _:
                continue
        if CODE.fullmatch(code):
            yield code


def _is_sentence(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str(text)):
            return " " in text
        case ast.JoinedStr():
            return True
    return False


WRITTEN = {
    path.as_posix(): {*written_codes((COMPARE / path).read_text(), of_faults=rooms)}
    for path in (path.relative_to(COMPARE) for path in sorted(COMPARE.rglob("*.py")))
    for rooms in ["kinds" in path.parts or "causes" in path.parts]
    if "planted" not in path.parts
}
"""By module."""


@pytest.mark.parametrize("module", [module for module, codes in WRITTEN.items() if codes])
def test_every_code_that_is_written_is_there(module: str) -> None:
    assert WRITTEN[module] - {*shown()} == set()


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("Fault('a-code', (), said, change)", ["a-code"]),
        ("known_cause('code', sentence)", ["code"]),
        ("_output('one-code', f'the {what} is wrong', step)", ["one-code"]),
        ("ROWS = [('code', 'it is wrong', change)]", ["code"]),
        ("AXES = ('filters', 'input channels', 'kernel height')", []),
        ("Term('n', 3, 'images')", []),
        ("Fault(code, (), said, change)", []),
        ("stream(0, 'probe')", []),
    ],
)
def test_what_it_is_to_write_a_code(source: str, codes: list[str]) -> None:
    assert [*written_codes(source, of_faults=True)] == codes


def test_sentences_stand_as_they_are_printed() -> None:
    """Markdown makes nothing of their signs."""
    quoted, inside = [], False
    for token in tokens(causes.PAGE):
        inside |= token.type == "blockquote_open"
        inside &= token.type != "blockquote_close"
        if inside and token.type == "inline":
            plain = {"text", "code_inline"}
            assert {child.type for child in token.children or ()} <= plain, token.content
            quoted.append(token.content)
    said = {cause.sentence for each in known_causes().values() for cause in each.values()}
    assert {*quoted} == said
