"""The site: the pages of docs/ as they are, in the order of docs/index.md.

Every page is plain Markdown that reads well without the site, too. So the navigation is made
here, from the links that stand under each heading of index.md.
"""

import re
from collections.abc import Iterator
from typing import Any

project = "cnnspec"
author = "the cnnspec authors"
project_copyright = author

extensions = ["myst_parser"]
exclude_patterns = ["README.md"]
html_theme = "furo"
html_title = "cnnspec"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
myst_heading_anchors = 4
pygments_style = "friendly"
pygments_dark_style = "github-dark"

LINK = re.compile(r"^- \[([^]]+)\]\(([\w/-]+)\.md\)", re.MULTILINE)


def sections(index: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each heading of the index, and the titles and pages below it."""
    for section in index.split("\n## ")[1:]:
        heading, _, text = section.partition("\n")
        pages = [f"{title} <{page}>" for title, page in LINK.findall(text)]
        if pages:
            yield heading, pages


def navigation(index: str) -> str:
    """Write what sphinx reads the navigation from."""
    trees = [
        "\n".join(["```{toctree}", ":hidden:", f":caption: {heading}", "", *pages, "```"])
        for heading, pages in sections(index)
    ]
    return "\n\n".join(trees) + "\n"


def add_navigation(app: Any, page: str, source: list[str]) -> None:
    if page == "index":
        source[0] += "\n" + navigation(source[0])


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", add_navigation)
    return {"parallel_read_safe": True}
