"""Parallel paths at random."""

from __future__ import annotations

from typing import get_args

from cnnspec.compare.planted.branches import Branches, Entries
from cnnspec.spec.composites import Parallel
from cnnspec.spec.layers import JOINS
from cnnspec.spec.sizes import Shape

MERGES = get_args(Parallel.model_fields["merge"].annotation)


def drawn(branches: Branches, input: Shape) -> Parallel:
    """Draw paths, some of them empty, all of which fit to the first."""
    merge = branches.draw.one_of(MERGES)
    alike = JOINS[merge]().alike
    first, wanted = branches.several(input)
    paths = [first]
    for _ in range(branches.draw.whole(1, 2)):
        path, output = branches.several(input)
        if alike(output) != alike(wanted) or len(output) != len(wanted):
            path = _fitted(branches, path, output, wanted) or first
        paths.append(path)
    return Parallel(merge=merge, paths=paths)


def _fitted(branches: Branches, path: Entries, output: Shape, wanted: Shape) -> Entries | None:
    """Return a path with one more layer, which gives what is wanted; None where none does."""
    way = branches.way(output, wanted)
    return way and path + way
