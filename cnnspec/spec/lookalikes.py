"""Signs that look like others, or cannot be seen: they come with text copied from elsewhere."""

from __future__ import annotations

import dataclasses
import unicodedata
from typing import NamedTuple

from cnnspec.spec.diagnostics import Location

_LETTERS = {
    **{"a": "\u0430\u03b1", "b": "\u0432", "c": "\u0441\u03f2", "d": "\u0501", "e": "\u0435"},
    **{"h": "\u04bb", "i": "\u0456\u03b9\u0131", "j": "\u0458\u03f3", "k": "\u043a\u03ba"},
    **{"l": "\u04cf", "m": "\u043c", "n": "\u0578\u03b7", "o": "\u043e\u03bf", "p": "\u0440\u03c1"},
    **{"q": "\u051b", "r": "\u0433", "s": "\u0455", "t": "\u0442\u03c4", "u": "\u03c5\u057d"},
    **{"v": "\u0475\u03bd", "w": "\u051d", "x": "\u0445\u03c7", "y": "\u0443\u03b3"},
}
_SIGNS = {
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d",
    "'": "\u2018\u2019\u201a\u201b\u2032\u00b4",
    '"': "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb",
    " ": "\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))),
    ",": "\u3001\u060c",
    ":": "\ua789\u2236\u02d0",
    "": "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff",
}
_ASCII = {sign: plain for table in (_LETTERS, _SIGNS) for plain in table for sign in table[plain]}
_READ = {"-": "`-`", "'": "`'`", '"': "a quote", " ": "a space", ",": "`,`", ":": "`:`"}


class Stranger(NamedTuple):
    """A sign that only looks like one of ASCII."""

    place: int
    """In the text, from 0."""
    sign: str
    plain: str
    """What it looks like; nothing where it cannot be seen."""


def strangers(text: str) -> list[Stranger]:
    """Find signs that look like others, or cannot be seen.

    Letters are meant as they are where a word has no letter of ASCII beside them.
    """
    if text.isascii():
        return []
    mixed = any(sign.isascii() and sign.isalpha() for sign in text)
    found = []
    for index, sign in enumerate(text):
        plain = _plain(sign)
        if plain is not None and (mixed or not _is_of_a_script(sign)):
            found.append(Stranger(index, sign, plain))
    return found


def ascii_of(text: str) -> str:
    """Return a text with the signs of ASCII that others look like."""
    for index, sign, plain in reversed(strangers(text)):
        text = text[:index] + plain + text[index + len(sign) :]
    return text


def named(stranger: Stranger) -> str:
    """Name a sign: `a minus sign (U+2212)`."""
    name = unicodedata.name(stranger.sign, "sign without a name").lower()
    article = "an" if name[0] in "aeiou" else "a"
    return f"{article} {name} (U+{ord(stranger.sign):04X})"


def in_words(stranger: Stranger) -> str:
    """Say what a sign is, where it stands in its word, and what it is not."""
    if not stranger.plain:
        return f"character {stranger.place + 1} is {named(stranger)}, which cannot be seen"
    return f"character {stranger.place + 1} is {named(stranger)}, not {looks_like(stranger)}"


def looks_like(stranger: Stranger) -> str:
    """Name the sign that was meant."""
    return _READ.get(stranger.plain, f"`{stranger.plain}`") if stranger.plain else "anything"


def narrowed(at: Location, word: str) -> Location:
    """Return the place of the sign in a word that only looks like another."""
    strange = strangers(word)
    if not strange or at.text[at.column - 1 :][: len(word)] != word:
        return at
    column = at.column + strange[0].place
    return dataclasses.replace(at, column=column, end_column=column + 1)


def _is_of_a_script(sign: str) -> bool:
    """Tell whether a sign is a letter of another alphabet, not a form of one of ours."""
    return sign.isalpha() and not unicodedata.normalize("NFKC", sign).isascii()


def _plain(sign: str) -> str | None:
    """Return the sign of ASCII that another looks like; None where it looks like none."""
    if sign.isascii():
        return None
    small = sign.lower()
    if sign in _ASCII or small in _ASCII:
        plain = _ASCII.get(sign, _ASCII.get(small, ""))
        return plain.upper() if sign != small else plain
    compatible = unicodedata.normalize("NFKC", sign)  # full-width and mathematical ones
    if len(compatible) == 1 and compatible.isascii():
        return compatible
    digit = unicodedata.digit(sign, None)
    return None if digit is None or not sign.isdecimal() else str(digit)
