"""Residual blocks at random."""

from __future__ import annotations

from cnnspec.compare.planted.branches import Branches
from cnnspec.spec.composites import Residual
from cnnspec.spec.sizes import Shape


def drawn(branches: Branches, input: Shape) -> Residual | None:
    """Draw a body, and beside it nothing where that fits, or a shortcut that does."""
    body, output = branches.several(input)
    if output != input and branches.draw.yes():
        back = branches.way(output, input)
        body, output = (body + back, input) if back else (body, output)
    if not body:
        return None
    shortcut, found = branches.several(input)
    if found != output or branches.draw.yes():
        way = () if output == input else branches.way(input, output)
        shortcut = body if way is None else way  # the same layers, with weights of their own
    return Residual(body=body, shortcut=shortcut)
