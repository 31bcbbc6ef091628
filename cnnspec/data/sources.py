"""Where data comes from: raw images and labels of each kind of source."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnspec.errors import DataError
from cnnspec.spec.data import NPZ, DataSource

Array = NDArray[Any]


MAX_LABEL = 999_999


@dataclass(frozen=True)
class RawSplit:
    """Images as they were stored: (n, h, w) or (n, c, h, w), whole numbers or floats."""

    images: Array
    labels: Array


@dataclass(frozen=True)
class RawData:
    """What a source holds, before limits, scaling and normalisation."""

    train: RawSplit
    test: RawSplit
    white: float
    """What a pixel is divided by: its greatest value, or 1 for floats."""


def default_data_dir() -> Path:
    """Return the folder that data sets are kept in: CNNSPEC_DATA, or `data`."""
    return Path(os.environ.get("CNNSPEC_DATA") or "data")


def read_digits(source: DataSource, data_dir: Path) -> RawData:
    """Read the digits that the package carries (see digits.md)."""
    file = resources.files("cnnspec.data").joinpath("digits.npz")
    with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    return RawData(*_split(images, labels), white=16)


def read_npz(source: DataSource, data_dir: Path) -> RawData:
    """Read a user's own file.

    Raises:
        DataError: the file, its arrays or their shapes are not as wanted.
    """
    assert isinstance(source, NPZ)
    arrays = _open(source.path)
    if {"images", "labels"} <= arrays.keys():
        _check(source.path, arrays, "images", "labels")
        train, test = _split(arrays["images"], arrays["labels"])
        if not len(train.labels):
            raise DataError(f"{source.path}: one image is too few to train and to test on")
    else:
        for part in ("train", "test"):
            _check(source.path, arrays, f"{part}_images", f"{part}_labels")
        train = RawSplit(arrays["train_images"], arrays["train_labels"])
        test = RawSplit(arrays["test_images"], arrays["test_labels"])
        if _with_channels(train.images).shape[1:] != _with_channels(test.images).shape[1:]:
            raise DataError(
                f"{source.path}: `train_images` {list(train.images.shape)} and `test_images` "
                f"{list(test.images.shape)} differ in channels, height or width"
            )
        if train.images.dtype != test.images.dtype:
            raise DataError(
                f"{source.path}: `train_images` are {train.images.dtype} but `test_images` are "
                f"{test.images.dtype}; store both alike"
            )
    return RawData(train, test, white=255 if train.images.dtype == np.uint8 else 1)


def _open(path: str) -> dict[str, Array]:
    shown = Path(path).absolute()
    if not shown.exists():
        raise DataError(f"there is no file {shown}, which `data.npz.path` names")
    try:
        with shown.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise ValueError("it is no zip archive")
            file.seek(0)
            with np.load(file, allow_pickle=False) as loaded:
                arrays = {name: loaded[name] for name in loaded.files}
    except Exception as error:  # a damaged or hostile archive raises almost anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"cannot read {shown} as an .npz file without pickles: {reason}; "
            "write it with numpy.savez(path, images=..., labels=...)"
        ) from None
    return {name: array for name, array in arrays.items() if isinstance(array, np.ndarray)}


def _check(path: str, arrays: dict[str, Array], images_name: str, labels_name: str) -> None:
    for name in (images_name, labels_name):
        if name not in arrays:
            raise DataError(
                f"{path} has no array `{name}`; it has {', '.join(arrays) or 'none'}. Wanted are "
                "`train_images`, `train_labels`, `test_images` and `test_labels`, or `images` "
                "and `labels`"
            )
    images, labels = arrays[images_name], arrays[labels_name]
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise DataError(
            f"{path}: `{images_name}` is {list(images.shape)}; wanted (n, h, w) or (n, c, h, w)"
        )
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise DataError(f"{path}: `{images_name}` is {images.dtype}; wanted uint8 or floats")
    with np.errstate(over="ignore"):
        if not np.all(np.isfinite(images.astype(np.float32))):
            raise DataError(
                f"{path}: `{images_name}` holds values that are not finite in float32 "
                "(nan, inf or too large)"
            )
    if labels.shape != (len(images),):
        raise DataError(
            f"{path}: `{labels_name}` is {list(labels.shape)}; wanted one label for each of the "
            f"{len(images)} images"
        )
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > MAX_LABEL:
        raise DataError(f"{path}: `{labels_name}` must be whole numbers from 0 to {MAX_LABEL:,}")


def _with_channels(images: Array) -> Array:
    return images[:, None] if images.ndim == 3 else images


def _split(images: Array, labels: Array) -> tuple[RawSplit, RawSplit]:
    """Sort by class and put every fifth image into the test set: the same 80/20 every time."""
    tested = np.zeros(len(labels), bool)
    tested[np.argsort(labels, kind="stable")[::5]] = True
    return RawSplit(images[~tested], labels[~tested]), RawSplit(images[tested], labels[tested])


def read_vision(source: DataSource, data_dir: Path) -> RawData:
    """Read MNIST or one of its kin through torchvision."""
    from cnnspec.data.vision import read_torchvision

    train, test = read_torchvision(source.keyword, data_dir)
    return RawData(RawSplit(*train), RawSplit(*test), white=255)


READERS: dict[str, Callable[[DataSource, Path], RawData]] = {
    "digits": read_digits,
    "mnist": read_vision,
    "fashion_mnist": read_vision,
    "npz": read_npz,
}
