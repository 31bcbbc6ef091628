"""Pages that browsers show: one file each, without a script, that loads nothing from elsewhere.

`html.py` writes elements, and escapes what is put into them; `frame.py` is what every page stands
in, with one style for a screen, a phone, the dark and paper (`page.css`); `parts.py` and
`arrays.py` are what pages are made of. What a page says is made elsewhere in `report/`.
"""

from cnnspec.report.page.arrays import array_pictures
from cnnspec.report.page.frame import page
from cnnspec.report.page.html import Html, element, escaped, joined
from cnnspec.report.page.parts import badge, facts, link, notice, table

__all__ = [
    "Html",
    "array_pictures",
    "badge",
    "element",
    "escaped",
    "facts",
    "joined",
    "link",
    "notice",
    "page",
    "table",
]
