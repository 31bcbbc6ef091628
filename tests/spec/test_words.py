"""Words for values, and the word that was meant."""

from __future__ import annotations

from typing import Any

import pytest

from cnnspec.spec.composites import ENTRIES
from cnnspec.spec.data import DATA_KINDS, Normalize
from cnnspec.spec.field import NOT_NEEDED, SYNONYMS
from cnnspec.spec.initializations import INITIALIZATIONS
from cnnspec.spec.layers import KINDS
from cnnspec.spec.limits import Limits
from cnnspec.spec.load import inspect_spec
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import OPTIMIZERS
from cnnspec.spec.source import UNREAD
from cnnspec.spec.training import Training
from cnnspec.spec.words import describe, did_you_mean

DESCRIBED: list[tuple[Any, str]] = [
    (None, "nothing"),
    (UNREAD, "what cannot be read"),
    (True, "`true`"),
    (False, "`false`"),
    (3, "`3`"),
    (3.0, "`3.0`"),
    (float("inf"), "`inf`"),
    ("3", '"3" (text)'),
    ("", '"" (text)'),
    ("x" * 40, f'"{"x" * 40}" (text)'),
    ("x" * 41, f'"{"x" * 40}..." (text)'),
    ({}, "an empty mapping"),
    ({"a": 1}, "a mapping"),
    ([], "[]"),
    ([1, True, None], "[1, true, nothing]"),
    ([[1], {"a": 1}], "[[1], a mapping]"),
    (["a", 1], '["a" (text), 1]'),
    ([0] * 5, "a list of 5"),
    ((0,) * 5, "a tuple of 5"),
]


@pytest.mark.parametrize(("value", "words"), DESCRIBED, ids=[words for _, words in DESCRIBED])
def test_describe(value: Any, words: str) -> None:
    assert describe(value) == words


OPTIONS = ["name", "out_channels", "kernel_size", "stride", "padding"]

MEANT = [
    ("kernal_size", OPTIONS, "did you mean `kernel_size`?"),
    ("Stride", OPTIONS, "did you mean `stride`?"),
    ("filters", OPTIONS, "did you mean `out_channels`?"),
    ("kernel", OPTIONS, "did you mean `kernel_size`?"),
    ("filters", ["name"], "known are name"),
    ("xyz", OPTIONS, "known are name, out_channels, kernel_size, stride, padding"),
    ("xyz", [], "it has no options"),
    ("Dense", KINDS, "did you mean `linear`?"),
    ("AvgPool2d", KINDS, "did you mean `pool: {kind: avg, ...}`?"),
    ("log_softmax", KINDS, "the loss takes the logits as they are: leave it out"),
    ("loss", Training.model_fields, NOT_NEEDED["loss"]),
    ("<<", OPTIONS, "merge keys are not supported: write the options out"),
    ("input", ["input"], "did you mean `input`?"),
    ("stride" * 1000, OPTIONS, "known are name, out_channels, kernel_size, stride, padding"),
]


@pytest.mark.parametrize(
    ("word", "known", "words"),
    MEANT,
    ids=[f"{word[:20]}-{number}" for number, (word, _, _) in enumerate(MEANT)],
)
def test_did_you_mean(word: str, known: Any, words: str) -> None:
    assert did_you_mean(word, known) == words


EVERY_WORD = {
    *ENTRIES,
    *DATA_KINDS,
    *OPTIMIZERS,
    *INITIALIZATIONS,
    *(
        option
        for section in [
            ModelSpec,
            Training,
            Limits,
            Normalize,
            *ENTRIES.values(),
            *DATA_KINDS.values(),
            *OPTIMIZERS.values(),
            *INITIALIZATIONS.values(),
        ]
        for option in section.model_fields
    ),
}


@pytest.mark.parametrize("word", SYNONYMS)
def test_a_synonym_stands_for_a_word_of_the_dialect(word: str) -> None:
    assert word == word.lower()
    assert {meant.partition(":")[0] for meant in SYNONYMS[word]} <= EVERY_WORD


@pytest.mark.parametrize(
    ("layer", "wanted"),
    [
        ("relu: {negative_slope: 0.1}", "it is an option of `leaky_relu`"),
        ("global_pool: {output_size: 1}", "leave it out: it is always 1"),
        (
            "parallel: {axis: 1, paths: [[relu], []]}",
            "leave it out: `merge: concat` joins channels, or features where paths give features",
        ),
    ],
)
def test_an_option_of_another_kind_is_answered_for_the_kind_it_stands_in(
    layer: str, wanted: str
) -> None:
    text = f"input: [4, 8, 8]\nlayers: [{layer}, flatten, linear: {{out_features: 10}}]"
    assert [each.help for each in inspect_spec(text).diagnostics] == [wanted]


@pytest.mark.parametrize(
    ("block", "wanted"),
    [
        (
            "repeat: {times: 0, layers: [relu]}",
            "its layers come at least once: write `1`, or leave the whole `repeat` out",
        ),
        (
            "repeat: {times: 2, layers: []}",
            "write layers into it, as in `layers: [relu]`, or leave the whole block out",
        ),
        (
            "residual: {body: []}",
            "write layers into it, as in `body: [relu]`, or leave the whole block out",
        ),
        (
            "parallel: {paths: [[relu]]}",
            "write a second path: an empty one, `[]`, is the input itself; layers that stand alone "
            "need no `parallel`",
        ),
        ("parallel: {paths: []}", "write two paths or more, as in `paths: [[relu], []]`"),
        ("residual: {body: [relu], skip: [relu]}", "did you mean `shortcut`?"),
        ("parallel: {branches: [[relu], []]}", "did you mean `paths`?"),
        ("parallel: {mode: add, paths: [[relu], []]}", "did you mean `merge`?"),
        ("repeat: {n: 2, layers: [relu]}", "did you mean `times`?"),
    ],
)
def test_a_block_of_little_or_in_other_words_is_helped(block: str, wanted: str) -> None:
    text = f"input: [4, 8, 8]\nlayers: [{block}, flatten, linear: {{out_features: 10}}]"
    assert [each.help for each in inspect_spec(text).diagnostics] == [wanted]
