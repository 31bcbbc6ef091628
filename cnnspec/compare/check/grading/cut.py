"""The numbers around the worst element of an array, as many as a picture has room for."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.compare.check.records import Cut, Shown
from cnnspec.compare.faults.fault import Observation
from cnnspec.trace import Array

MOST = 12
"""Rows and columns that are shown."""


def cut_out(observation: Observation[Any], position: tuple[int, ...]) -> Shown | None:
    """Cut what is around an element out of both arrays; None where they cannot be laid beside.

    Rows and columns are the last two axes; features and labels are one row.
    """
    found, wanted = observation.found, observation.wanted
    if found.shape != wanted.shape or not position:
        return None
    outer, (row, column) = position[:-2], (0, *position)[-2:]
    planes = [np.atleast_2d(array[outer]) for array in (found, wanted)]
    height, width = planes[0].shape
    top, left = _first(row, height), _first(column, width)
    found_cut, wanted_cut = (_rows(plane[top:, left:]) for plane in planes)
    return Shown(observation.situation.probe, position, (top, left), found_cut, wanted_cut)


def _first(at: int, extent: int) -> int:
    """Return where a cut begins that has an element in its middle, as far as the array reaches."""
    return min(max(0, at - MOST // 2), max(0, extent - MOST))


def _rows(plane: Array) -> Cut:
    rows = plane[:MOST, :MOST].astype(np.float64)
    return tuple(tuple(row) for row in rows.tolist())
