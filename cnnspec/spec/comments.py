"""Where the comments of a spec belong: above an entry, beside it, or below the last one."""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from cnnspec.spec.nodes import Collection, Comment, Entry
from cnnspec.spec.source import LINE_BREAK


@dataclass
class Place:
    """Where an entry stands in the text."""

    entry: Entry
    holder: Collection
    parent: Place | None
    start: int
    column: int
    in_braces: bool
    value_start: int = 0
    end: int = 0
    braces_end: int = 0
    """Where its value ends, if that is in braces."""
    is_block: bool = False
    """Its value is a collection without braces."""

    def around(self) -> Iterator[Place]:
        """Yield this entry, and those around it, the innermost first."""
        place: Place | None = self
        while place is not None:
            yield place
            place = place.parent


@dataclass
class _Note:
    """A comment and its place."""

    text: str
    start: int
    column: int
    alone: bool
    """Nothing else stands in its line."""


class Comments:
    """The comments of a text, and the entries that they may belong to."""

    def __init__(self, text: str, events: list[Any]) -> None:
        self._line_starts = [0, *(found.end() for found in LINE_BREAK.finditer(text))]
        ends = [*(found.start() for found in LINE_BREAK.finditer(text)), len(text)]
        self._lines = [text[start:end] for start, end in zip(self._line_starts, ends)]
        self._notes = list(self._find(text, events))
        self._columns = Counter(note.column for note in self._notes if not note.alone)
        self._places: list[Place] = []
        self._starts: list[int] = []
        parts, last = [], 0
        for note in self._notes:
            parts += [text[last : note.start], " " * len(note.text)]
            last = note.start + len(note.text)
        self.bare = "".join([*parts, text[last:]])
        """The text with blanks in the place of comments."""

    def texts(self) -> list[str]:
        """Return the comments, sorted."""
        return sorted(note.text for note in self._notes)

    def place(
        self, entry: Entry, holder: Collection, parent: Place | None, start: int, *, in_braces: bool
    ) -> Place:
        """Note where an entry starts; they come in the order of the text."""
        column = start - self._line_starts[self._line(start)]
        place = Place(entry, holder, parent, start, column, in_braces)
        self._places.append(place)
        self._starts.append(start)
        return place

    def attach(self, root: Collection) -> list[str]:
        """Give every comment to its entry; return those that the text starts with."""
        header: list[str] = []
        for note in self._notes:
            following = bisect.bisect_right(self._starts, note.start)
            before = self._places[following - 1] if following else None
            after = self._places[following] if following < len(self._places) else None
            if before is None:
                gap = [""] if header and self._after_gap(note.start) else []
                header += [*gap, note.text]
            elif note.alone:
                self._above(note, before, after, root)
            else:
                self._beside(note, before)
        for place in self._places:
            if not place.in_braces and self._after_gap(place.start):
                place.entry.above.append("")
        if header and self._places and self._after_gap(self._places[0].start):
            header.append("")
        return header

    def _above(self, note: _Note, before: Place, after: Place | None, root: Collection) -> None:
        """Give a comment that has its line alone to what follows, or to what ends before."""
        gap = [""] if self._after_gap(note.start) else []
        if note.start < before.value_start:  # between a key and its value
            value = before.entry.value
            first = value.entries[0] if isinstance(value, Collection) and value.entries else None
            (first or before.entry).above.append(note.text)
            return
        inside = next((at for at in before.around() if note.start < at.braces_end), None)
        if inside is not None and (after is None or after.start > inside.braces_end):
            assert isinstance(inside.entry.value, Collection)
            inside.entry.value.below.append(note.text)
        elif inside is None and (holder := _ended(note, before, after)) is not None:
            holder.below += [*gap, note.text]
        elif after is not None:
            after.entry.above += [*gap, note.text]
        else:
            root.below += [*gap, note.text]

    def _beside(self, note: _Note, before: Place) -> None:
        """Give a comment at the end of a line to the outermost entry that ends in it."""
        line = self._line_starts[self._line(note.start)]
        place = before
        for at in before.around():
            if line <= at.end <= note.start and (at.start >= line or not at.is_block):
                place = at
        wide_gap = self.bare[max(0, note.start - 3) : note.start] == "   "
        aligned = wide_gap or self._columns[note.column] > 1
        place.entry.beside.append(Comment(note.text, note.column if aligned else 0))

    def _line(self, index: int) -> int:
        return bisect.bisect_right(self._line_starts, index) - 1

    def _after_gap(self, start: int) -> bool:
        """Tell whether a place starts its line, and an empty line stands before."""
        line = self._line(start)
        first = not self._lines[line][: start - self._line_starts[line]].strip()
        return first and line > 0 and not self._lines[line - 1].strip()

    def _find(self, text: str, events: list[Any]) -> Iterator[_Note]:
        """Yield the comments: what stands after a `#` outside of scalars."""
        start = 0
        scalars: list[Any] = [event for event in events if isinstance(event, yaml.ScalarEvent)]
        for event in [*scalars, None]:
            end = event.start_mark.index if event else len(text)
            yield from self._between(text, start, end)
            if event:
                start = event.end_mark.index
                if event.style in ("|", ">"):
                    head = re.match(r"[|>][-+0-9]*[ \t]*", text[end:start])
                    first = end + (head.end() if head else 0)
                    if text.startswith("#", first):
                        yield from self._between(text, first, first + 1)

    def _between(self, text: str, start: int, end: int) -> Iterator[_Note]:
        while (start := text.find("#", start, end)) >= 0:
            line = self._line(start)
            column = start - self._line_starts[line]
            said = self._lines[line][column:]
            yield _Note(said.rstrip(), start, column, not self._lines[line][:column].strip())
            start += len(said)


def _ended(note: _Note, before: Place, after: Place | None) -> Collection | None:
    """Return the collection in whose column a comment stands, where that has just ended."""
    for place in before.around():
        if after is not None and place.holder is after.holder:
            return None
        of_a_kind = place.parent is not None and place.parent.entry.key is None
        if place.column == note.column and not place.in_braces and not of_a_kind:
            return place.holder
    return None
