"""A user's own file: every form that is read, and what else is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import NPZ, DataError, Limits, Normalize, load_data
from cnnspec.data import Dataset
from cnnspec.errors import DataWarning

NOT_FINITE = (
    "holds values that are not finite in float32 (nan, inf or too large); mend these images, or "
    "leave them out"
)
LABELS = np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
IMAGES = np.arange(10 * 2 * 3, dtype=np.uint8).reshape(10, 2, 3)
FOUR = {
    "train_images": IMAGES,
    "train_labels": LABELS,
    "test_images": IMAGES[:4] + 100,
    "test_labels": LABELS[:4],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.npz"


def load(path: Path, **options: Any) -> Dataset:
    return load_data(NPZ(path=str(path), **options))


FULL = {
    "images": "train_images",
    "labels": "train_labels",
    "test_images": "test_images",
    "test_labels": "test_labels",
}


def stored(path: Path, **arrays: Any) -> Dataset:
    """Read the same arrays by their usual names from another file."""
    np.savez(path.with_name("usual.npz"), **arrays)
    return load(path.with_name("usual.npz"))


def same(first: Dataset, second: Dataset) -> bool:
    return all(
        np.array_equal(one, other)
        for a, b in ((first.train, second.train), (first.test, second.test))
        for one, other in ((a.images, b.images), (a.labels, b.labels))
    )


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        load(path, **options)
    message = str(caught.value)
    del caught  # the frames of the error may hold files that nobody closed
    return message


def test_four_arrays(path: Path) -> None:
    np.savez(path, **FOUR)
    found = load(path)
    assert found.name == "npz"
    assert np.array_equal(found.train.images, (IMAGES[:, None] / np.float32(255)))
    assert np.array_equal(found.test.images, (IMAGES[:4, None] + 100) / np.float32(255))
    assert np.array_equal(found.train.labels, LABELS)
    assert np.array_equal(found.test.labels, LABELS[:4])
    for split in (found.train, found.test):
        assert split.images.dtype == np.float32
        assert split.labels.dtype == np.int64


def test_two_arrays_are_split(path: Path) -> None:
    np.savez(path, images=IMAGES, labels=LABELS)
    found = load(path)
    # sorted by class: 0 5 | 1 6 | 2 7 | 3 8 | 4 9, of which every fifth is tested
    tested = [0, 7]
    rest = [1, 2, 3, 4, 5, 6, 8, 9]
    assert np.array_equal(found.test.images, IMAGES[tested, None] / np.float32(255))
    assert np.array_equal(found.test.labels, LABELS[tested])
    assert np.array_equal(found.train.images, IMAGES[rest, None] / np.float32(255))
    assert np.array_equal(found.train.labels, LABELS[rest])


def test_two_images_are_enough_to_split(path: Path) -> None:
    np.savez(path, images=9 * IMAGES[:2], labels=LABELS[:2])
    found = load(path)
    assert (len(found.train), len(found.test)) == (1, 1)


def test_compressed_files_are_read(path: Path) -> None:
    np.savez_compressed(path, **FOUR)
    assert len(load(path).test) == 4


def test_two_arrays_come_before_four(path: Path) -> None:
    np.savez(path, images=IMAGES, labels=LABELS, **FOUR)
    assert len(load(path).train) == 8


def test_other_arrays_do_not_matter(path: Path) -> None:
    np.savez(path, **FOUR, classes=np.array(["a", "b"]), readme=np.array(3))
    assert len(load(path).train) == 10


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", np.longdouble])
def test_floats_are_taken_as_they_are(path: Path, dtype: Any) -> None:
    images = (IMAGES / 2 - 30).astype(dtype)
    np.savez(path, images=images, labels=LABELS)
    found = load(path)
    assert found.train.images.dtype == np.dtype(np.float32)
    assert np.array_equal(found.test.images, images[[0, 7], None].astype(np.float32))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, ">i2", np.uint64])
def test_whole_numbers_of_any_size_are_labels(path: Path, dtype: Any) -> None:
    np.savez(path, **{**FOUR, "train_labels": LABELS.astype(dtype)})
    found = load(path)
    assert found.train.labels.dtype == np.dtype(np.int64)
    assert np.array_equal(found.train.labels, LABELS)


@pytest.mark.parametrize("order", ["C", "F"])
def test_colour_images(path: Path, order: Any) -> None:
    images = np.linspace(0, 1, 10 * 3 * 4 * 5, dtype=np.float32).reshape(10, 3, 4, 5)
    np.savez(path, images=np.array(images, order=order), labels=LABELS)
    found = load(path)
    assert found.train.images.shape == (8, 3, 4, 5)
    assert np.array_equal(found.test.images, images[[0, 7]])


def test_images_with_and_without_a_channel_axis(path: Path) -> None:
    np.savez(path, **{**FOUR, "test_images": FOUR["test_images"][:, None]})
    found = load(path)
    assert found.train.images.shape[1:] == found.test.images.shape[1:] == (1, 2, 3)


def test_normalize_each_channel(path: Path) -> None:
    images = np.arange(10 * 2 * 1 * 2, dtype=np.float32).reshape(10, 2, 1, 2)
    np.savez(path, train_images=images, train_labels=LABELS, test_images=images, test_labels=LABELS)
    found = load(path, normalize=Normalize(mean=[1, 10], std=[2, 4]))
    assert np.array_equal(found.train.images[:, 0], (images[:, 0] - 1) / 2)
    assert np.array_equal(found.test.images[:, 1], (images[:, 1] - 10) / 4)


def test_normalize_comes_after_the_scaling_to_one(path: Path) -> None:
    np.savez(path, **{**FOUR, "train_images": np.full((10, 2, 3), 255, np.uint8)})
    found = load(path, normalize=Normalize(mean=[0.5], std=[0.25]))
    assert np.array_equal(found.train.images, np.full((10, 1, 2, 3), 2, np.float32))


def test_limits(path: Path) -> None:
    np.savez(path, **FOUR)
    found = load(path, train_samples=3, test_samples=1)
    assert np.array_equal(found.train.labels, LABELS[:3])
    assert np.array_equal(found.test.labels, LABELS[:1])
    assert refusal(path, test_samples=5) == (
        "`test_samples` is 5, but `npz` has 4 images to test on; "
        "ask for at most 4, or leave it out to have all"
    )


def test_a_relative_path_starts_at_the_working_directory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(path, **FOUR)
    monkeypatch.chdir(path.parent)
    assert len(load(Path("mine.npz")).train) == 10
    assert refusal(Path("other.npz")) == (
        f"there is no file {path.parent / 'other.npz'}, which `data.npz.path` names; "
        "write its path from the working directory"
    )


TWO = {"images": IMAGES, "labels": LABELS}
NUMBERS = "wanted whole numbers from 0 to 999,999"
AXES = "wanted (n, c, h, w) or (n, h, w, c) or (n, h, w); store images.reshape(n, c, h, w)"
PER_IMAGE = "wanted one label for each of the"
BY_NAME = (
    "write the names of its arrays in `data.npz`, as in `images: x, labels: y`; with "
    "`test_images` and `test_labels` where it has them"
)
BYTES = "store images.astype(numpy.uint8) if pixels go from 0 to 255, else floats"
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no arrays": ({}, f" has no array `images`; it has no arrays; {BY_NAME}"),
    "other names": (
        {"x": IMAGES, "y": LABELS},
        " has no array `images`; it has `x`, `y`; write `images: x, labels: y` in `data.npz`",
    ),
    "the names of Keras": (
        {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:4], "y_test": LABELS[:4]},
        " has no array `images`; it has `x_train`, `y_train`, `x_test`, `y_test`; write `images: "
        "x_train, labels: y_train, test_images: x_test, test_labels: y_test` in `data.npz`",
    ),
    "names of which two may be meant": (
        {"a": IMAGES, "b": IMAGES, "c": LABELS},
        f" has no array `images`; it has `a`, `b`, `c`; {BY_NAME}",
    ),
    "images alone": (
        {"images": IMAGES},
        " has no array `labels`; it has `images`; store all: numpy.savez(path, images=..., "
        "labels=...)",
    ),
    "three of four": (
        {name: FOUR[name] for name in list(FOUR)[:3]},
        " has no array `test_labels`; it has `train_images`, `train_labels`, `test_images`; store "
        "all: numpy.savez(path, train_images=..., train_labels=..., test_images=..., "
        "test_labels=...)",
    ),
    "flat images": ({**TWO, "images": IMAGES.reshape(10, 6)}, f": `images` is [10, 6]; {AXES}"),
    "images of five axes": (
        {**TWO, "images": IMAGES[:, None, None]},
        f": `images` is [10, 1, 1, 2, 3]; {AXES}",
    ),
    "a number as images": ({**TWO, "images": np.array(3.0)}, f": `images` is []; {AXES}"),
    "no images": (
        {"images": IMAGES[:0], "labels": LABELS[:0]},
        ": `images` is [0, 2, 3]: it holds nothing; store one at least",
    ),
    "images without height": (
        {**TWO, "images": IMAGES[:, :0]},
        ": `images` is [10, 0, 3]: it holds nothing; store one at least",
    ),
    "no test images": (
        {**FOUR, "test_images": IMAGES[:0], "test_labels": LABELS[:0]},
        ": `test_images` is [0, 2, 3]: it holds nothing; store one at least",
    ),
    "whole numbers as images": (
        {**TWO, "images": IMAGES.astype(np.int64)},
        f": `images` is int64; wanted uint8 or floats; {BYTES}",
    ),
    "short numbers as images": (
        {**TWO, "images": IMAGES.astype(np.uint16)},
        f": `images` is uint16; wanted uint8 or floats; {BYTES}",
    ),
    "truths as images": (
        {**TWO, "images": IMAGES > 3},
        ": `images` is bool; wanted uint8 or floats; store images.astype(numpy.float32), or 255 * "
        "images.astype(numpy.uint8)",
    ),
    "complex images": (
        {**TWO, "images": IMAGES.astype(complex)},
        ": `images` is complex128; wanted uint8 or floats; store one of them",
    ),
    "images with nan": (
        {**TWO, "images": np.where(IMAGES == 7, np.nan, IMAGES)},
        f": `images` {NOT_FINITE}",
    ),
    "images with inf": (
        {
            **FOUR,
            "train_images": IMAGES / 4,
            "test_images": np.where(IMAGES[:4] == 7, -np.inf, 0),
        },
        f": `test_images` {NOT_FINITE}",
    ),
    "labels with a point": (
        {**TWO, "labels": LABELS.astype(float)},
        f": `labels` is float64; {NUMBERS}; store labels.astype(numpy.int64), if they number "
        "classes",
    ),
    "negative labels": (
        {**FOUR, "test_labels": LABELS[:4] - 1},
        f": `test_labels` has -1 at 0; {NUMBERS}; number the classes from 0: "
        "numpy.unique(labels, return_inverse=True)[1]",
    ),
    "words as labels": (
        {**TWO, "labels": np.array(list("abcdefghij"))},
        f": `labels` is <U1; {NUMBERS}; store numpy.unique(labels, return_inverse=True)[1]",
    ),
    "truths as labels": (
        {**TWO, "labels": LABELS > 3},
        f": `labels` is bool; {NUMBERS}; store labels.astype(numpy.uint8)",
    ),
    "durations as labels": (
        {**TWO, "labels": LABELS.astype("m8[s]")},
        f": `labels` is timedelta64[s]; {NUMBERS}; store whole numbers",
    ),
    "one-hot labels": (
        {**TWO, "labels": np.eye(10, dtype=int)},
        f": `labels` is [10, 10]; {PER_IMAGE} 10 images; store labels.argmax(axis=1)",
    ),
    "labels in a column": (
        {**TWO, "labels": LABELS[:, None]},
        f": `labels` is [10, 1]; {PER_IMAGE} 10 images; store labels.reshape(-1)",
    ),
    "too few labels": (
        {**TWO, "labels": LABELS[:9]},
        f": `labels` is [9]; {PER_IMAGE} 10 images; store images and labels in the same order",
    ),
    "too many labels": (
        {**FOUR, "test_labels": LABELS},
        f": `test_labels` is [10]; {PER_IMAGE} 4 images; store images and labels in the same order",
    ),
    "one image": (
        {"images": IMAGES[:1], "labels": LABELS[:1]},
        ": one image is too few to train and to test on; store more images",
    ),
    "parts of different sizes": (
        {**FOUR, "test_images": IMAGES[:4, :1]},
        ": `train_images` and `test_images` differ in channels, height or width: images of "
        "[1, 2, 3] and of [1, 1, 3]; store both alike",
    ),
    "parts of different types": (
        {**FOUR, "test_images": IMAGES[:4].astype(np.float32)},
        ": `train_images` and `test_images` differ in type: one is uint8, the other holds floats; "
        "store both alike",
    ),
}


@pytest.mark.parametrize(("arrays", "message"), WRONG.values(), ids=WRONG)
def test_wrong_arrays(path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(path, **arrays)
    assert refusal(path) == f"{path}{message}"


@pytest.mark.parametrize("label", [1_000_000, 2**62, 2**63, 2**64 - 1])
def test_labels_are_at_most_999_999(path: Path, label: int) -> None:
    labels = LABELS.astype(np.uint64)
    labels[3] = 999_999
    np.savez(path, images=IMAGES, labels=labels)
    assert load(path).train.labels.max() == 999_999
    labels[3] = label
    np.savez(path, images=IMAGES, labels=labels)
    assert refusal(path) == (
        f"{path}: `labels` has {label} at 3; wanted whole numbers from 0 to 999,999; number the "
        "classes from 0: numpy.unique(labels, return_inverse=True)[1]"
    )


@pytest.mark.parametrize("value", [1e300, -1e300, 3.5e38])
def test_images_that_are_not_finite_in_float32(path: Path, value: float) -> None:
    images = IMAGES.astype(np.float64)
    images[0, 0, 0] = value
    np.savez(path, images=images, labels=LABELS)
    assert refusal(path) == (
        f"{path}: `images` holds values that are not finite in float32 (nan, inf or too large); "
        "mend these images, or leave them out"
    )


@pytest.mark.parametrize(("mean", "std"), [(0, 1e-50), (0, 1e-44), (1e300, 1)])
def test_a_normalisation_that_is_not_finite_in_float32(path: Path, mean: float, std: float) -> None:
    np.savez(path, images=IMAGES, labels=LABELS)
    assert refusal(path, normalize=Normalize(mean=[mean], std=[std])) == (
        "`normalize` gives values that are not finite in float32; "
        f"its means are {[float(mean)]} and its stds {[float(std)]}; give the mean and the "
        "deviation of the images"
    )


KERAS = {"images": "x_train", "labels": "y_train", "test_images": "x_test", "test_labels": "y_test"}


def test_names_of_two_arrays(path: Path) -> None:
    np.savez(path, x=IMAGES, y=LABELS, images=IMAGES[:3], labels=LABELS)
    assert same(load(path, images="x", labels="y"), stored(path, images=IMAGES, labels=LABELS))


def test_names_of_four_arrays(path: Path) -> None:
    np.savez(path, **{KERAS[f"{name}"]: FOUR[FULL[name]] for name in KERAS})
    assert same(load(path, **KERAS), stored(path, **FOUR))


def test_names_that_are_left_out_are_the_usual_ones(path: Path) -> None:
    np.savez(path, x=IMAGES, labels=LABELS)
    assert len(load(path, images="x").train) == 8
    np.savez(
        path, x=IMAGES[:4], **{name: FOUR[name] for name in list(FOUR)[:2]}, test_labels=LABELS[:4]
    )
    assert len(load(path, test_images="x").test) == 4


@pytest.mark.parametrize("option", KERAS)
def test_a_name_that_is_not_there(path: Path, option: str) -> None:
    np.savez(path, **{KERAS[name]: FOUR[FULL[name]] for name in KERAS})
    with pytest.raises(DataError) as caught:
        load(path, **(KERAS | {option: "z"}))
    assert caught.value.option == option
    assert str(caught.value) == (
        f"{path} has no array `z`; it has `x_train`, `y_train`, `x_test`, `y_test`; write "
        "`images: x_train, labels: y_train, test_images: x_test, test_labels: y_test` in `data.npz`"
    )


def test_channels_that_come_last(path: Path) -> None:
    images = np.arange(10 * 3 * 4 * 5, dtype=np.uint8).reshape(10, 3, 4, 5)
    np.savez(path, images=images.transpose(0, 2, 3, 1), labels=LABELS)
    assert same(load(path, layout="nhwc"), stored(path, images=images, labels=LABELS))


@pytest.mark.parametrize(
    ("axes", "layout", "message"),
    [
        (4, "nhw", "(n, h, w), as `layout: nhw` says; write `layout: nchw` or `layout: nhwc`"),
        (3, "nchw", "(n, c, h, w), as `layout: nchw` says; write `layout: nhw`"),
        (3, "nhwc", "(n, h, w, c), as `layout: nhwc` says; write `layout: nhw`"),
        (2, "nhwc", "(n, h, w, c), as `layout: nhwc` says; store images.reshape(n, c, h, w)"),
    ],
)
def test_a_layout_of_another_number_of_axes(
    path: Path, axes: int, layout: str, message: str
) -> None:
    images = IMAGES.reshape(10, *([1] * (axes - 2)), 6)
    np.savez(path, images=images, labels=LABELS)
    found = list(images.shape)
    assert refusal(path, layout=layout) == f"{path}: `images` is {found}; wanted {message}"


def test_a_layout_that_is_not_the_files_is_recognised(path: Path) -> None:
    images = np.arange(10 * 3 * 8 * 8, dtype=np.uint8).reshape(10, 3, 8, 8)
    for shape, layout, way in (
        ((0, 2, 3, 1), None, "write `layout: nhwc` in `data.npz`: channels come last in the file"),
        (
            (0, 2, 3, 1),
            "nchw",
            "write `layout: nhwc` in `data.npz`: channels come last in the file",
        ),
        (
            (0, 1, 2, 3),
            "nhwc",
            "write `layout: nchw` in `data.npz`: channels come first in the file",
        ),
    ):
        np.savez(path, images=images.transpose(shape), labels=LABELS)
        data = load(path, layout=layout)
        with pytest.raises(DataError) as caught:
            data.check_fits((3, 8, 8), 5)
        read = " x ".join(map(str, data.train.images.shape[1:]))
        assert str(caught.value) == (
            f"the data `npz` has images of {read}, but `input` is 3 x 8 x 8; {way}"
        )


def test_images_that_fit_with_channels_last_are_doubted(path: Path) -> None:
    images = np.arange(10 * 3 * 8 * 8, dtype=np.uint8).reshape(10, 8, 8, 3)
    np.savez(path, images=images, labels=LABELS)
    with pytest.warns(DataWarning) as caught:
        load(path).check_fits((8, 8, 3), 5)
    assert [str(warning.message) for warning in caught] == [
        "the images of `npz` are read as 8 channels of 8 x 3 pixels; write `layout: nhwc` in "
        "`data.npz` if channels come last, else `layout: nchw`"
    ]
    load(path, layout="nchw").check_fits((8, 8, 3), 5)


def remark(path: Path, images: np.ndarray, **options: Any) -> str:
    np.savez(path, images=images, labels=LABELS)
    with pytest.warns(DataWarning) as caught:
        load(path, **options)
    (warning,) = caught
    return str(warning.message)


def test_floats_up_to_255_are_warned_of(path: Path) -> None:
    images = np.linspace(0, 255, 60).reshape(10, 2, 3)
    assert remark(path, images) == (
        "the images of `npz` go from 0 to 255 as they reach the network, which trains badly; "
        "store uint8, which is scaled to [0, 1]; or divide by 255; or give `normalize`"
    )
    assert remark(path, -images).startswith("the images of `npz` go from -255 to 0 as")
    load(path, normalize=Normalize(mean=[-127], std=[70]))  # no warning: it is an error here


def test_a_normalisation_of_other_numbers_is_warned_of(path: Path) -> None:
    whole = np.linspace(0, 255, 60).astype(np.uint8).reshape(10, 2, 3)
    assert remark(path, whole, normalize=Normalize(mean=[127], std=[64])) == (
        "the images of `npz` go from -1.984 to -1.969 as they reach the network: they hardly "
        "differ; give `normalize` the mean and the deviation of the scaled images (uint8 is "
        "divided by 255 before)"
    )


def test_bytes_of_0_and_1_are_warned_of(path: Path) -> None:
    assert remark(path, np.eye(60, dtype=np.uint8)[:10, :6].reshape(10, 2, 3)) == (
        "the images of `npz` go from 0 to 0.003922 as they reach the network: they hardly differ; "
        "store floats, or uint8 from 0 to 255 (uint8 is divided by 255 before)"
    )


def test_the_limit_of_numbers(path: Path) -> None:
    np.savez(path, images=IMAGES, labels=LABELS)
    source = NPZ(path=str(path))
    assert len(load_data(source, limits=Limits(images=60)).train) == 8
    with pytest.raises(DataError) as caught:
        load_data(source, limits=Limits(images=59))
    assert str(caught.value) == (
        "the images of `npz` are 60 numbers, 240 bytes; the limit is 59; ask for fewer by "
        "`train_samples` and `test_samples`, or lift the limit with `limits: {images: 60}`"
    )
    few = NPZ(path=str(path), train_samples=7)
    assert len(load_data(few, limits=Limits(images=59)).train) == 7
