"""What pages are made of: tables, words in a box, notices, facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from cnnspec.report.page.html import Html, element

Tone = Literal["right", "wrong", "unsure", "plain"]
"""What a colour says; it is always said in words, too."""


def badge(words: str, tone: Tone = "plain") -> Html:
    """Return a word in a box."""
    return element("span", words, class_=f"badge {tone}")


def link(words: str, target: str) -> Html:
    """Return a link to a file beside the page, or to a place in it."""
    return element("a", words, href=target)


def notice(heading: str, *inside: Html, tone: Tone = "plain") -> Html:
    """Return something that stands by itself, with a heading."""
    return element("section", element("h3", heading), *inside, class_=f"notice {tone}")


def facts(pairs: Iterable[tuple[str, Html | str]]) -> Html:
    """Return names with what is said of each."""
    rows = [part for name, said in pairs for part in (element("dt", name), element("dd", said))]
    return element("dl", *rows)


def table(heads: Sequence[str], rows: Iterable[Sequence[Html | str]], *, caption: str) -> Html:
    """Return a table whose first column names the rows; a narrow screen scrolls the others."""
    top = element("tr", *(element("th", head, scope="col") for head in heads))
    body = (
        element("tr", element("th", first, scope="row"), *(element("td", cell) for cell in cells))
        for first, *cells in rows
    )
    inside = element("caption", caption), element("thead", top), element("tbody", *body)
    return element("div", element("table", *inside), class_="wide")
