"""HTML elements. What is put into one is text, and escaped, unless it is an element itself."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from cnnspec.printable import written_out

VOID = {"meta", "br", "hr", "img"}
"""Elements of HTML that hold nothing, and are not closed; those of SVG are."""


class Html(str):
    """Text that is HTML already: nothing else goes into a page as it is."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """Return somebody's text as HTML: a browser obeys nothing in it, and shows all of it."""
    return Html(escape(written_out(text)))


def joined(parts: Iterable[Html | str], between: str = "") -> Html:
    """Put elements and texts one behind the other."""
    return Html(between.join(part if isinstance(part, Html) else escaped(part) for part in parts))


def element(tag: str, /, *inside: Html | str, **attributes: str | float) -> Html:
    """Return an element: `element("p", "a < b", class_="note")`.

    In the names of attributes `_` stands for `-`, and is dropped at the end.
    """
    given = "".join(
        f' {attribute.rstrip("_").replace("_", "-")}="{escaped(_value(value))}"'
        for attribute, value in attributes.items()
    )
    start = Html(f"<{tag}{given}>")
    return start if tag in VOID else Html(f"{start}{joined(inside)}</{tag}>")


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
