"""Pieces of a picture one after the other, in as many rows as it takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from cnnspec.report import svg

# px: beside rows, for the lines from one to the next; between two rows.
LANE, GAP = 16.0, 28.0


class Piece(Protocol):
    """What stands in a row, on its axis: data come in from the left and leave to the right."""

    @property
    def width(self) -> float:
        """Room from where its arrow begins."""
        ...

    @property
    def above(self) -> float:
        """How far it reaches above its axis."""
        ...

    @property
    def below(self) -> float:
        """How far it reaches below its axis."""
        ...

    @property
    def arrows(self) -> int:
        """How many arrows may be longer: those that lead to it, and within a chain."""
        ...

    @property
    def sentences(self) -> Iterable[str]:
        """What is drawn, in words."""
        ...

    def draw(self, x: float, axis: float, before: float, stretch: float) -> tuple[list[str], float]:
        """Draw it from `x` on, its arrow from `before` on; return also where it ends."""
        ...


Row = tuple[Piece, ...]


@dataclass(frozen=True)
class Chain:
    """Rows of pieces. It is a piece of its own: it ends at the height at which it begins."""

    rows: tuple[Row, ...]

    @classmethod
    def of(cls, pieces: Sequence[Piece], limit: float) -> Chain:
        """Return pieces in one row, or in as few as are no wider than `limit`, where they can."""
        if _room(pieces) <= limit:
            return cls((tuple(pieces),))
        return cls(wrapped(pieces, limit - 3 * LANE))

    @cached_property
    def room(self) -> float:
        """Of the longest row."""
        return max(map(_room, self.rows))

    @cached_property
    def width(self) -> float:
        """Room from where its arrow begins."""
        return self.room + (3 * LANE if len(self.rows) > 1 else 0.0)

    @property
    def arrows(self) -> int:
        """How many may be longer: in one row, all."""
        return _arrows(self.rows[0]) if len(self.rows) == 1 else 0

    @property
    def above(self) -> float:
        """How far it reaches above its axis."""
        return _above(self.rows[0])

    @cached_property
    def below(self) -> float:
        """How far it reaches below its axis."""
        heights = sum(_above(row) + _below(row) for row in self.rows)
        return heights + GAP * (len(self.rows) - 1) - self.above

    @property
    def sentences(self) -> Iterator[str]:
        """What is drawn, in words."""
        for row in self.rows:
            for piece in row:
                yield from piece.sentences

    def draw(
        self, x: float, axis: float, before: float, stretch: float = 0.0
    ) -> tuple[list[str], float]:
        """Draw it from `x` on, its arrow from `before` on; return also where it ends."""
        if len(self.rows) == 1:
            return _row(self.rows[0], axis, x, before, stretch)
        right = x + self.width - LANE
        parts, end, low = self.draw_rows(axis - self.above, x, right, before)
        back = right + LANE / 2
        return [*parts, svg.polyline([(end, low), (back, low), (back, axis)])], back

    def draw_rows(
        self, y: float, left: float, right: float, before: float
    ) -> tuple[list[str], float, float]:
        """Draw the rows from the height `y`, and the lines that lead from each to the next.

        Return also where the last one ends, and its axis.
        """
        parts: list[str] = []
        end = axis = 0.0
        for index, row in enumerate(self.rows):
            gutter = y - GAP / 2
            axis = y + _above(row)
            y = axis + _below(row) + GAP
            slack = right - 2 * LANE - left - _room(row)
            arrows = _arrows(row)
            # all rows but the last reach the right margin, as in set text
            stretch = 0.0 if index == len(self.rows) - 1 or not arrows else slack / arrows
            if index:
                parts.append(svg.polyline([(left, gutter), (left, axis)]))
            drawn, end = _row(row, axis, left + LANE, left if index else before, stretch)
            parts += drawn
            if index < len(self.rows) - 1:
                low = y - GAP / 2
                parts.append(svg.polyline([(end, axis), (right, axis), (right, low), (left, low)]))
        return parts, end, axis


def wrapped(pieces: Sequence[Piece], limit: float) -> tuple[Row, ...]:
    """Break pieces into as few rows as are no wider than `limit`, of about the same length."""

    def rows_of(limit: float) -> list[list[Piece]]:
        rows: list[list[Piece]] = [[]]
        room = 0.0
        for piece in pieces:
            room += piece.width
            if rows[-1] and room > limit:
                rows.append([])
                room = piece.width
            rows[-1].append(piece)
        return rows

    rows = rows_of(limit)
    while limit > 0 and len(closer := rows_of(limit - 10)) == len(rows):
        rows, limit = closer, limit - 10
    return tuple(map(tuple, rows))


def _room(row: Sequence[Piece]) -> float:
    return sum(piece.width for piece in row)


def _arrows(row: Row) -> int:
    return sum(piece.arrows for piece in row)


def _above(row: Row) -> float:
    return max(piece.above for piece in row)


def _below(row: Row) -> float:
    return max(piece.below for piece in row)


def _row(row: Row, axis: float, x: float, before: float, stretch: float) -> tuple[list[str], float]:
    """Draw the pieces of a row from `x` on; return also where the last one ends."""
    parts: list[str] = []
    for piece in row:
        drawn, before = piece.draw(x, axis, before, stretch)
        parts += drawn
        x += piece.width + stretch * piece.arrows
    return parts, before
