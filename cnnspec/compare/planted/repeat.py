"""Repeated layers at random."""

from __future__ import annotations

from cnnspec.compare.planted.branches import Branches
from cnnspec.spec.composites import Repeat
from cnnspec.spec.sizes import Shape


def drawn(branches: Branches, input: Shape) -> Repeat | None:
    """Draw layers that come up to three times; they need not fit a second time."""
    layers, _ = branches.several(input)
    return Repeat(times=branches.draw.whole(1, 3), layers=layers) if layers else None
