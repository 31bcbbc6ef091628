"""Whatever a file holds: no exception but SpecError, and every problem has a place.

`check` states what must hold of any text; fuzz/load_spec.py holds the same, guided by coverage.
"""

from __future__ import annotations

import contextlib
import re
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnspec.errors import SpecError
from cnnspec.plan import resolve
from cnnspec.spec import Diagnostic, Inspection, dump_spec, inspect_spec, parse_spec
from cnnspec.spec.codes import CODES
from cnnspec.spec.format import format_spec
from cnnspec.spec.source import MAX_BYTES, MAX_VALUES

SPECS = [path.read_text() for path in sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))]
SMALL = """\
name: small  # a name
input: [2, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: [3, 2], padding: 1, groups: 2, name: first}
  # between
  - pool:
      kernel_size: 2
  - flatten
  - linear: {out_features: 3}
data: {npz: {path: "a b", normalize: {mean: [0, 0.1], std: [1, .5]}}}
training:
  optimizer: {sgd: {momentum: 0.9, nesterov: true}}
  batch_size: 2
"""
TREE = """\
input: [3, 8, 8]
layers:
  - repeat:  # twice
      times: 2
      layers:
        - residual:
            body: [conv: {out_channels: 3, kernel_size: 3, padding: 1}, batch_norm]
            # beside it
            shortcut: [batch_norm]
        - relu
  - parallel:
      name: mix
      paths:
        - - relu
          # in a path
          - conv: {out_channels: 2, kernel_size: 1}
        - []
        - [residual: {body: [relu]}]
  - parallel: {merge: add, paths: [[], [relu]]}
  - flatten
  - linear: {out_features: 3}
"""
BAD = [path.read_bytes() for path in sorted((Path(__file__).parent / "bad").glob("*.yaml"))]

WIDTHS = (40, 80, None)
MOST_PROBLEMS = 101  # a hundred, and how many more there are
MOST_CHARACTERS = 10_000  # of one problem on the screen
SLOWEST = 5.0  # seconds of processor time, for one reading or formatting: five times the longest
MOST_MEMORY = 256  # MiB that reading may add to the process

# ---------------------------------------------------------------------------- what must hold


def check(text: str | bytes, overrides: Sequence[str] = ()) -> Inspection:
    """Hold a text, valid or not, to everything that holds of any text."""
    found = inspect_spec(text, file="f.yaml", overrides=overrides)
    check_found(found, text, overrides)
    assert found == inspect_spec(text, file="f.yaml", overrides=overrides)
    if found.spec is not None:
        assert parse_spec(text, file="f.yaml", overrides=overrides) == found.spec
        return found
    with pytest.raises(SpecError) as caught:
        parse_spec(text, file="f.yaml", overrides=overrides)
    assert caught.value.diagnostics == found.diagnostics
    return found


def check_found(found: Inspection, text: str | bytes, overrides: Sequence[str]) -> None:
    assert len(found.diagnostics) <= MOST_PROBLEMS
    lines = lines_of(text)
    for problem in found.diagnostics:
        check_place(problem, lines, overrides)
        for width in WIDTHS:
            check_rendering(problem, width)
    wrong = any(problem.severity == "error" for problem in found.diagnostics)
    assert wrong == (found.spec is None)
    if found.spec is not None:
        resolve(found.spec)
        for defaults in (False, True):
            assert parse_spec(dump_spec(found.spec, defaults=defaults)) == found.spec


def lines_of(text: str | bytes) -> list[str]:
    """Split a text where YAML does; what is no UTF-8, at its line feeds."""
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError:
            return [line.decode(errors="replace").rstrip("\r") for line in text.split(b"\n")]
    return re.split("\r\n|[\n\r\x85\u2028\u2029]", text.removeprefix("\ufeff"))


def check_place(problem: Diagnostic, lines: list[str], overrides: Sequence[str]) -> None:
    assert problem.code in CODES
    at = problem.location
    if at is None:
        assert problem.code == "too-many-problems"
        return
    assert at.column >= 1
    assert at.end_column > at.column or not at.text
    if at.file == "--set":
        line = overrides[at.line - 1]
    else:
        assert at.file == "f.yaml"
        line = lines[at.line - 1]
    assert at.line >= 1
    assert at.text in (line, "")
    # What is missing is shown where it should stand: one column after the end at most.
    assert at.end_column <= len(line) + 2


def check_rendering(problem: Diagnostic, width: int | None) -> None:
    text = problem.render(width)
    assert len(text) <= MOST_CHARACTERS
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", text) is None
    *_, before, caret = ["", "", *re.findall(r"^ *\d* \|.*$", text, re.M)][-2:]
    at = problem.location
    if at is None or not at.text:
        assert "^" not in caret
        return
    margin, signs = caret.index("|") + 2, caret.lstrip(" |")
    assert set(signs) == {"^"}
    start, end = len(caret) - len(signs) - margin, len(caret) - margin
    assert len(caret) <= max(width or 150, 20 + margin) + 1
    source = before[margin:]
    shown = at.text.replace("\t", " ")
    if before.isascii() and "..." not in source:
        assert source == shown.rstrip()
        assert (start, end) == (at.column - 1, min(at.end_column - 1, max(len(shown), start + 1)))
    elif before.isascii() and shown.isascii():  # cut at its ends
        assert source[start:end].strip(".") in shown
        assert end <= len(source) + 1 or shown != shown.rstrip()


def check_format(text: str | bytes, found: Inspection) -> None:
    """Hold the layout of a text to keep what it says, and to be a layout already."""
    refused: tuple[Diagnostic, ...] = ()
    try:
        formatted = format_spec(text, file="f.yaml")
    except SpecError as error:
        refused = error.diagnostics
        formatted = ""
    if not formatted:
        if refused[0].message.startswith("laid out, the file would be longer than"):
            return
        assert found.spec is None
        assert refused
        assert set(refused) <= set(found.diagnostics) or len(found.diagnostics) == MOST_PROBLEMS
        return
    assert format_spec(formatted) == formatted
    again = inspect_spec(formatted)
    assert again.spec == found.spec
    assert codes(again) == codes(found)


def format_or_refuse(text: str | bytes) -> None:
    with contextlib.suppress(SpecError):
        format_spec(text)


def codes(found: Inspection) -> list[str]:
    return sorted(one.code for one in found.diagnostics if one.code != "byte-order-mark")


def check_all(text: str | bytes) -> None:
    check_format(text, check(text))


# ---------------------------------------------------------------------------- what is tried

NAMES = (
    "conv relu pool flatten linear digits mnist fashion_mnist npz sgd adam normal torch_default "
    "name input layers initialization data training limits out_channels kernel_size stride "
    "padding dilation groups bias in_channels kind ceil_mode out_features in_features normalize "
    "mean std train_samples test_samples path epochs batch_size optimizer precision seed "
    "learning_rate momentum nesterov weight_decay betas eps parameters activations "
    "residual body shortcut parallel paths merge concat add repeat times "
    "Conv2d kernal_size lr softmax resblock << x"
)
SCALARS = (
    "1 2 3 8 10 0 -1 1.5 3.0 1e-3 .nan .inf -.inf 1e999 .5 +1 -0.0 0x10 0o17 010 1_000 1:30 "
    "1000000007 1000000000000 2001-01-01 true false yes null ~ '' \"3\" x same max avg float64 "
    '"\\ud800" "\\0" "\\u2028" "\\U00110000" ' + "\u00e9 \u3042\u3042 \U0001f600 e\u0301 \u202e"
)
OTHERS = (
    "[] {} [1] [1,2] [1,8,8] [[]] [1,2,3,4,5] [x] [true] {a:1} {conv:} {mean:[0],std:[1]} {path:a} "
    "[relu] [[],[relu]] [conv:{}] {residual:{body:[relu]}} {repeat:{times:9000,layers:[relu]}} "
    "*a &a !t !!int @ ` % | > - ? : 'a \"a [1 {a ] } , #"
)
LONG_ONES = ["9" * 40, "9" * 101, "1" + "0" * 99, "a" * 200, "\u3042" * 90, "[" * 60]
PIECES = (
    "\n  |\n    |\n  - |\n- |: |, |- |? | #|\r\n|---\n|...\n|\n---\n|%YAML 1.2\n|\\\n|>-\n|<<: "
    '|"\\x|\n\n| # c\n'
)
CHARACTERS = "\n\n\n\n  \t\r,:-?[]{}#&*!|>'\"%@`\\~.0179ae\x85\u2028\ufeff\x00\x7f\u00e9\u3042"

WORDS = st.sampled_from(NAMES.split())
VALUES = st.sampled_from(
    [
        value.replace(":", ": ") if value[0] == "{" or "[conv" in value else value
        for value in OTHERS.split()
    ]
    + SCALARS.split(" ")
    + LONG_ONES
)
SIGNS = st.sampled_from([*CHARACTERS, *PIECES.split("|")])
SOUPS = st.lists(SIGNS | WORDS | VALUES, max_size=30).map("".join)


def mappings(
    keys: st.SearchStrategy[str], values: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    entries = st.lists(st.tuples(keys, values), max_size=4)
    return entries.map(lambda entries: f"{{{', '.join(f'{k}: {v}' for k, v in entries)}}}")


KINDED = WORDS | mappings(WORDS, VALUES | mappings(WORDS, VALUES))
LAYERS = st.lists(KINDED | KINDED | VALUES, max_size=6)
SECTIONS = st.lists(st.tuples(WORDS, VALUES | KINDED | KINDED), max_size=3)


@st.composite
def garbage(draw: st.DrawFn) -> str:
    """Draw a text in the shape of a spec, with anything for its values."""
    lines = [f"input: {draw(st.just('[1, 8, 8]') | VALUES)}", "layers:"]
    lines += [f"  - {layer}" for layer in draw(LAYERS)]
    if draw(st.booleans()):
        lines += ["  - flatten", "  - linear: {out_features: 10}"]
    return "\n".join(lines + [f"{key}: {value}" for key, value in draw(SECTIONS)]) + "\n"


Edit = tuple[str, int, int, str]
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "replace", "cut", "copy", "move line", "drop line"]),
        st.integers(0, 2000),
        st.integers(1, 12),
        SIGNS | VALUES | WORDS,
    ),
    min_size=1,
    max_size=6,
)


def edited(text: str, edits: list[Edit]) -> str:
    for what, number, length, new in edits:
        at = number % (len(text) + 1)
        lines = text.split("\n")
        line = number % len(lines)
        if what == "insert":
            text = text[:at] + new + text[at:]
        elif what == "replace":
            text = text[:at] + new + text[at + length :]
        elif what == "cut":
            text = text[:at] + text[at + length :]
        elif what == "copy":
            text = text[:at] + text[at : at + 5 * length] + text[at:]
        else:
            taken = lines.pop(line)
            if what == "move line":
                lines.insert((line + length) % (len(lines) + 1), taken)
            text = "\n".join(lines)
    return text


EDITED = st.builds(edited, st.sampled_from([SMALL, SMALL, SMALL, TREE, TREE, TREE, *SPECS]), EDITS)
# Deep, long and many: a few signs, over and over.
REPEATED = st.builds(
    lambda before, part, times, after: before + part * times + after,
    st.sampled_from(["", "a: ", "input: [", "layers:\n", "layers: [", "name: ", SPECS[0]]),
    st.lists(SIGNS | VALUES, min_size=1, max_size=3).map("".join),
    st.integers(2, 300),
    SIGNS | VALUES,
)
TEXTS: dict[str, st.SearchStrategy[str] | st.SearchStrategy[bytes]] = {
    "bytes": st.binary(max_size=300),
    "characters": st.text(max_size=100),
    "token soup": SOUPS,
    "spec-shaped garbage": garbage(),
    "edited specs": EDITED,
    "edited bytes": st.builds(
        lambda text, edits: edited(text.decode(errors="surrogateescape"), edits).encode(
            errors="surrogateescape"
        ),
        st.sampled_from([SMALL.encode(), TREE.encode(), *BAD]),
        EDITS,
    ),
    "repeated": REPEATED,
}

STEPS = "conv1 relu2 linear1 0 1 9 00 \u0663 -1 '' *"
TARGETS = (
    "layers.conv1.out_channels layers.0.conv.kernel_size layers layers.0 input input.0 data "
    "data.mnist.normalize.mean training.optimizer.sgd.learning_rate training.epochs "
    "initialization.normal.std layers.linear1.name data.npz.path training.batch_size "
    "layers.repeat1.layers.residual1.body.conv1.out_channels layers.repeat1.times "
    "layers.0.repeat.layers.0.residual.shortcut layers.mix.paths.0.conv1.kernel_size "
    "layers.mix.paths.0 layers.mix.paths.1 layers.repeat1.0.relu1.name"
)
PATHS = st.sampled_from(TARGETS.split()) | st.lists(
    WORDS | st.sampled_from(STEPS.split(" ")), max_size=5
).map(".".join)
OVERRIDES = st.lists(
    st.builds("".join, st.tuples(PATHS, st.sampled_from(["=", " = ", "", "=="]), VALUES | SOUPS)),
    min_size=1,
    max_size=4,
)

# ---------------------------------------------------------------------------- the tests


def run(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.parametrize("kind", TEXTS)
def test_any_text(kind: str) -> None:
    run(40)(given(TEXTS[kind])(check_all))()


@run(40)
@given(st.sampled_from([SMALL, TREE]) | EDITED, OVERRIDES)
def test_any_override(text: str, overrides: list[str]) -> None:
    check(text, overrides)


VALID = "input: [1, 8, 8]\nlayers:\n  - flatten\n  - linear: {out_features: 10}\n"
FOUND = [
    # what fuzzing once found, each as short as it goes
    'a: "\\U00110000"',
    '"\\ud800": 1',
    "%YAML 1.11111111111111111111111\n--- a",
    "\ufeff\ufeff",
    "a:\n  - b}\n",
    "a:\n  -\n  - b\n",
    "a: {b: -}\n",
    "? " + "k" * 1025 + "\n: 1\n",
    "training:\n  a: 1\n\n  seed: 0\n",
    "x: {b: 1, c: [1,\nx:\n# c\n2] }\n",
    VALID + "data:\n  npz:\n    path: a, b\n",
    VALID + 'data: {npz: {path: "a\u2028b"}}\n',
    # laid out, it is longer than a file may be
    "input: [9900, 1, 1]\nlayers: [flatten, linear: {out_features: 10}]\n"
    f"data: {{npz: {{path: a, normalize: {{mean: [{'1,' * 9900}], std: [{'1,' * 9900}]}}}}}}\n",
]


@pytest.mark.parametrize("text", FOUND, ids=range(len(FOUND)))
def test_what_was_found(text: str) -> None:
    check_all(text)


PLACES = st.lists(st.tuples(st.integers(0, 40), st.sampled_from([0, 2, 4, 9, -1])), max_size=8)


def commented(text: str, places: list[tuple[int, int]]) -> str:
    """Write comments `#1#`, `#2#`, ... into lines of their own, or to the end of lines (-1)."""
    lines = text.split("\n")[:-1]
    for number, (at, column) in enumerate(places):
        if column < 0:
            lines[at % len(lines)] += f"  #{number}#"
        else:
            lines.insert(at % (len(lines) + 1), " " * column + f"#{number}#" + "\n" * (number % 2))
    return "\n".join(lines) + "\n"


def check_comments(text: str, places: list[tuple[int, int]]) -> None:
    before = commented(text, places)
    formatted = format_spec(before)
    # No value holds such a text: where the spec is the same, each is a comment still.
    assert inspect_spec(formatted).spec == inspect_spec(text).spec
    assert all(formatted.count(f"#{number}#") == 1 for number in range(len(places)))
    assert formatted.count("#") == before.count("#")
    assert format_spec(formatted) == formatted


@run(30)
@given(st.sampled_from([SMALL, SMALL, *SPECS]), PLACES)
def test_any_comment_is_kept(text: str, places: list[tuple[int, int]]) -> None:
    check_comments(text, places)


# ---------------------------------------------------------------------------- the slow ones


def timed(work: Callable[[], object], what: object, most: float = SLOWEST) -> float:
    """Return how many seconds of processor time something takes: fewer than `most`."""
    start = time.thread_time()
    work()
    seconds = time.thread_time() - start
    assert seconds < most, f"{seconds:.2f} s for {what!r:.200}"
    return seconds


def check_in_time(text: str | bytes) -> None:
    timed(lambda: inspect_spec(text), text)
    timed(lambda: format_or_refuse(text), text)
    check_all(text)


def memory() -> int:
    """Return the most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


# 27,250 texts in all, most of them of the kinds that take a millisecond.
SLOW = {
    "bytes": 7_500,
    "characters": 7_500,
    "token soup": 7_500,
    "spec-shaped garbage": 1_000,
    "edited specs": 500,
    "edited bytes": 2_500,
    "repeated": 750,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", TEXTS)
def test_many_texts(kind: str) -> None:
    before = memory()
    run(SLOW[kind])(given(TEXTS[kind])(check_in_time))()
    assert memory() - before < MOST_MEMORY


@pytest.mark.slow
@run(1_000)
@given(st.just(SMALL) | EDITED, OVERRIDES)
def test_many_overrides(text: str, overrides: list[str]) -> None:
    timed(lambda: inspect_spec(text, overrides=overrides), overrides)
    check(text, overrides)


@pytest.mark.slow
@run(500)
@given(st.sampled_from([SMALL, SMALL, *SPECS]), PLACES)
def test_many_comments(text: str, places: list[tuple[int, int]]) -> None:
    check_comments(text, places)


IN_BRACES = "input: [1, 8, 8]\nlayers: [flatten, "
DEEP = "a: " + "[" * 48
WORST = {
    "layers without a kind, in braces": ("layers: [", "[],", "]"),
    "layers without a kind": ("layers:\n", "  - []\n", ""),
    "layers with a misspelt kind": (VALID, "  - cnov\n", ""),
    "layers": (VALID, "  - relu\n", ""),
    "layers in braces": (IN_BRACES, "relu,", "]"),
    "layers that do not fit": (VALID, "  - linear: {out_features: 1, in_features: 2}\n", ""),
    "pools": ("input: [1, 1, 1]\nlayers:\n", "- pool: {kernel_size: 1}\n", ""),
    "groups": (
        "input: [9, 1, 1]\nlayers:\n",
        "- conv: {kernel_size: 1, out_channels: 9, groups: 2}\n",
        "",
    ),
    "a layer of a long name before layers that do not fit": (
        f"{VALID}  - linear: {{out_features: 1, name: {'a' * 100_000}}}\n",
        "  - linear: {out_features: 1, in_features: 2}\n",
        "",
    ),
    "names twice": (VALID, "  - relu: {name: a}\n", ""),
    "keys twice": ("", "a: 1\n", ""),
    "keys twice, deep": ("a: " + "{b: " * 47 + "{", "c: ,", ""),
    "one long key": ("? ", "k", "\n: 1\n"),
    "one long misspelt kind": (VALID + "  - ", "k", "\n"),
    "many numbers": ("a: [", "1,", "]"),
    "many numbers, deep": (DEEP, "1,", "]" * 48),
    "many lists, deep": (DEEP, "{},", ""),
    "many pairs": ("a: [", "{a: },", "]"),
    "an error after many lists": ("a: [", "[],", "}"),
    "anchors": (DEEP, "&a ,", "]" * 48),
    "aliases": (DEEP, "*a ,", "]" * 48),
    "brackets": ("a: ", "[", ""),
    "dashes": ("", "-\n", ""),
    "one long word": ("a: ", "x", ""),
    "one long text": ("a: ", "x ", ""),
    "one long text of many lines": ("a: ", "x\n ", ""),
    "one long text in quotes": ('a: "', "\\n", '"'),
    "a block of many lines": ("a: |\n", " x\n", ""),
    "empty lines": ("", "\n", VALID),
    "comments": ("", "#\n", VALID),
    "comments after it": (VALID, "#\n", ""),
    "comments beside layers": (VALID, "  - relu # a\n", ""),
    "comments above layers": (VALID, "  # a\n  - relu\n", ""),
    "comments in braces": (IN_BRACES, "relu,#\n", "]\n"),
    "tabs": ("a:", "\t", ""),
    "directives": ("", "%A b\n", "--- a"),
    "documents": ("", "---\n", ""),
}  # fmt: skip


NO_VALUES = {"k", "x", "x ", "x\n ", "\\n", " x\n", "\n", "#\n", "\t", "%A b\n", "---\n"}
"""What makes a text longer, but is no value more."""


@pytest.mark.slow
@pytest.mark.parametrize("values", [MAX_VALUES, MAX_VALUES * 4 // 5])
@pytest.mark.parametrize("what", WORST)
def test_the_largest_texts(what: str, values: int) -> None:
    """Each as long as a file may be, or with as many values: whichever is less."""
    before, part, after = WORST[what]
    times = (MAX_BYTES - len(before + after)) // len(part)
    if part not in NO_VALUES:
        times = min(times, values // len(re.findall(r"[\[{&*]|[\w:]+(?=[^\w:])|-\n", part)))
    text = before + part * times + after
    quarter = before + part * (times // 4) + after
    of_quarter = timed(lambda: inspect_spec(quarter), what)
    whole = timed(lambda: inspect_spec(text), what)
    assert whole < 6 * of_quarter + 0.3, "time grows with the length, and not with its square"
    timed(lambda: format_or_refuse(text), what, most=3 * SLOWEST)  # which reads three times
    check_all(text)


LONG = {
    "a long path": ["a." * 30_000 + "a=1"],
    "a long path to a layer": ["layers.0." + "a." * 30_000 + "a=1"],
    "many": [f"training.epochs={number}" for number in range(1, 5_000)],
    "many, of many layers": [f"layers.relu{number}.name=a{number}" for number in range(1, 100)],
    "many that name no layer": [f"layers.rlu{number}.name=a{number}" for number in range(1, 100)],
    "long values": ["data=[" + "[]," * 3_000 + "]"] * 20,
}


@pytest.mark.slow
@pytest.mark.parametrize("what", LONG)
def test_the_largest_overrides(what: str) -> None:
    text = VALID + "  - relu\n" * 2_000
    timed(lambda: inspect_spec(text, overrides=LONG[what]), what)
    check(text, LONG[what])
