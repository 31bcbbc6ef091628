"""The canonical layout of a spec: a tree of nodes with their comments -> text.

Sections stand in the order of ModelSpec, options in that of their class, a layer on each
line. What fits on a line and has no comment inside is written in braces, from the third
level on; a kind without options is a bare word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cnnspec.spec.diagnostics import Path
from cnnspec.spec.model import kinds_at
from cnnspec.spec.scalars import MAX_DIGITS, core_scalar
from cnnspec.spec.translate import options_at

WIDTH = 80
"""Columns of the longest line that is not broken up."""


@dataclass
class Comment:
    """A comment with its `#`, and the column that it stood in."""

    text: str
    column: int


@dataclass
class Scalar:
    """A value as it is written."""

    text: str
    in_braces: bool = False
    """It was written within braces, where other signs have a meaning than outside."""

    def within(self, braces: bool) -> str:
        """Return the text as it can be written within braces, or outside."""
        if not self.text:
            return "null" if braces else ""
        if braces == self.in_braces or _SAFE_ANYWHERE.match(self.text):
            return self.text
        return _quoted(self.text)


@dataclass
class Entry:
    """An entry of a mapping, or of a list, which has no key."""

    key: str | None
    value: Node
    above: list[str] = field(default_factory=list)
    """Comments in the lines before it; an empty text is an empty line."""
    beside: list[Comment] = field(default_factory=list)
    """Comments at the end of its line."""


@dataclass
class Collection:
    """A mapping or a list."""

    is_list: bool
    entries: list[Entry] = field(default_factory=list)
    below: list[str] = field(default_factory=list)
    """Comments after its last entry."""
    tried: bool = False
    inline: str | None = None
    """The collection in one line, once that was tried."""


Node = Scalar | Collection


_SAFE_ANYWHERE = re.compile(r"""['"]|(?!-$)[^,\[\]{}:#?&*!|>'"%@`]+$""")
"""Quoted, or plain without a sign that means something in one of the two."""


def write(root: Collection, header: list[str]) -> str:
    """Write a whole spec; `header` are the comments that it starts with."""
    lines = [*header, *_block(root, (), "")] if root.entries else [*header, "{}", *root.below]
    kept = [line for line, before in zip(lines, ["", *lines]) if line or before]
    while not kept[-1]:
        kept.pop()
    return "\n".join(kept) + "\n"


def text_scalar(value: str) -> str:
    """Write text so that it is read back as the same text."""
    plain = re.fullmatch(r"[A-Za-z0-9_./][A-Za-z0-9_./-]*", value) and len(value) <= MAX_DIGITS
    if plain and core_scalar(value) == value:
        return value
    return _quoted(value)


def _quoted(value: str) -> str:
    quoted = json.dumps(value, ensure_ascii=False)
    return re.sub(
        r"[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]",
        lambda match: f"\\u{ord(match[0]):04x}",
        quoted,
    )


def _block(node: Collection, path: Path, indent: str) -> Iterator[str]:
    """Yield the lines of a collection with one entry a line."""
    for number, entry in enumerate(_ordered(node, path)):
        above = entry.above if number or not path else _without_gap(entry.above)
        yield from (indent + line if line else "" for line in above)
        step = number if entry.key is None else entry.key
        yield from _entry(entry, (*path, step), indent)
    yield from (indent + line if line else "" for line in node.below)


def _without_gap(lines: list[str]) -> list[str]:
    start = next((number for number, line in enumerate(lines) if line), len(lines))
    return lines[start:]


def _ordered(node: Collection, path: Path) -> list[Entry]:
    if node.is_list:
        return node.entries
    order = {option: number for number, option in enumerate(options_at(path))}
    return sorted(node.entries, key=lambda entry: order.get(entry.key or "", len(order)))


def _entry(entry: Entry, path: Path, indent: str) -> Iterator[str]:
    start = "- " if entry.key is None else f"{text_scalar(entry.key)}: "
    room = WIDTH - len(indent) - len(start)
    value = _kind(entry.value, path) if is_kinded(path) else entry.value
    inline = _inline(value, path)
    if entry.key is None and isinstance(value, Collection) and value.entries and not value.is_list:
        inline = None  # its keys stand behind the dash, without braces
    more, beside = entry.beside[:-1], entry.beside[-1] if entry.beside else None
    if inline is not None and (len(inline) <= room or _stays_together(value)):
        yield from (indent + comment.text for comment in more)
        yield _commented((indent + start + inline).rstrip(), beside)
        return
    assert isinstance(value, Collection)
    deeper = indent + "  "
    lines = _block(value, path, deeper)
    if not value.entries:
        start += "[]" if value.is_list else "{}"
        lines = (indent + line if line else "" for line in value.below)
    elif entry.key is None and not value.entries[0].above:
        if value.entries[0].beside:  # a line has room for one comment
            more, beside = entry.beside, None
        start += next(lines)[len(deeper) :]
    yield from (indent + comment.text for comment in more)
    yield _commented((indent + start).rstrip(), beside)
    yield from lines


def _stays_together(node: Node) -> bool:
    """Tell whether a node is in one line however long: a value, or a list of values."""
    if isinstance(node, Scalar):
        return True
    return node.is_list and all(isinstance(entry.value, Scalar) for entry in node.entries)


def is_kinded(path: Path) -> bool:
    """Tell whether a thing with a kind stands at a path."""
    return bool(kinds_at(path))


def _kind(node: Node, path: Path) -> Node:
    """Write a kind without options as a bare word."""
    if isinstance(node, Collection) and not node.is_list and len(node.entries) == 1:
        (entry,) = node.entries
        kind = kinds_at(path).get(entry.key or "")
        plain = not (entry.above or entry.beside or node.below) and _is_nothing(entry.value)
        if plain and kind and not any(f.is_required() for f in kind.model_fields.values()):
            return Scalar(text_scalar(entry.key or ""))
    return node


def _is_nothing(node: Node) -> bool:
    if isinstance(node, Scalar):
        return not node.text or node.text in ("~", "null", "Null", "NULL")
    return not node.entries and not node.below and not node.is_list


def _inline(node: Node, path: Path, *, inside: bool = False) -> str | None:
    """Write a node in braces; None where comments or its place want lines of their own."""
    if isinstance(node, Scalar):
        return node.within(inside)
    if not node.tried:
        node.tried, node.inline = True, _in_braces(node, path)
    return node.inline


def _in_braces(node: Collection, path: Path) -> str | None:
    sections = len(path) == 1 and (path == ("layers",) or not node.is_list)
    if node.below or (sections and node.entries):
        return None
    parts = []
    for number, entry in enumerate(_ordered(node, path)):
        step = number if entry.key is None else entry.key
        inner = (*path, step)
        value = _kind(entry.value, inner) if is_kinded(inner) else entry.value
        part = _inline(value, inner, inside=True)
        if part is None or entry.above or entry.beside:
            return None
        if entry.key is None and is_kinded(inner) and _is_pair(value):
            part = part[1:-1]  # as in `[conv: {...}, relu]`
        parts.append(part if entry.key is None else f"{text_scalar(entry.key)}: {part}")
    return f"[{', '.join(parts)}]" if node.is_list else "{" + ", ".join(parts) + "}"


def _is_pair(node: Node) -> bool:
    """Tell whether a node is a mapping of one key, which needs no braces in a list."""
    return isinstance(node, Collection) and not node.is_list and len(node.entries) == 1


def _commented(line: str, comment: Comment | None) -> str:
    if comment is None:
        return line
    return f"{line:<{max(0, comment.column - 2)}}  {comment.text}"
