"""What a terminal may be shown of text that comes from elsewhere.

Names, paths and messages of other people's files and code can hold what moves the cursor,
changes colours, reverses the direction of reading, or cannot be seen. All that cnnspec writes
for people goes through here (`cnnspec.cli.output`, `cnnspec.cli.console`), whatever it quotes.
"""

from __future__ import annotations

import re

_HIDDEN = (
    range(0x20),  # C0: the escape that colours begin with, the bell, line breaks
    range(0x7F, 0xA0),  # DEL, and C1: 0x9B is an escape of its own
    (0xAD, 0x61C, 0x180E, 0x3164, 0xFEFF),  # soft hyphen, Arabic mark, fillers, byte order mark
    range(0x115F, 0x1161),
    range(0x200B, 0x2010),  # of no width, and marks of direction
    range(0x2028, 0x202F),  # line breaks, and overrides of direction
    range(0x2060, 0x2070),
    range(0xFFF9, 0xFFFC),
    range(0xD800, 0xE000),  # halves of surrogate pairs, which UTF-8 does not know
    range(0xE0000, 0xE0080),  # tags
)
_SHOWN = {code: "\ufffd" for codes in _HIDDEN for code in codes} | {ord("\t"): " "}


def printable(text: str) -> str:
    """Replace, one by one, what would move the cursor, change the look, or not be seen."""
    return text if text.isascii() and text.isprintable() else text.translate(_SHOWN)


def behind_dots(word: str, room: int) -> list[str]:
    """Break a dotted name into as few pieces as have room, each but the last ending in a dot.

    Numbers stay with what they count: `paths.0.`. Whatever is no such name is one piece.
    """
    parts = re.findall(r"[\w\[\]]+(?:\.\d+)*\.?[,;:)]*", word)
    if len(word) <= room or "".join(parts) != word:
        return [word]
    pieces = [""]
    for part in parts:
        if pieces[-1] and len(pieces[-1]) + len(part) > room:
            pieces.append("")
        pieces[-1] += part
    return pieces


def printable_lines(text: str) -> str:
    """Do so in each line of a text, and keep the line feeds."""
    return "\n".join(map(printable, text.split("\n")))


def written_out(text: str) -> str:
    """Return somebody's text with what would be obeyed, or cannot be shown, written out."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text.replace("\t", "    ")
    )
