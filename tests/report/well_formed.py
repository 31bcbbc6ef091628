"""A reader of pages that holds them to what they owe: closed elements, and nothing from outside."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "img"}
LOADS = {"src", "href", "style", "srcset", "action", "background"}


class Reader(HTMLParser):
    """Reads a page, and keeps its texts, its elements and its links."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[str] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    @property
    def text(self) -> str:
        """All that is read."""
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in LOADS:
                assert (tag, name) == ("a", "href"), f"{tag} loads {value}"
                assert value
                assert ":" not in value
                self.links.append(value)
            elif name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)


def read_page(page: str) -> Reader:
    """Read a page."""
    assert page.startswith("<!DOCTYPE html>\n")
    found = Reader(page)
    assert not {"script", "iframe", "object", "embed", "link", "base", "form"} & {*found.elements}
    return found
