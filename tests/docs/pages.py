"""The pages that people read: README.md, CONTRIBUTING.md and all of docs/, cut into blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

MARKDOWN = MarkdownIt("commonmark").enable("table")


class Block(NamedTuple):
    """What stands between two fences."""

    page: Path
    line: int
    """Of its first line, within the page, from 1."""
    language: str
    text: str

    @property
    def where(self) -> str:
        """Name the place, as editors take it."""
        return f"{name(self.page)}:{self.line}"

    @property
    def first_line(self) -> str:
        """Return the line by which the lists of the tests know this block."""
        return self.text.partition("\n")[0]

    @property
    def file(self) -> str | None:
        """Return the name of the file that the block is, where its first line gives one."""
        found = re.fullmatch(r"# ([\w/.-]+\.\w+)( \(continued\))?", self.first_line)
        return found[1] if found else None

    @property
    def continued(self) -> bool:
        """Tell whether it is put behind what the file has already."""
        return self.first_line.endswith("(continued)")


def name(page: Path) -> str:
    """Name a page from the root."""
    return page.relative_to(ROOT).as_posix()


@cache  # it is asked for each link
def tokens(page: Path) -> list[Token]:
    """Read a page."""
    return MARKDOWN.parse(page.read_text())


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    for token in tokens(page):
        if token.type == "fence":
            assert token.map is not None
            language = token.info.split()[0] if token.info.strip() else ""
            yield Block(page, token.map[0] + 2, language, token.content)


def links(page: Path) -> Iterator[str]:
    """Yield what a page links to, pictures among it."""
    for token in tokens(page):
        for inline in token.children or []:
            target = inline.attrs.get("href") or inline.attrs.get("src")
            if isinstance(target, str):
                yield target


def headings(page: Path) -> Iterator[str]:
    """Yield the headings of a page."""
    found = tokens(page)
    for number, token in enumerate(found):
        if token.type == "heading_open":
            yield found[number + 1].content


def anchors(page: Path) -> set[str]:
    """Return what a link may name behind `#`: every heading, as forges and the site write it."""
    return set(map(anchor, headings(page)))


def anchor(heading: str) -> str:
    """Return what a link to a heading names."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def cell(text: str) -> str:
    """Lay text out for a table: in one line, with what would end a cell written out."""
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")
