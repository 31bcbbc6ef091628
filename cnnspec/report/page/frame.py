"""What every page stands in: its head, its style, and where it comes from."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cnnspec.report.page.html import Html, element, joined

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
"""A browser loads nothing and runs nothing, even if somebody's text were taken for HTML."""


def page(title: str, *parts: Html, up: Html | None = None) -> str:
    """Return a whole page; `up` leads to the page that this one belongs to."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Html(_style())),
    )
    above = [element("nav", up)] if up else []
    made = element("footer", "Made by cnnspec.")
    body = element("body", *above, element("main", *parts), made)
    return joined([Html("<!DOCTYPE html>"), element("html", head, body, lang="en")], "\n") + "\n"


@cache
def _style() -> str:
    return Path(__file__).with_name("page.css").read_text("utf-8")
