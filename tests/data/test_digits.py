"""The built-in digits: the values of scikit-learn's, and one split that never changes."""

from collections import Counter

import numpy as np
import pytest

from cnnspec import DataError, Digits, Normalize, load_data
from cnnspec.data import Dataset
from cnnspec.trace import Array


def scikit_learns() -> tuple[Array, Array]:
    """Return scikit-learn's digits; its import takes as long as half of all collection."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return images, labels


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_data(Digits())


def test_shapes_and_types(digits: Dataset) -> None:
    assert digits.name == "digits"
    assert digits.train.images.shape == (1437, 1, 8, 8)
    assert digits.test.images.shape == (360, 1, 8, 8)
    for split in (digits.train, digits.test):
        assert split.images.dtype == np.float32
        assert split.labels.dtype == np.int64
        assert split.labels.shape == (len(split),)
        assert (split.images.min(), split.images.max()) == (0, 1)


def test_every_fifth_image_of_each_class_in_turn_is_tested(digits: Dataset) -> None:
    images, labels = scikit_learns()
    by_class = sorted(range(1797), key=lambda index: labels[index])
    tested = set(by_class[::5])
    train = [index for index in range(1797) if index not in tested]
    test = [index for index in range(1797) if index in tested]
    for split, indices in ((digits.train, train), (digits.test, test)):
        assert np.array_equal(split.labels, labels[indices])
        assert np.array_equal(split.images * 16, images[indices].reshape(-1, 1, 8, 8))


def test_no_image_is_lost_or_in_both_parts(digits: Dataset) -> None:
    images, labels = scikit_learns()

    def counted(images: np.ndarray, labels: np.ndarray) -> Counter[tuple[int, ...]]:
        rows = np.column_stack([images.reshape(len(labels), 64), labels]).astype(int)
        return Counter(map(tuple, rows.tolist()))

    train = counted(digits.train.images * 16, digits.train.labels)
    test = counted(digits.test.images * 16, digits.test.labels)
    assert train + test == counted(images, labels)
    assert not train & test


def test_each_class_is_split_alike(digits: Dataset) -> None:
    train, test = (np.bincount(split.labels) for split in (digits.train, digits.test))
    assert np.all(np.abs(test - (train + test) / 5) < 1)


def test_arrays_are_the_callers_own(digits: Dataset) -> None:
    mine = load_data(Digits())
    mine.train.images[...] = 7
    mine.train.labels[...] = 7
    again = load_data(Digits())
    assert np.array_equal(again.train.images, digits.train.images)
    assert np.array_equal(again.train.labels, digits.train.labels)


def test_limits_keep_the_first_images(digits: Dataset) -> None:
    some = load_data(Digits(train_samples=100, test_samples=7))
    assert (len(some.train), len(some.test)) == (100, 7)
    assert np.array_equal(some.train.images, digits.train.images[:100])
    assert np.array_equal(some.train.labels, digits.train.labels[:100])
    assert np.array_equal(some.test.images, digits.test.images[:7])
    assert np.array_equal(some.test.labels, digits.test.labels[:7])


def test_all_images_may_be_asked_for() -> None:
    whole = load_data(Digits(train_samples=1437, test_samples=360))
    assert (len(whole.train), len(whole.test)) == (1437, 360)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"train_samples": 1438},
            "`train_samples` is 1,438, but `digits` has 1,437 images to train on; "
            "ask for at most 1437, or leave it out to have all",
        ),
        (
            {"test_samples": 361},
            "`test_samples` is 361, but `digits` has 360 images to test on; "
            "ask for at most 360, or leave it out to have all",
        ),
    ],
)
def test_more_images_than_there_are(options: dict[str, int], message: str) -> None:
    with pytest.raises(DataError) as caught:
        load_data(Digits(**options))
    assert str(caught.value) == message


def test_normalize(digits: Dataset) -> None:
    mean, std = np.float32(0.3), np.float32(0.2)
    found = load_data(Digits(normalize=Normalize(mean=[0.3], std=[0.2])))
    for split, plain in ((found.train, digits.train), (found.test, digits.test)):
        assert split.images.dtype == np.float32
        assert np.array_equal(split.images, (plain.images - mean) / std)
        assert np.array_equal(split.labels, plain.labels)


def test_normalize_with_too_many_channels() -> None:
    with pytest.raises(DataError) as caught:
        load_data(Digits(normalize=Normalize(mean=[0, 0, 0], std=[1, 1, 1])))
    assert str(caught.value) == (
        "`normalize` is for 3 channels, but the images have 1; give one mean and one std for each "
        "channel"
    )
