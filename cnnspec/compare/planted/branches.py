"""Branches: what a block at random is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cnnspec.compare.planted.draw import Draw
from cnnspec.spec.composites import AnyEntry
from cnnspec.spec.sizes import Shape

Entries = tuple[AnyEntry, ...]


class Branches(Protocol):
    """Draws the branches of a block."""

    @property
    def draw(self) -> Draw:
        """What options are drawn from."""
        ...

    def several(self, input: Shape) -> tuple[Entries, Shape]:
        """Draw some layers and blocks that fit; return them, and what they give. It may be none."""
        ...

    def way(self, input: Shape, output: Shape) -> Entries | None:
        """Return what makes one shape of another, and little else; None where nothing does."""
        ...


DrawnBlock = Callable[[Branches, Shape], AnyEntry | None]
"""Draws a block for an input; None where nothing fits, or nothing is left to be in it."""
