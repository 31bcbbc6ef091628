"""Whether a data set fits a network."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from cnnspec import DataError, Dataset
from cnnspec.data import Split


def split(labels: list[int], shape: tuple[int, ...] = (3, 4, 5)) -> Split:
    return Split(np.zeros((len(labels), *shape), np.float32), np.array(labels))


DATA = Dataset("mine", split([0, 1, 2]), split([0, 3]))


def test_length() -> None:
    assert (len(DATA.train), len(DATA.test)) == (3, 2)


def test_fits() -> None:
    DATA.check_fits((3, 4, 5), 4)
    DATA.check_fits((3, 4, 5), 100)


def test_other_images() -> None:
    with pytest.raises(DataError) as caught:
        DATA.check_fits((1, 4, 5), 4)
    assert str(caught.value) == (
        "the data `mine` has images of 3 x 4 x 5, but `input` is 1 x 4 x 5; "
        "write `input: [3, 4, 5]`, or take other data"
    )


@pytest.mark.parametrize(
    "data", [DATA, Dataset("mine", DATA.test, DATA.train)], ids=["in test", "in train"]
)
def test_too_few_logits(data: Dataset) -> None:
    with pytest.raises(DataError) as caught:
        data.check_fits((3, 4, 5), 3)
    assert str(caught.value) == (
        "the data `mine` has 4 classes, but the network gives 3 logits; "
        "end with `- linear: {out_features: 4}`"
    )


def test_channels_that_come_last() -> None:
    with pytest.raises(DataError) as caught:
        DATA.check_fits((5, 3, 4), 4)
    assert str(caught.value) == (
        "the data `mine` has images of 3 x 4 x 5, but `input` is 5 x 3 x 4; "
        "channels come first: store images.transpose(0, 3, 1, 2)"
    )


def test_labels_below_0() -> None:
    with pytest.raises(DataError) as caught:
        Dataset("mine", split([0, -1]), split([0])).check_fits((3, 4, 5), 3)
    assert str(caught.value) == "the data `mine` has labels below 0; count from 0"


def test_nothing_changes() -> None:
    with pytest.raises(FrozenInstanceError):
        DATA.name = "other"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        DATA.train.labels = DATA.test.labels  # type: ignore[misc]
