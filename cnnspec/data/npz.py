"""A user's own .npz file: named arrays, read in blocks; nothing else in the file is touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cnnspec.data.archive import Archive, open_archive, quoted
from cnnspec.data.npy import Header
from cnnspec.data.npz_names import Names, names_of
from cnnspec.data.stored import Array, RawData, StoredImages, every_fifth, whole
from cnnspec.errors import DataError
from cnnspec.spec.data import NPZ, DataSource
from cnnspec.spec.sizes import Shape

MAX_LABEL = 999_999
MOST_IMAGES = 100_000_000
AXES = {"nchw": "(n, c, h, w)", "nhwc": "(n, h, w, c)", "nhw": "(n, h, w)"}


@contextmanager
def open_npz(source: DataSource, data_dir: Path) -> Iterator[RawData]:
    """Read a user's own file.

    Raises:
        DataError: the file, its arrays or their shapes are not as wanted.
    """
    assert isinstance(source, NPZ)
    with open_archive(source.path) as archive:
        names = names_of(source, archive)
        images, labels = _pair(source, archive, names, "")
        if names.test_images is None:
            if len(labels) < 2:
                raise DataError(
                    f"{archive.shown}: one image is too few to train and to test on",
                    option="path",
                    help="store more images",
                )
            yield every_fifth(images, labels, source.train_samples, source.test_samples)
            return
        tested, test_labels = _pair(source, archive, names, "test_")
        _check_alike(archive, names, images, tested)
        yield RawData(
            whole(images, labels, source.train_samples),
            whole(tested, test_labels, source.test_samples),
        )


AXES_OF = {3: ("nhw",), 4: ("nchw", "nhwc")}
"""The layouts that an array of so many axes may have; the first one is taken by default."""


def _pair(source: NPZ, archive: Archive, names: Names, part: str) -> tuple[StoredImages, Array]:
    """Return the images and the labels of a part."""
    name, labels_name = (getattr(names, part + what) for what in ("images", "labels"))
    option = part + "images"
    header = archive.header(name, option)
    called = f"{archive.shown}: `{quoted(name)}`"
    layout = source.layout or AXES_OF.get(len(header.shape), ("nchw",))[0]
    _check_images(called, header, layout, source.layout is not None, option)
    labels = _labels(archive, labels_name, part + "labels", header.shape[0])
    order = {"nchw": (0, 1, 2, 3), "nhwc": (0, 3, 1, 2), "nhw": (0, 1, 2)}[layout]
    shape = tuple(header.shape[axis] for axis in order[1:])

    def blocks(until: int) -> Iterator[Array]:
        for block in archive.blocks(name, until, option):
            turned = block.transpose(order)
            yield turned[:, None] if layout == "nhw" else turned

    stored = StoredImages(
        called,
        header.shape[0],
        (1, *shape) if layout == "nhw" else shape,
        255 if header.dtype == np.uint8 else 1,
        blocks,
        option,
    )
    return stored, labels


def _check_images(called: str, header: Header, layout: str, asked: bool, option: str) -> None:
    shape, dtype = header.shape, header.dtype
    if layout not in AXES_OF.get(len(shape), ()):
        others = " or ".join(f"`layout: {other}`" for other in AXES_OF.get(len(shape), ()))
        said = f"{AXES[layout]}, as `layout: {layout}` says"
        raise DataError(
            f"{called} is {_sizes(shape)}; wanted {said if asked else ' or '.join(AXES.values())}",
            option="layout" if asked and others else option,
            help=f"write {others}" if others else "store images.reshape(n, c, h, w)",
        )
    if 0 in shape:
        raise DataError(
            f"{called} is {_sizes(shape)}: it holds nothing",
            option=option,
            help="store one at least",
        )
    if shape[0] > MOST_IMAGES:
        raise DataError(
            f"{called} has {shape[0]:,} images; at most {MOST_IMAGES:,} are read",
            option=option,
            help="store fewer",
        )
    if dtype != np.uint8 and dtype.kind != "f":
        ways = {
            "b": "images.astype(numpy.float32), or 255 * images.astype(numpy.uint8)",
            "i": "images.astype(numpy.uint8) if pixels go from 0 to 255, else floats",
            "u": "images.astype(numpy.uint8) if pixels go from 0 to 255, else floats",
        }
        raise DataError(
            f"{called} is {dtype}; wanted uint8 or floats",
            option=option,
            help=f"store {ways.get(dtype.kind, 'one of them')}",
        )


def _check_alike(archive: Archive, names: Names, train: StoredImages, test: StoredImages) -> None:
    """Hold the images to test on against those to train on."""
    both = f"{archive.shown}: `{quoted(names.images)}` and `{quoted(names.test_images or '')}`"
    if train.shape != test.shape:
        raise DataError(
            f"{both} differ in channels, height or width: images of {_sizes(train.shape)} and of "
            f"{_sizes(test.shape)}",
            option="test_images",
            help="store both alike",
        )
    if train.white != test.white:
        raise DataError(
            f"{both} differ in type: one is uint8, the other holds floats",
            option="test_images",
            help="store both alike",
        )


def _labels(archive: Archive, name: str, option: str, count: int) -> Array:
    """Read the labels, which are small beside the images.

    Raises:
        DataError: they are not whole numbers from 0, one for each image.
    """
    header = archive.header(name, option)
    called = f"{archive.shown}: `{quoted(name)}`"
    if header.shape != (count,):
        columns = header.shape[1] if header.shape[:1] == (count,) and len(header.shape) == 2 else 0
        way = "labels.argmax(axis=1)" if columns > 1 else "labels.reshape(-1)"
        raise DataError(
            f"{called} is {_sizes(header.shape)}; wanted one label for each of the "
            f"{count:,} images",
            option=option,
            help=f"store {way}" if columns else "store images and labels in the same order",
        )
    wanted = f"wanted whole numbers from 0 to {MAX_LABEL:,}"
    if header.dtype.kind not in "iu":
        ways = {
            "f": "labels.astype(numpy.int64), if they number classes",
            "b": "labels.astype(numpy.uint8)",
            "U": "numpy.unique(labels, return_inverse=True)[1]",
            "S": "numpy.unique(labels, return_inverse=True)[1]",
        }
        raise DataError(
            f"{called} is {header.dtype}; {wanted}",
            option=option,
            help=f"store {ways.get(header.dtype.kind, 'whole numbers')}",
        )
    labels = np.empty(count, header.dtype.newbyteorder("="))
    start = 0
    for block in archive.blocks(name, count, option):
        wrong = np.flatnonzero((block < 0) | (block > MAX_LABEL))
        if len(wrong):
            raise DataError(
                f"{called} has {block[wrong[0]]} at {start + wrong[0]:,}; {wanted}",
                option=option,
                help="number the classes from 0: numpy.unique(labels, return_inverse=True)[1]",
            )
        labels[start : start + len(block)] = block
        start += len(block)
    return labels


def _sizes(shape: Shape) -> str:
    """Write a shape that a file gives, whose numbers may be of any length."""
    return "[" + ", ".join(f"{size}" if size < 10**12 else "..." for size in shape[:6]) + "]"
