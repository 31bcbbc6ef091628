"""Which images are tested: every fifth, sorted by class."""

from collections.abc import Iterator

import numpy as np
import pytest

from cnnspec.data import stored
from cnnspec.data.stored import Array, StoredImages, every_fifth, whole


def unread(until: int) -> Iterator[Array]:
    raise AssertionError("images are not read to choose among them")


def images(count: int) -> StoredImages:
    return StoredImages("`some`", count, (1, 2, 2), 255, unread)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint64, np.dtype(">i4")], ids=str)
@pytest.mark.parametrize(("count", "classes"), [(2, 1), (4, 2), (5, 3), (1_000, 7), (997, 250)])
@pytest.mark.parametrize("rows", [1, 3, 64, 2**16])
def test_every_fifth_in_the_order_of_classes_is_tested(
    dtype: np.dtype, count: int, classes: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alike, however many rows are sorted at once."""
    monkeypatch.setattr(stored, "ROWS", rows)
    labels = np.random.default_rng(count).integers(0, classes, count).astype(dtype)
    wanted = np.zeros(count, bool)
    wanted[np.argsort(labels, kind="stable")[::5]] = True
    for first in (None, 1, 10, count + 1):
        found = every_fifth(images(count), labels, first, first)
        for part, rows_of in ((found.train, ~wanted), (found.test, wanted)):
            assert part.rows.tolist() == np.flatnonzero(rows_of)[:first].tolist()
            assert part.labels.dtype == np.int64
            assert part.labels.tolist() == labels[part.rows].tolist()
            assert part.available == np.count_nonzero(rows_of)


@pytest.mark.parametrize(("first", "kept"), [(None, 4), (3, 3), (9, 4)])
def test_a_whole_part_has_the_first_ones(first: int | None, kept: int) -> None:
    part = whole(images(4), np.array([3, 1, 2, 0], np.uint8), first)
    assert part.rows.tolist() == [0, 1, 2, 3][:kept]
    assert part.labels.tolist() == [3, 1, 2, 0][:kept]
    assert part.available == 4
