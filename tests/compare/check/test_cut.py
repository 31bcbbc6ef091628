"""What is cut out of two arrays around the worst element."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cnnspec.compare.check.grading.cut import MOST, cut_out
from cnnspec.compare.faults.fault import Observation


def observed(found: Any, wanted: Any) -> Observation[Any]:
    return Observation(SimpleNamespace(probe="batch of 7"), "output", found, wanted, wanted)


@pytest.mark.parametrize(
    ("shape", "position", "corner", "size"),
    [
        ((5,), (3,), (0, 0), (1, 5)),
        ((3, 4), (2, 1), (0, 0), (3, 4)),
        ((2, 3, 4, 5), (1, 2, 3, 4), (0, 0), (4, 5)),
        ((40, 50), (20, 30), (14, 24), (MOST, MOST)),
        ((40, 50), (0, 49), (0, 38), (MOST, MOST)),
        ((2, 40, 3), (1, 39, 0), (28, 0), (MOST, 3)),
    ],
)
def test_the_worst_element_is_in_the_cut(
    shape: tuple[int, ...], position: tuple[int, ...], corner: tuple[int, int], size: object
) -> None:
    wanted = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    found = wanted.copy()
    found[position] = np.nan
    shown = cut_out(observed(found, wanted), position)
    assert shown is not None
    assert (shown.probe, shown.position, shown.corner) == ("batch of 7", position, corner)
    assert np.shape(shown.found) == np.shape(shown.wanted) == size
    row, column = (0, *position)[-2] - corner[0], position[-1] - corner[1]
    assert np.argwhere(np.isnan(shown.found)).tolist() == [[row, column]]
    assert shown.wanted[row][column] == wanted[position]


def test_what_cannot_be_laid_beside_is_not_shown() -> None:
    assert cut_out(observed(np.zeros((2, 3)), np.zeros((3, 2))), (0, 0)) is None
    assert cut_out(observed(np.zeros(()), np.zeros(())), ()) is None
