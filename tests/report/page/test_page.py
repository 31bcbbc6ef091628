"""Pages: nothing of them comes from elsewhere, and nothing that they quote is obeyed."""

import math
import re
from pathlib import Path

import pytest

from cnnspec.report.page import array_pictures, element, facts, frame, joined, notice, page, table
from tests.report.well_formed import Reader, read_page

HOSTILE = "</title></style><script>alert(1)</script>\" onload='x' \x1b[31m\u202e\x00"
CSS = Path(frame.__file__ or "").with_name("page.css").read_text()


def test_what_is_put_into_a_page_is_text() -> None:
    parts = [
        element("p", HOSTILE, title=HOSTILE),
        notice(HOSTILE, element("p", HOSTILE)),
        facts([(HOSTILE, HOSTILE)]),
        table([HOSTILE], [[HOSTILE, HOSTILE]], caption=HOSTILE),
    ]
    found = read_page(page(HOSTILE, *parts))
    shown = "</title></style><script>alert(1)</script>\" onload='x' \\x1b[31m\\u202e\\x00"
    assert found.texts.count(shown) == 10


def test_elements_are_put_in_as_they_are() -> None:
    assert joined([element("b", "a & b"), "c < d"], " ") == "<b>a &amp; b</b> c &lt; d"
    assert element("meta", http_equiv="x", class_="y") == '<meta http-equiv="x" class="y">'


def test_a_page_needs_no_other_file() -> None:
    assert not re.search(r"url\(|@import|https?:", CSS)
    assert "default-src 'none'" in page("a").replace("&#x27;", "'")


def test_the_style_knows_the_dark_a_phone_and_paper() -> None:
    colours = [
        {*re.findall(r"(--[\w-]+): #", part.partition("}")[0])} for part in CSS.split(":root {")[1:]
    ]
    assert len(colours) == 3
    assert colours[0] == colours[1] == colours[2]
    assert {*re.findall(r"var\((--[\w-]+)\)", CSS)} == colours[0]
    for media in ("prefers-color-scheme: dark", "max-width: 40rem", "@media print"):
        assert media in CSS


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ink", "paper"),
        ("soft", "paper"),
        ("soft", "box"),
        ("link", "paper"),
        ("right", "right-box"),
        ("wrong", "wrong-box"),
        ("unsure", "unsure-box"),
        ("ink", "above"),
        ("ink", "below"),
        ("ink", "odd"),
    ],
)
def test_words_can_be_read_on_what_they_stand_on(ink: str, ground: str, at: int) -> None:
    part = CSS.split(":root {")[at].partition("}")[0]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", part))
    bright, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5


def test_arrays_are_drawn_with_their_numbers() -> None:
    found = [[1.0, math.nan], [-2.0, math.inf]]
    drawn = Reader(array_pictures(found, [[1.0, 0.0], [2.0, 4.0]], (1, 0), (3, 5)))
    assert drawn.elements.count("svg") == 3
    assert drawn.elements.count("rect") == 3 * (4 + 1)
    assert "row 4, column 5: -2" in drawn.texts
    assert {"NaN", "inf", "-4"} <= {*drawn.texts}


def test_wide_arrays_are_drawn_without_numbers() -> None:
    rows = [[float(number) for number in range(12)] for _ in range(12)]
    rows[0][0] = math.nan
    text = array_pictures(rows, rows, (0, 0))
    drawn = Reader(text)
    assert drawn.elements.count("text") == 3  # of what is not a number, alone
    assert "found: 12 x 12 numbers; the one that is marked is NaN" in text


def test_arrays_of_nothing_but_0_have_no_colour() -> None:
    text = array_pictures([[0.0]], [[0.0]], (0, 0))
    assert {*re.findall(r'fill-opacity="([^"]+)"', text)} == {"0"}
