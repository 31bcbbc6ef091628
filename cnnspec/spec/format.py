"""format_spec(): the canonical layout of a spec's text, with every comment kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from cnnspec.errors import SpecError
from cnnspec.spec.load import inspect_spec
from cnnspec.spec.nodes import Collection, Comment, Entry, Node, Scalar, text_scalar, write
from cnnspec.spec.source import read_source


def format_spec(text: str | bytes, *, file: str = "<spec>") -> str:
    """Return the text of a spec in the canonical layout; it means the same.

    The spec need not be valid, but it must be the YAML that a spec may use.

    Raises:
        SpecError: it is not.
    """
    source = read_source(text, file)
    errors = [problem for problem in source.diagnostics if problem.severity == "error"]
    if errors or not isinstance(source.value, dict):
        raise SpecError(errors or inspect_spec(text, file=file).diagnostics)
    content = text if isinstance(text, str) else text.decode()
    content = re.sub("\r\n?|[\x85\u2028\u2029]", "\n", content.removeprefix("\ufeff"))
    formatted = _Reader(content).read()
    _check_same(content, formatted)
    return formatted


def _check_same(before: str, after: str) -> None:
    """Hold what a file says before and after; it is about to be overwritten."""
    texts = (before, after)
    specs = [inspect_spec(text).spec for text in texts]
    comments = [sorted(note.text for note in _Reader(text).notes) for text in texts]
    if specs[0] != specs[1] or comments[0] != comments[1]:
        raise AssertionError("formatting would change the spec; please report this file")


@dataclass
class _Note:
    """A comment and its place."""

    text: str
    start: int
    column: int
    alone: bool
    """Nothing else stands in its line."""


@dataclass
class _Place:
    """Where an entry stands in the text."""

    entry: Entry
    holder: Collection
    parent: _Place | None
    start: int
    column: int
    in_braces: bool
    end: int = 0
    is_block: bool = False
    """Its value is a collection without braces."""

    @property
    def depth(self) -> int:
        """How many entries are around it."""
        return self.parent.depth + 1 if self.parent else 0


class _Reader:
    """Reads a text into nodes, each with its comments."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.events: list[Any] = list(yaml.parse(text, Loader=yaml.SafeLoader))
        self.notes = list(_find_notes(text, self.events))
        self.bare = text
        for note in self.notes:
            end = note.start + len(note.text)
            self.bare = self.bare[: note.start] + " " * len(note.text) + self.bare[end:]
        self.places: list[_Place] = []
        self.braces: list[tuple[int, int, Collection]] = []

    def read(self) -> str:
        """Return the canonical text."""
        nodes: Iterator[Any] = (event for event in self.events if isinstance(event, _NODES))
        root, _ = self._node(next(nodes), nodes, None)
        assert isinstance(root, Collection)
        header: list[str] = []
        for note in self.notes:
            if note.alone:
                self._above(note, root, header)
            else:
                self._beside(note, header)
        for place in self.places:
            first = place.holder.entries[0] is place.entry
            if not first and not place.in_braces and self._after_gap(place.start):
                place.entry.above.append("")
        if header and self.places and self._after_gap(self.places[0].start):
            header.append("")
        return write(root, header)

    def _node(self, event: Any, nodes: Iterator[Any], parent: _Place | None) -> tuple[Node, int]:
        """Return the node that starts with an event, and where it ends."""
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.ScalarEvent):
            written = self.text[start:end].rstrip()
            plain = event.style not in ("|", ">") and "\n" not in written
            text = written if plain else text_scalar(event.value)
            return Scalar(text), start + len(written)
        node = Collection(is_list=isinstance(event, yaml.SequenceStartEvent))
        last = start
        for inner in nodes:
            end = inner.end_mark.index
            if type(inner) in _ENDS:
                if event.flow_style:
                    self.braces.append((start, end, node))
                return node, end if event.flow_style else last
            key, value, begin = None, inner, inner.start_mark.index
            if not node.is_list:
                key, value = inner.value, next(nodes)
            elif not event.flow_style:
                begin = self.bare.rindex("-", last, begin)
            entry = Entry(key, Scalar(""))
            column = begin - (self.text.rfind("\n", 0, begin) + 1)
            place = _Place(entry, node, parent, begin, column, bool(event.flow_style))
            node.entries.append(entry)
            self.places.append(place)
            entry.value, last = self._node(value, nodes, place)
            last = place.end = last if key is None else max(last, end)
            place.is_block = isinstance(value, yaml.CollectionStartEvent) and not value.flow_style
        raise AssertionError("a collection without an end")

    def _above(self, note: _Note, root: Collection, header: list[str]) -> None:
        """Give a comment that has its line alone to what follows, or to what ends before."""
        gap = [""] if self._after_gap(note.start) else []
        inside = [node for start, end, node in self.braces if start < note.start < end]
        before = [place for place in self.places if place.start < note.start]
        after = [place for place in self.places if place.start > note.start]
        if not before:
            header += gap * bool(header) + [note.text]
        elif inside and not (after and _last(inside) is after[0].holder):
            _last(inside).below += [note.text]
        elif (holder := _ended(note, before[-1], after)) is not None:
            holder.below += [*gap, note.text]
        elif after:
            first = after[0].holder.entries[0] is after[0].entry and not after[0].entry.above
            after[0].entry.above += gap * (not first) + [note.text]
        else:
            root.below += [*gap, note.text]

    def _beside(self, note: _Note, header: list[str]) -> None:
        """Give a comment at the end of a line to the outermost entry that ends in it."""
        line = self.text.rfind("\n", 0, note.start) + 1
        before = [place for place in self.places if place.start < note.start]
        ended = [
            place
            for place in before
            if line <= place.end <= note.start and (place.start >= line or not place.is_block)
        ]
        if ended:
            place = min(ended, key=lambda place: (place.depth, -place.start))
        elif before:
            place = before[-1]
        else:
            header.append(note.text)
            return
        column = note.column if self._is_aligned(note) else 0
        place.entry.beside.append(Comment(note.text, column))

    def _is_aligned(self, note: _Note) -> bool:
        """Tell whether the author has put a comment into its column on purpose."""
        others = [other.column for other in self.notes if not other.alone]
        return self.text[: note.start].endswith("   ") or others.count(note.column) > 1

    def _after_gap(self, start: int) -> bool:
        """Tell whether an empty line stands before the line of a place that starts its line."""
        line = self.text.rfind("\n", 0, start) + 1
        if self.text[line:start].strip():
            return False
        return line > 1 and not self.text[: line - 1].rpartition("\n")[2].strip()


_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_NODES = (yaml.ScalarEvent, yaml.CollectionStartEvent, yaml.CollectionEndEvent)


def _last(nodes: list[Collection]) -> Collection:
    """Return the innermost of collections that are listed as they end."""
    return nodes[0]


def _ended(note: _Note, before: _Place, after: list[_Place]) -> Collection | None:
    """Return the collection in whose column a comment stands, where that has just ended."""
    place: _Place | None = before
    while place is not None:
        if after and place.holder is after[0].holder:
            return None
        of_a_kind = place.parent is not None and place.parent.entry.key is None
        if place.column == note.column and not place.in_braces and not of_a_kind:
            return place.holder
        place = place.parent
    return None


def _find_notes(text: str, events: list[Any]) -> Iterator[_Note]:
    """Yield the comments: what stands after a `#` outside of scalars."""
    start = 0
    scalars: list[Any] = [event for event in events if isinstance(event, yaml.ScalarEvent)]
    for event in [*scalars, None]:
        end = event.start_mark.index if event else len(text)
        yield from _notes_between(text, start, end)
        if event:
            start = event.end_mark.index
            if event.style in ("|", ">"):
                head = re.match(r"[|>][-+0-9]*[ \t]*", text[end:start])
                first = end + (head.end() if head else 0)
                yield from _notes_between(text, first, text.find("\n", first) % (len(text) + 1))


def _notes_between(text: str, start: int, end: int) -> Iterator[_Note]:
    while (start := text.find("#", start, end)) >= 0:
        line = text.rfind("\n", 0, start) + 1
        stop = text.find("\n", start) % (len(text) + 1)
        alone = not text[line:start].strip()
        yield _Note(text[start:stop].rstrip(), start, start - line, alone)
        start = stop
