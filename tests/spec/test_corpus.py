"""Every common mistake and what is said about it, to the letter.

`make golden` writes the expected renderings and docs/reference/diagnostics.md anew: read the
difference.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cnnspec.spec import Diagnostic, inspect_spec
from cnnspec.spec.codes import CODES
from cnnspec.spec.composites import ENTRIES
from cnnspec.spec.data import DATA_KINDS, Normalize
from cnnspec.spec.initializations import INITIALIZATIONS
from cnnspec.spec.limits import Limits
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import OPTIMIZERS
from cnnspec.spec.training import Training
from tests.spec.corpus import BAD, ELSEWHERE, HERE, ODD, inspect, rendering
from tests.spec.pages import PAGE, page

FOUND = {path: inspect(path) for path in [*BAD, *ODD]}


def by_name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", [*BAD, *ODD], ids=by_name)
def test_what_is_said(path: Path, golden: Any) -> None:
    golden(rendering(FOUND[path].diagnostics), path.with_suffix(".txt"))


def test_every_expected_rendering_has_its_file() -> None:
    for folder in ("bad", "odd"):
        names = {path.stem for path in (HERE / folder).iterdir()}
        for suffix in (".yaml", ".txt"):
            assert names == {path.stem for path in (HERE / folder).glob(f"*{suffix}")}


@pytest.mark.parametrize("path", BAD, ids=by_name)
def test_a_bad_file_has_an_error(path: Path) -> None:
    assert FOUND[path].spec is None
    assert "error" in {problem.severity for problem in FOUND[path].diagnostics}


@pytest.mark.parametrize("path", ODD, ids=by_name)
def test_an_odd_file_is_valid_and_has_warnings_alone(path: Path) -> None:
    assert FOUND[path].spec is not None
    assert {problem.severity for problem in FOUND[path].diagnostics} == {"warning"}


# What the corpus has to cover.


def test_the_corpus_is_large() -> None:
    assert len(BAD) >= 120


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_in_the_corpus_or_elsewhere(code: str) -> None:
    files = [path for path in FOUND if code in codes(FOUND[path].diagnostics)]
    if code in ELSEWHERE:
        assert files == []
        assert code in codes(ELSEWHERE[code]())
    else:
        assert files


def codes(diagnostics: tuple[Diagnostic, ...]) -> set[str]:
    return {problem.code for problem in diagnostics}


def every_option() -> list[str]:
    """List what can be written: `pool.padding`, `training.epochs`, `spec.name`."""
    sections: dict[str, Any] = {
        "spec": ModelSpec,
        "training": Training,
        "limits": Limits,
        "normalize": Normalize,
        **ENTRIES,
        **DATA_KINDS,
        **OPTIMIZERS,
        **INITIALIZATIONS,
    }
    return [
        f"{section}.{option}" for section, kind in sections.items() for option in kind.model_fields
    ]


def words(path: tuple[str | int, ...]) -> list[str]:
    return ["spec", *(step for step in path if isinstance(step, str))]


NAMED = {
    ".".join(pair)
    for found in FOUND.values()
    for problem in found.diagnostics
    for pair in zip(words(problem.path), words(problem.path)[1:])
}


@pytest.mark.parametrize("option", every_option())
def test_every_option_is_wrong_somewhere(option: str) -> None:
    assert option in NAMED


@pytest.mark.parametrize("kind", [*ENTRIES, *DATA_KINDS, *OPTIMIZERS, *INITIALIZATIONS])
def test_every_kind_has_a_problem_somewhere(kind: str) -> None:
    assert kind in {name.split(".")[0] for name in NAMED}


# The help is a way out: done as it says, the problem is gone.

OFFER = re.compile(r"(did you mean|write) `([^`{]+)`(\?|, in quotes| without quotes)?")

OFFERS = [
    (path, number)
    for path, found in FOUND.items()
    for number, problem in enumerate(found.diagnostics)
    if problem.code != "syntax" and OFFER.fullmatch(problem.help)
]


def with_offer(path: Path, problem: Diagnostic) -> tuple[Diagnostic, ...]:
    """Write the word that is offered in the place of what is wrong, and read the file again."""
    at, offer = problem.location, OFFER.fullmatch(problem.help)
    assert at is not None
    assert offer is not None
    lines = re.split("(\r\n|\r|\n)", path.read_bytes().decode("utf-8-sig"))
    line = lines[2 * (at.line - 1)]
    assert line == at.text
    lines[2 * (at.line - 1)] = line[: at.column - 1] + offer[2] + line[at.end_column - 1 :]
    return inspect_spec("".join(lines), file=path.name).diagnostics


@pytest.mark.parametrize(
    ("path", "number"),
    [pytest.param(path, number, id=f"{path.stem}-{number}") for path, number in OFFERS],
)
def test_a_word_that_is_offered_is_a_way_out(path: Path, number: int) -> None:
    problem = FOUND[path].diagnostics[number]
    left = with_offer(path, problem)
    places = [
        (at.line, at.column, found.code) for found in left if (at := found.location) is not None
    ]
    assert problem.location is not None
    assert (problem.location.line, problem.location.column, problem.code) not in places


# file, its only help (or all of them), and what a person changes who does as it says
DONE: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "kernel-larger-than-the-input": (
        "a kernel of at most 8 fits, or a padding of at least 1",
        [("kernel_size: 9", "kernel_size: 8")],
    ),
    "kernel-larger-than-the-padded-input": (
        "a kernel of at most 10 fits, or a padding of at least 3",
        [("padding: 1", "padding: 3")],
    ),
    "dilated-kernel-wider-than-the-input": (
        "a kernel of at most 4 fits, or a padding of at least 1",
        [("[1, 5]", "[1, 4]")],
    ),
    "pooled-away": (
        "a kernel of at most 1 fits, or a padding of at least 1",
        [("{kernel_size: 2}\n  - flatten", "{kernel_size: 2, padding: 1}\n  - flatten")],
    ),
    "linear-before-flatten": (
        "put `- flatten` before it",
        [("  - linear", "  - flatten\n  - linear")],
    ),
    "pool-after-flatten": (
        "move `pool` before `flatten`",
        [
            ("  - flatten\n  - pool: {kernel_size: 2}\n", "  - pool: {kernel_size: 2}\n"),
            ("  - linear", "  - flatten\n  - linear"),
        ],
    ),
    "groups-that-do-not-divide-the-output": (
        "1, 2, 4 would do",
        [("groups: 3", "groups: 4")],
    ),
    "wrong-in_channels": (
        "write 1, or leave `in_channels` out: it is inferred",
        [("in_channels: 3, ", "")],
    ),
    "wrong-in_features": (
        "write 64, or leave `in_features` out: it is inferred",
        [("63", "64")],
    ),
    "padding-same-with-a-stride": (
        "write the padding as a number",
        [("padding: same", "padding: 1")],
    ),
    "padding-over-half-of-a-window": (
        "at most 1 is allowed: a window must not be all padding",
        [("padding: 2", "padding: 1")],
    ),
    "names-written-twice": (
        "rename one of them",
        [("relu: {name: act}\n  - flatten", "relu: {name: last}\n  - flatten")],
    ),
    "no-logits": (
        "end with `- flatten` and `- linear: {out_features: ...}`",
        [("  - relu\n", "  - relu\n  - flatten\n  - linear: {out_features: 10}\n")],
    ),
    "softmax-before-loss": ("leave the last `softmax` out", [("  - softmax\n", "")]),
    "channels-last": (
        "write `input: [1, 28, 28]`, or take other data",
        [("input: [28, 28, 1]", "input: [1, 28, 28]")],
    ),
    "too-few-logits": (
        "end with `- linear: {out_features: 10}`",
        [("- linear: {out_features: 9}", "- linear: {out_features: 10}")],
    ),
    "normalize-of-colours": (
        "give one mean and one std for each channel",
        [("[0.485, 0.456, 0.406]", "[0.5]"), ("[0.229, 0.224, 0.225]", "[0.2]")],
    ),
    "too-few-images": (
        "ask for at most 1437, or leave it out to have all",
        [("60000", "1437"), (", test_samples: 10000", "")],
    ),
    "too-many-parameters": ("limits: {parameters: ", [("$limits", "")]),
    "too-many-activations": ("limits: {activations: ", [("$limits", "")]),
    "own-limits": ("limits: {parameters: ", [("$limits", "")]),
    "pool-without-kernel_size": (
        "add `kernel_size: 2`",
        [("{stride: 2}", "{stride: 2, kernel_size: 2}")],
    ),
    "optimizer-as-a-call": (
        "write `adam: {learning_rate: 0.001}`",
        [
            ("torch.optim.Adam(lr=0.001)", "{adam: {learning_rate: 0.001}}"),
            ("Normal(stddev=0.05)", "{normal: {std: 0.05}}"),
        ],
    ),
    "npz-without-path": ("add `path: images.npz`", [("{npz: {", "{npz: {path: images.npz, ")]),
    "normal-without-std": ("add `std: 0.01`", [("normal", "{normal: {std: 0.01}}")]),
    "normalize-without-std": ("add `std: ", [("$add", "mean: [0.5], ")]),
    "options-that-are-not-indented": (
        "indent the options under `linear:`",
        [("    out_features", "      out_features"), ("  - linear", "  - flatten\n  - linear")],
    ),
    "unclosed-bracket-at-the-end": ("add `]`", [("[1, 8, 8", "[1, 8, 8]")]),
    "windows-path-in-double-quotes": (
        "in single quotes, a backslash is a backslash",
        [('"', "'")],
    ),
    "brace-closed-twice": ("remove it", [("}}", "}")]),
    "tab-as-indentation": ("write spaces", [("\t", "  ")]),
    "two-documents": (
        "keep each spec in a file of its own",
        [("---\ninput: [1, 28, 28]\nlayers: [flatten]\n", "")],
    ),
    "a-layer-by-its-alias": (
        "write out what `&act` stands for",
        [("&act ", ""), ("*act", "relu")],
    ),
    "duplicate-sections": ("keep one of them", [("training: {epochs: 3}\n", "")]),
    "path-as-options": (
        "write `npz: {path: mine.npz}`",
        [("npz: mine.npz", "npz: {path: mine.npz}")],
    ),
    "normal-as-a-number": (
        "write `normal: {std: 0.01}`",
        [("normal: 0.01", "normal: {std: 0.01}")],
    ),
    "batches-of-one": (
        "write `batch_size: 2` in `training`",
        [("batch_size: 1", "batch_size: 2")],
    ),
    "one-image-is-left": (
        "write `batch_size: 11` in `training`",
        [("batch_size: 10", "batch_size: 11")],
    ),
    "a-training-set-of-one": (
        "train on at least 2 images",
        [("train_samples: 1", "train_samples: 32")],
    ),
    "spare-logits": ("end with `- linear: {out_features: 10}`", [("1000", "10")]),
    "one-logit": (
        "give one logit for each class: two for yes and no",
        [("out_features: 1", "out_features: 2")],
    ),
    "leaky-logits": (
        "leave the last `leaky_relu` out; the loss takes the logits as they are",
        [("  - leaky_relu: {negative_slope: 0}\n", "")],
    ),
    "dropped-logits": (
        "leave the last `dropout` out, or put it before the layer that gives the logits",
        [("  - dropout: {p: 0.2}\n", ""), ("  - linear", "  - dropout: {p: 0.2}\n  - linear")],
    ),
    "rectified-logits": (
        "leave the last `relu` out; the loss takes the logits as they are",
        [("  - relu\n", "")],
    ),
    "no-parameters": (
        "add a `conv` or a `linear`",
        [("flatten\n", "flatten\n  - linear: {out_features: 2}\n")],
    ),
}


@pytest.mark.parametrize("name", DONE)
def test_what_is_done_as_the_help_says_is_valid(name: str) -> None:
    (path,) = [path for path in FOUND if path.stem == name]
    helps = [problem.help for problem in FOUND[path].diagnostics]
    said, changes = DONE[name]
    assert any(said in way_out for way_out in helps)
    text = path.read_text()
    for old, new in changes:
        if old == "$limits":
            limits = re.findall(r"`limits: \{(.*?)\}`", " ".join(helps))
            text = re.sub(r"^limits:(.*\n)(  .*\n)*", "", text, flags=re.MULTILINE)
            text += f"limits: {{{', '.join(limits)}}}\n"
        elif old == "$add":
            (added,) = re.findall("add `(.+)`", helps[0])
            text = text.replace("{mean: [0.5]}", f"{{mean: [0.5], {added}}}")
        else:
            assert old in text
            text = text.replace(old, new)
    assert inspect_spec(text).diagnostics == ()


# Terminals of other widths.

WIDE = ["a-long-line", "a-long-japanese-line", "japanese-comments-and-keys", "a-lenet-with-slips"]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", WIDE)
def test_what_is_said_in_a_terminal(name: str, width: int, golden: Any) -> None:
    found = FOUND[HERE / "bad" / f"{name}.yaml"].diagnostics
    golden(rendering(found, width), HERE / "widths" / f"{name}-{width}.txt")


def columns(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)


# Once for all files at a width: rendering takes less time than a test by itself.
@pytest.mark.parametrize("width", [40, 60, 79, 80, 120, 200])
def test_the_caret_is_under_its_text_and_nothing_is_too_wide(width: int) -> None:
    wrong = [
        f"{path.stem}: {fault}\n{problem.render(width)}"
        for path, found in FOUND.items()
        for problem in found.diagnostics
        for fault in caret_faults(problem, width)
    ]
    assert not wrong, "\n\n".join(wrong[:5])


def caret_faults(problem: Diagnostic, width: int) -> Iterator[str]:
    """Yield what is wrong with the line of the source that is shown, and the one below it."""
    lines = problem.render(width).split("\n")
    at = problem.location
    if at is None or not at.text:
        return
    number = next(n for n, line in enumerate(lines) if line.endswith(" |"))
    source, caret = lines[number + 1], lines[number + 2]
    if max(columns(source), columns(caret)) > width:
        yield "too wide"
    span = at.text[at.column - 1 : at.end_column - 1]
    indent = caret.index("^")
    under = cut(source, indent, indent + caret.count("^"))
    shown = under.removesuffix("...").rstrip()
    if not visible(span).startswith(visible(shown)):
        yield "the caret is elsewhere"
    if under == shown and caret.count("^") != max(1, columns(visible(span))):
        yield "the caret is of another length"


def visible(text: str) -> str:
    """Replace what a terminal does not show as a sign of its own."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f\u200b\ufeff]", "\ufffd", text.replace("\t", " "))


def cut(text: str, start: int, end: int) -> str:
    """Return what stands in these columns."""
    found, column = "", 0
    for sign in text:
        if start <= column < end:
            found += sign
        column += columns(sign)
    return found


def test_words_are_wrapped_at_the_width() -> None:
    for found in FOUND.values():
        for problem in found.diagnostics:
            for line in problem.render(80).split("\n"):
                first = line.strip().split(" ")[0]
                assert columns(line) <= 80 or " " not in line.strip() or first == "-->", line


# docs/reference/diagnostics.md


def test_the_page_is_what_is_said(golden: Any) -> None:
    golden(page(), PAGE)
    titles = re.findall("^### (.+)$", page(), flags=re.MULTILINE)
    assert titles == list(CODES)
