"""What PyYAML says, in words that help."""

from __future__ import annotations

import pytest
import yaml

from cnnspec.spec.syntax import SyntaxProblem, explain

INDENT = "indent it like its neighbours; what belongs to a key stands deeper than the key"
COLON = (
    "look for a missing space after `:` or `-`, a missing `:` before, or a line that is indented "
    "too far; a text that holds `: ` wants quotes"
)
COMMA = "put a `,` between two entries"
OPEN_LIST = "the `[` stands in line 1, column 4"
OPEN_MAPPING = "the `{` stands in line 1, column 4"

SAID = {
    "a: [1": SyntaxProblem("the `[` is never closed", 0, 3, "add `]`"),
    "a: {b: 1": SyntaxProblem("the `{` is never closed", 0, 3, "add `}`"),
    "a: [1, 2}": SyntaxProblem("wanted `,` or `]`; found `}`", 0, 8, COMMA, OPEN_LIST),
    "a: {b: [1}": SyntaxProblem(
        "wanted `,` or `]`; found `}`", 0, 9, COMMA, "the `[` stands in line 1, column 8"
    ),
    "a: {b: 1 c: 2}": SyntaxProblem("wanted `,` or `}`; found `:`", 0, 10, COMMA, OPEN_MAPPING),
    "a: [1, , 2]": SyntaxProblem("a value is missing before `,`", 0, 7),
    "a: 1\nb: 'c": SyntaxProblem(
        "the quote is never closed", 1, 3, "add the same quote at its end"
    ),
    'a: "b': SyntaxProblem("the quote is never closed", 0, 3, "add the same quote at its end"),
    'a: "\\q"': SyntaxProblem(
        "`\\q` is no escape of YAML", 0, 5, "in single quotes, a backslash is a backslash"
    ),
    "a: b: c": SyntaxProblem("a `:` cannot stand here", 0, 4, COLON),
    "a:\t[1]": SyntaxProblem(
        "a tab cannot indent a line, nor stand before a value", 0, 2, "write spaces", code="tab"
    ),
    "a: @b": SyntaxProblem("a value cannot start with `@`", 0, 3, "put the value in quotes"),
    "a: 'b' c": SyntaxProblem("text after the end of a value", 0, 7, "remove it"),
    "a: [1] ]": SyntaxProblem("text after the end of a value", 0, 7, "remove it"),
    "a:\n  - b\n c: d": SyntaxProblem("this is not indented like what it follows", 2, 1, INDENT),
    "- a\nb: 1": SyntaxProblem("this is not indented like what it follows", 1, 0, INDENT),
    "[a]\nb: 1": SyntaxProblem("the file goes on after its end", 1, 0, INDENT),
}


@pytest.mark.parametrize(("text", "wanted"), SAID.items(), ids=SAID)
def test_explain(text: str, wanted: SyntaxProblem) -> None:
    with pytest.raises(yaml.MarkedYAMLError) as caught:
        list(yaml.parse(text, Loader=yaml.SafeLoader))
    assert explain(caught.value) == wanted


def test_a_key_without_its_colon() -> None:
    with pytest.raises(yaml.MarkedYAMLError) as caught:
        list(yaml.parse("a: 1\nb\nc: 2\n", Loader=yaml.SafeLoader))
    found = explain(caught.value)
    assert (found.message, found.help) == ("a key without its `:`", "write `key: value`")


def test_what_is_not_known_is_said_as_it_is() -> None:
    error = yaml.MarkedYAMLError(problem="something new", problem_mark=None)
    assert explain(error) == SyntaxProblem("something new", 0, 0)
    assert explain(yaml.MarkedYAMLError()) == SyntaxProblem("this is not YAML", 0, 0)
