"""The reader of YAML: YAML 1.2 scalars, strictness, and the place of everything."""

import math

import pytest

from cnnspec.errors import SpecError
from cnnspec.spec.codes import CODES
from cnnspec.spec.diagnostics import Diagnostic, Location
from cnnspec.spec.load import inspect_spec
from cnnspec.spec.scalars import MAX_DIGITS, core_scalar
from cnnspec.spec.source import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_VALUES,
    UNREAD,
    Source,
    read_source,
)

SCALARS = {
    # whole numbers
    "0": 0,
    "42": 42,
    "-42": -42,
    "+42": 42,
    "010": 10,
    "007": 7,
    "08": 8,
    "0o17": 15,
    "0o010": 8,
    "0x1F": 31,
    "0xff": 255,
    # numbers
    "1e-3": 0.001,
    "1E3": 1000.0,
    "+1.5e+2": 150.0,
    "1.": 1.0,
    ".5": 0.5,
    "-0.25": -0.25,
    "0.0": 0.0,
    "1e400": math.inf,
    ".inf": math.inf,
    "+.INF": math.inf,
    "-.Inf": -math.inf,
    # nothing, true and false
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    # text, some of it other than in YAML 1.1
    "no": "no",
    "NO": "NO",
    "yes": "yes",
    "on": "on",
    "off": "off",
    "y": "y",
    "n": "n",
    "nULL": "nULL",
    "tRUE": "tRUE",
    "1_000": "1_000",
    "0b101": "0b101",
    "12:30:45": "12:30:45",
    "2001-12-14": "2001-12-14",
    "0o8": "0o8",
    "0x": "0x",
    "-0x1F": "-0x1F",
    "+0o7": "+0o7",
    "1e": "1e",
    "e3": "e3",
    ".": ".",
    "-": "-",
    "+": "+",
    "inf": "inf",
    "nan": "nan",
    "-.nan": "-.nan",
    ".iNF": ".iNF",
    "<<": "<<",
    "=": "=",
    "1 000": "1 000",
    "\u0663": "\u0663",
}


@pytest.mark.parametrize(("written", "value"), SCALARS.items(), ids=SCALARS)
def test_core_scalar(written: str, value: object) -> None:
    found = core_scalar(written)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("written", [".nan", ".NaN", ".NAN"])
def test_core_scalar_nan(written: str) -> None:
    found = core_scalar(written)
    assert isinstance(found, float)
    assert math.isnan(found)


def test_a_number_may_have_100_digits_and_no_more() -> None:
    assert core_scalar("9" * 100) == 10**100 - 1
    with pytest.raises(ValueError, match=r"^a number of 101 digits; at most 100 are read$"):
        core_scalar("9" * 101)


def test_values_and_their_styles() -> None:
    text = (
        "rate: 1e-3\n"
        "no: no\n"
        "quoted: ['1', \"2\", '', \"null\"]\n"
        "empty:\n"
        "block: |\n"
        "  1\n"
        "folded: >-\n"
        "  a\n"
        "  b\n"
        'escaped: "\\u00e9\\t\\/"\n'
        "1: 010\n"
        "true: {x: [], y: {}}\n"
        "? long\n"
        ": - 1\n"
        "  - - 2\n"
        "    - 0x10\n"
    )
    assert read_source(text, "s.yaml").value == {
        "rate": 0.001,
        "no": "no",
        "quoted": ["1", "2", "", "null"],
        "empty": None,
        "block": "1\n",
        "folded": "a b",
        "escaped": "é\t/",
        "1": 10,
        "true": {"x": [], "y": {}},
        "long": [1, [2, 16]],
    }


@pytest.mark.parametrize("text", ["", "  \n\n", "# only a comment\n", b"", "\ufeff"])
def test_nothing(text: str | bytes) -> None:
    with pytest.raises(SpecError) as caught:
        read_source(text, "s.yaml")
    found = caught.value.diagnostics[-1]
    assert (found.code, found.message) == (
        "empty",
        "the file holds no spec: it is empty, or all of it is comments",
    )
    assert found.location is not None
    assert (found.location.line, found.location.column) == (1, 1)


@pytest.mark.parametrize(
    "text",
    [
        b"a: 1\n",
        "a: 1",
        "---\na: 1\n...\n",
    ],
)
def test_one_document_however_it_is_wrapped(text: str | bytes) -> None:
    source = read_source(text, "s.yaml")
    assert source.value == {"a": 1}
    assert source.diagnostics == []


@pytest.mark.parametrize("text", ["\ufeffa: 1\n", b"\xef\xbb\xbfa: 1\n"])
def test_a_byte_order_mark_is_read_over(text: str | bytes) -> None:
    source = read_source(text, "s.yaml")
    assert source.value == {"a": 1}
    (found,) = source.diagnostics
    assert (found.code, found.severity) == ("byte-order-mark", "warning")
    assert source.keys["a",].column == 1
    assert source.keys["a",].text == "a: 1"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_newline_counts_lines(newline: str) -> None:
    source = read_source(newline.join(["a: 1", "b: 2", "c: 3"]), "s.yaml")
    assert source.value == {"a": 1, "b": 2, "c": 3}
    assert [(at.line, at.column, at.text) for at in source.keys.values()] == [
        (1, 1, "a: 1"),
        (2, 1, "b: 2"),
        (3, 1, "c: 3"),
    ]


def test_places() -> None:
    text = "name: é  # twice: é\nlayers:\n  - conv: {kernel_size: [3, 10]}\n  - relu\n  -\n"
    source = read_source(text, "s.yaml")
    values = {path: (at.line, at.column, at.end_column) for path, at in source.values.items()}
    assert values == {
        (): (1, 1, 2),
        ("name",): (1, 7, 8),
        ("layers",): (3, 3, 4),
        ("layers", 0): (3, 5, 6),
        ("layers", 0, "conv"): (3, 11, 33),
        ("layers", 0, "conv", "kernel_size"): (3, 25, 32),
        ("layers", 0, "conv", "kernel_size", 0): (3, 26, 27),
        ("layers", 0, "conv", "kernel_size", 1): (3, 29, 31),
        ("layers", 1): (4, 5, 9),
        ("layers", 2): (5, 4, 5),
    }
    keys = {path: (at.line, at.column, at.end_column) for path, at in source.keys.items()}
    assert keys == {
        ("name",): (1, 1, 5),
        ("layers",): (2, 1, 7),
        ("layers", 0, "conv"): (3, 5, 9),
        ("layers", 0, "conv", "kernel_size"): (3, 12, 23),
    }
    assert source.values["layers", 1].text == "  - relu"
    assert {at.file for at in source.values.values()} == {"s.yaml"}


def test_the_place_of_what_is_not_there_is_that_of_what_is_around() -> None:
    source = read_source("layers:\n  - conv: {bias: true}\n", "s.yaml")
    inner = ("layers", 0, "conv", "bias")
    assert source.locate(inner) == source.values[inner]
    assert source.locate(inner, key=True) == source.keys[inner]
    assert source.locate((*inner, "deeper")) == source.keys[inner]
    assert source.locate(("layers", 0, "conv", "stride")) == source.keys["layers", 0, "conv"]
    assert source.locate(("layers", 7, "conv")) == source.keys["layers",]
    assert source.locate(("other",)) == source.values[()]
    assert Source("s.yaml").locate(("other",)) == Location("s.yaml", 1, 1, 2, "")


def problem(text: str | bytes) -> Diagnostic:
    """Read a text that is refused for one reason, and cannot be read on."""
    with pytest.raises(SpecError) as caught:
        read_source(text, "s.yaml")
    (found,) = caught.value.diagnostics
    return found


def noted(text: str | bytes) -> tuple[Diagnostic, object]:
    """Read a text with one problem, over which it is read on; return that and the value."""
    source = read_source(text, "s.yaml")
    (found,) = source.diagnostics
    return found, source.value


NOTED = {
    "anchor": ("a: &x 1\n", {"a": 1}, "anchor", 1, 4, "anchors (`&x`) are not supported"),
    "anchored mapping": (
        "a: &x\n  b: 1\n",
        {"a": {"b": 1}},
        "anchor",
        1,
        4,
        "anchors (`&x`) are not supported",
    ),
    "anchored key": (
        "a: 1\n&x b: 1\n",
        {"a": 1, "b": 1},
        "anchor",
        2,
        1,
        "anchors (`&x`) are not supported",
    ),
    "alias": (
        "a: 1\nb: *x\n",
        {"a": 1, "b": UNREAD},
        "alias",
        2,
        4,
        "aliases (`*x`) are not supported",
    ),
    "alias in a list": (
        "[1, *x]\n",
        [1, UNREAD],
        "alias",
        1,
        5,
        "aliases (`*x`) are not supported",
    ),
    "tag": ("a: !foo 3\n", {"a": 3}, "tag", 1, 4, "tags (`!foo`) are not supported"),
    "tagged list": ("a: !foo [3]\n", {"a": [3]}, "tag", 1, 4, "tags (`!foo`) are not supported"),
    "tagged mapping": ("!foo {a: 3}\n", {"a": 3}, "tag", 1, 1, "tags (`!foo`) are not supported"),
    "tag of YAML itself": (
        "a: !!str 3\n",
        {"a": 3},
        "tag",
        1,
        4,
        "tags (`!!str`) are not supported",
    ),
    "two documents": (
        "a: 1\n---\nb: 2\n",
        {"a": 1},
        "several-documents",
        2,
        1,
        "a spec is one document; here starts another",
    ),
    "two endings": (
        "a: 1\n...\n---\n",
        {"a": 1},
        "several-documents",
        3,
        1,
        "a spec is one document; here starts another",
    ),
    "many digits": (
        "a: 1\nb: " + "1" * 101,
        {"a": 1, "b": UNREAD},
        "number-too-long",
        2,
        4,
        "a number of 101 digits; at most 100 are read",
    ),
    "many octal digits": (
        "[0o" + "7" * 5000 + "]",
        [UNREAD],
        "number-too-long",
        1,
        2,
        "a number of 5002 digits; at most 100 are read",
    ),
}


@pytest.mark.parametrize(
    ("text", "value", "code", "line", "column", "message"), NOTED.values(), ids=NOTED
)
def test_noted_and_read_on(
    text: str, value: object, code: str, line: int, column: int, message: str
) -> None:
    found, read = noted(text)
    assert read == value
    assert found.location is not None
    place = (found.location.file, found.location.line, found.location.column)
    assert (found.code, *place, found.message) == (code, "s.yaml", line, column, message)
    assert found.location.end_column > found.location.column


def test_every_problem_over_which_is_read_on_is_noted() -> None:
    text = "\ufeffa: &x 1\nb: [*x, !t 2]\na: 3\n---\n"
    source = read_source(text, "s.yaml")
    assert source.value == {"a": 1, "b": [UNREAD, 2]}
    assert [
        (found.code, found.location.line) for found in source.diagnostics if found.location
    ] == [
        ("byte-order-mark", 1),
        ("alias", 2),
        ("tag", 2),
        ("duplicate-key", 3),
        ("several-documents", 4),
    ]


def test_thousands_of_aliases_are_one_problem() -> None:
    bomb = "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a, *a]\n" for n in range(500))
    (problem,) = read_source(bomb, "s.yaml").diagnostics
    assert problem.code == "alias"
    assert problem.message == (
        "aliases (`*a`) are not supported; the file has 2,000 more of them and of anchors"
    )
    text = f"{bomb}input: [1, 8, 8]\nlayers: [flatten, linear: {{out_features: 2}}]\n"
    assert [found.code for found in inspect_spec(text).diagnostics] == ["alias"]
    (problem,) = read_source("a: &x 1\nb: &y 2\nc: &z 3\n", "s.yaml").diagnostics
    assert problem.message == "anchors (`&x`) are not supported; the file has 2 more of them"


def test_what_was_noted_before_comes_before_what_stops() -> None:
    with pytest.raises(SpecError) as caught:
        read_source("a: &x 1\na: 2\nb: [1\n", "s.yaml")
    codes = [found.code for found in caught.value.diagnostics]
    assert codes == ["anchor", "duplicate-key", "syntax"]


REFUSED = {
    "list as key": (
        "a: 1\n? [b]\n: 2\n",
        "wrong-key",
        2,
        3,
        "a key must be a word, not a mapping or a list",
    ),
    "mapping as key": (
        "{? {b: 1} : 2}\n",
        "wrong-key",
        1,
        4,
        "a key must be a word, not a mapping or a list",
    ),
    "brackets": ("[" * 5000, "too-deep", 1, 51, "more than 50 levels of nesting"),
    "closed brackets": (
        "[" * 5000 + "]" * 5000,
        "too-deep",
        1,
        51,
        "more than 50 levels of nesting",
    ),
    "braces": ("{a: " * 5000, "too-deep", 1, 201, "more than 50 levels of nesting"),
    "dashes": ("- " * 5000, "too-deep", 1, 101, "more than 50 levels of nesting"),
    "tab before a value": (
        "a:\t[1]\n",
        "tab",
        1,
        3,
        "a tab cannot indent a line, nor stand before a value",
    ),
    "tab as indentation": (
        "a:\n\t- b\n",
        "tab",
        2,
        1,
        "a tab cannot indent a line, nor stand before a value",
    ),
    "open list": ("a: [1, 2", "syntax", 1, 4, "the `[` is never closed"),
    "open text": ("a: 'b\n", "syntax", 1, 4, "the quote is never closed"),
    "unknown escape": ('a: "\\q"\n', "syntax", 1, 6, "`\\q` is no escape of YAML"),
    "two values": ("a: b: c\n", "syntax", 1, 5, "a `:` cannot stand here"),
    "wrong indentation": (
        "a:\n  - b\n c: d\n",
        "syntax",
        3,
        2,
        "this is not indented like what it follows",
    ),
    "percent": ("a: %b", "syntax", 1, 4, "a value cannot start with `%`"),
    "YAML 2": (
        "%YAML 2.0\n---\na: 1\n",
        "directive",
        1,
        1,
        "directives (lines that start with `%`) are not supported",
    ),
    "nul": (
        "a: 1\nb: \0",
        "control-character",
        2,
        4,
        "the character U+0000 is not allowed in YAML",
    ),
    "bell": (
        "a: 1\nbell: x\x07y\n",
        "control-character",
        2,
        8,
        "the character U+0007 is not allowed in YAML",
    ),
    "after an emoji": (
        "a: \N{GRINNING FACE}\x02",
        "control-character",
        1,
        5,
        "the character U+0002 is not allowed in YAML",
    ),
    "half a surrogate pair": (
        "a: \ud800",
        "control-character",
        1,
        4,
        "the character U+D800 is not allowed in YAML",
    ),
    "latin-1": (
        b"a: 1\nb: \xe9\n",
        "not-utf8",
        2,
        4,
        "the file is not UTF-8 text: byte 8 is 0xe9",
    ),
    "utf-16": (
        "a: 1".encode("utf-16"),
        "not-utf8",
        1,
        1,
        "the file is UTF-16 or UTF-32 text",
    ),
    "utf-16, big end first": (
        "\ufeffa: 1".encode("utf-16-be"),
        "not-utf8",
        1,
        1,
        "the file is UTF-16 or UTF-32 text",
    ),
    "utf-32, big end first": (
        "\ufeffa: 1".encode("utf-32-be"),
        "not-utf8",
        1,
        1,
        "the file is UTF-16 or UTF-32 text",
    ),
    "utf-16 without a mark": (
        "a: 1".encode("utf-16-le"),
        "binary",
        1,
        1,
        "the file is binary: byte 1 is 0",
    ),
    "zip": (
        b"PK\x03\x04\x14\0",
        "binary",
        1,
        1,
        "the file is a zip archive (an .npz file?), not a text",
    ),
    "picture": (b"\x89PNG\r\n\x1a\n", "binary", 1, 1, "the file is a PNG picture, not a text"),
    "too large": (
        b"#" * (MAX_BYTES + 1),
        "too-large",
        1,
        1,
        f"the file is longer than {MAX_BYTES:,} bytes",
    ),
    "too many values": (
        "[" + "0," * MAX_VALUES + "]",
        "too-large",
        1,
        2 * MAX_VALUES,
        f"the file holds more than {MAX_VALUES:,} values",
    ),
    "alias as a key of a mapping": (
        "? [*x]\n",
        "wrong-key",
        1,
        3,
        "a key must be a word, not a mapping or a list",
    ),
    "half a surrogate pair as key": (
        '"\\uD800": 3',
        "wrong-key",
        1,
        1,
        "a key must be text; found half of a surrogate pair",
    ),
}


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "message"), REFUSED.values(), ids=REFUSED
)
def test_refused(text: str | bytes, code: str, line: int, column: int, message: str) -> None:
    found = problem(text)
    assert found.location is not None
    place = (found.location.file, found.location.line, found.location.column)
    assert (found.code, *place, found.message) == (code, "s.yaml", line, column, message)
    assert found.location.end_column > found.location.column


def test_as_many_bytes_as_are_allowed_are_read() -> None:
    assert read_source(b"a: 1 #".ljust(MAX_BYTES, b"#"), "s.yaml").value == {"a": 1}


def test_as_many_values_as_are_allowed_are_read() -> None:
    """The list is a value, too."""
    value = read_source("[" + "0," * (MAX_VALUES - 1) + "]", "s.yaml").value
    assert value == [0] * (MAX_VALUES - 1)


def test_the_limits_are_those_that_the_codes_state() -> None:
    assert f"{MAX_BYTES:,} bytes" in CODES["too-large"].summary
    assert f"{MAX_VALUES:,} values" in CODES["too-large"].summary
    assert f"{MAX_DEPTH} levels" in CODES["too-deep"].summary
    assert f"{MAX_DIGITS} digits" in CODES["number-too-long"].summary


def test_fifty_levels_are_read() -> None:
    value = read_source("[" * 50 + "]" * 50, "s.yaml").value
    for _ in range(49):
        (value,) = value
    assert value == []


def test_the_caret_spans_the_alias() -> None:
    at = noted("a: *name\n")[0].location
    assert at is not None
    assert (at.column, at.end_column) == (4, 9)


def test_an_alias_as_a_key_cannot_be_read_on() -> None:
    with pytest.raises(SpecError) as caught:
        read_source("*x : 1\n", "s.yaml")
    assert [(found.code, found.message) for found in caught.value.diagnostics] == [
        ("alias", "aliases (`*x`) are not supported"),
        ("wrong-key", "a key must be a word, not an alias"),
    ]


@pytest.mark.parametrize("directive", ["%YAML 1.2", "%YAML 1.1", "%TAG !e! tag:example.com:"])
def test_directives_are_noted_and_read_over(directive: str) -> None:
    found, value = noted(f"{directive}\n---\na: 1\n")
    assert value == {"a": 1}
    assert found.code == "directive"
    assert found.message == "directives (lines that start with `%`) are not supported"
    assert found.location is not None
    assert (found.location.line, found.location.column) == (1, 1)


@pytest.mark.parametrize(
    "text",
    [
        'a: "\\U00110000"\n',
        'a: "\\UFFFFFFFF"\n',
        "%YAML " + "1" * 5000 + ".1\n---\na: 1\n",
        "%YAML 1." + "1" * 5000 + "\n---\na: 1\n",
    ],
    ids=["beyond unicode", "beyond a C int", "long major version", "long minor version"],
)
def test_what_yaml_itself_stumbles_over_is_a_syntax_error(text: str) -> None:
    found = problem(text)
    assert found.code == "syntax"
    assert found.location is not None
    assert found.location.line == 1


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_control_character_is_found_in_its_line(newline: str) -> None:
    at = problem(f"a: 1{newline}b: \x01").location
    assert at is not None
    assert (at.line, at.column) == (2, 4)


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in problem("a: \x1b[31m\n").render()


DUPLICATES = """\
name: a
layers: [{conv: {bias: true, bias: false}}]
name: b
training: {epochs: 1}
training:
  epochs: 2
  epochs: 3
name: c
"""


def test_duplicate_keys_are_all_found_and_the_first_one_counts() -> None:
    source = read_source(DUPLICATES, "s.yaml")
    assert source.value == {
        "name": "a",
        "layers": [{"conv": {"bias": True}}],
        "training": {"epochs": 1},
    }
    found = [
        (problem.code, problem.location.line, problem.location.column, problem.message)
        for problem in source.diagnostics
        if problem.location
    ]
    assert found == [
        ("duplicate-key", 2, 30, "`bias` is written twice; the first is in line 2"),
        ("duplicate-key", 3, 1, "`name` is written twice; the first is in line 1"),
        ("duplicate-key", 5, 1, "`training` is written twice; the first is in line 4"),
        ("duplicate-key", 7, 3, "`epochs` is written twice; the first is in line 6"),
        ("duplicate-key", 8, 1, "`name` is written twice; the first is in line 1"),
    ]
    assert source.values["name",].line == 1
    assert source.values["training", "epochs"].line == 4


def test_the_same_word_in_another_style_is_the_same_key() -> None:
    source = read_source("a: 1\n'a': 2\n", "s.yaml")
    assert [found.code for found in source.diagnostics] == ["duplicate-key"]
