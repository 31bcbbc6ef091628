"""Signs that look like others are named, with their place."""

import string

import pytest

from cnnspec import inspect_spec
from cnnspec.spec.lookalikes import ascii_of, in_words, strangers

SEEN = {
    "\u0441onv": ("conv", "character 1 is a cyrillic small letter es (U+0441), not `c`"),
    "con\u03bd": ("conv", "character 4 is a greek small letter nu (U+03BD), not `v`"),
    "\u22128": ("-8", "character 1 is a minus sign (U+2212), not `-`"),
    "1e\u20133": ("1e-3", "character 3 is an en dash (U+2013), not `-`"),
    "\uff18": ("8", "character 1 is a fullwidth digit eight (U+FF18), not `8`"),
    "\uff52\uff45\uff4c\uff55": (
        "relu",
        "character 1 is a fullwidth latin small letter r (U+FF52), not `r`",
    ),
    "\u0663": ("3", "character 1 is an arabic-indic digit three (U+0663), not `3`"),
    "a\u00a0b": ("a b", "character 2 is a no-break space (U+00A0), not a space"),
    "a\u3000b": ("a b", "character 2 is an ideographic space (U+3000), not a space"),
    "re\u200blu": ("relu", "character 3 is a zero width space (U+200B), which cannot be seen"),
    "relu\u00ad": ("relu", "character 5 is a soft hyphen (U+00AD), which cannot be seen"),
    "\u201csame\u201d": (
        '"same"',
        "character 1 is a left double quotation mark (U+201C), not a quote",
    ),
    "Re\u041bU": ("Re\u041bU", ""),
    "\u0421onv": ("Conv", "character 1 is a cyrillic capital letter es (U+0421), not `C`"),
}


@pytest.mark.parametrize("text", SEEN)
def test_a_sign_is_named(text: str) -> None:
    plain, words = SEEN[text]
    assert ascii_of(text) == plain
    assert [in_words(each) for each in strangers(text)][:1] == ([words] if words else [])


@pytest.mark.parametrize(
    "text", [string.printable, "na\u00efve", "\u732b", "\u0441\u043b\u043e\u0439", "\u03b1"]
)
def test_what_is_meant_as_it_is(text: str) -> None:
    assert strangers(text) == []
    assert ascii_of(text) == text


def test_the_caret_stands_under_the_sign() -> None:
    text = "input: [1, 8, 8]\nlayers: [r\u0435lu, flatten, linear: {out_f\u0435atures: 10}]\n"
    first, second = inspect_spec(text).diagnostics
    for problem, sign in ((first, text.index("\u0435")), (second, text.rindex("\u0435"))):
        at = problem.location
        assert at is not None
        assert (at.line, at.column) == (2, sign - text.index("layers") + 1)
        assert at.end_column == at.column + 1
