"""The order in which images are learnt from."""

from itertools import chain

import numpy as np
import pytest

from cnnspec.data import batches


def order(count: int, batch_size: int, *, seed: int = 0, epoch: int = 1) -> list[list[int]]:
    found = batches(count, batch_size, seed=seed, epoch=epoch)
    return [indices.tolist() for indices in found]


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"),
    [
        (10, 3, [3, 3, 3, 1]),
        (9, 3, [3, 3, 3]),
        (2, 3, [2]),
        (3, 3, [3]),
        (3, 1, [1, 1, 1]),
        (1, 1, [1]),
    ],
)
def test_every_image_once_an_epoch(count: int, batch_size: int, sizes: list[int]) -> None:
    found = order(count, batch_size)
    assert [len(batch) for batch in found] == sizes
    assert sorted(chain(*found)) == list(range(count))


def test_shuffled() -> None:
    (found,) = order(1000, 1000)
    assert found != sorted(found)
    still = sum(place == index for place, index in enumerate(found))
    assert still < 10
    assert abs(np.corrcoef(found, range(1000))[0, 1]) < 0.2


def test_the_same_seed_and_epoch_give_the_same_order() -> None:
    assert order(100, 7, seed=3, epoch=2) == order(100, 7, seed=3, epoch=2)


def test_the_batch_size_does_not_change_the_order() -> None:
    assert [*chain(*order(100, 7))] == order(100, 100)[0]


def test_every_epoch_and_every_seed_have_an_order_of_their_own() -> None:
    orders = {tuple(order(100, 100, seed=s, epoch=e)[0]) for s in range(5) for e in range(1, 6)}
    assert len(orders) == 25


def test_every_machine_has_this_order() -> None:
    assert order(8, 3, seed=0, epoch=1) == [[7, 1, 3], [2, 4, 0], [6, 5]]


def test_indices_are_int64() -> None:
    (found,) = batches(5, 5, seed=0, epoch=1)
    assert found.dtype == np.int64
