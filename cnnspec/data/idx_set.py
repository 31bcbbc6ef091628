"""A data set in four IDX files, as MNIST has them: where they lie, and whether they are whole."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnnspec.data.idx import ANOTHER, Idx, open_idx
from cnnspec.data.stored import Array, Labels, Part, RawData, StoredImages, whole
from cnnspec.errors import DataError, DataWarning
from cnnspec.printable import printable
from cnnspec.spec.data import DataSource
from cnnspec.spec.sizes import show

PARTS = ("train", "t10k")
FILES = [f"{part}-{what}" for part in PARTS for what in ("images-idx3-ubyte", "labels-idx1-ubyte")]


@dataclass(frozen=True)
class Published:
    """A data set as it was published."""

    name: str
    """As torchvision calls it, and its folder."""
    sha256: tuple[str, str, str, str]
    """Of FILES, without their compression."""


@contextmanager
def open_set(published: Published, source: DataSource, data_dir: Path) -> Iterator[RawData]:
    """Read the four files, which are downloaded where they are missing.

    Raises:
        DataError: they are not there and cannot be downloaded, or are damaged.

    Warns:
        DataWarning: they are not those that were published.
    """
    folder = _folder(published, data_dir)
    files = [open_idx(_file(folder, name), 3 if "images" in name else 1) for name in FILES]
    others = [file.path for file, known in zip(files, published.sha256) if file.sha256 != known]
    if others:
        warnings.warn(
            f"{printable(str(others[0].absolute()))} is not the file that was published as "
            f"{published.name}, by its SHA-256; {ANOTHER}, unless you made it yourself",
            DataWarning,
            stacklevel=2,
        )
    images, labels, test_images, test_labels = files
    yield RawData(
        _part(source, images, labels, source.train_samples),
        _part(source, test_images, test_labels, source.test_samples),
    )


def _folder(published: Published, data_dir: Path) -> Path:
    """Return the folder that has the four files: as torchvision lays them out, or lying open."""
    folders = [data_dir / published.name / "raw", data_dir / published.name, data_dir]
    for folder in folders:
        if all(_is_there(_file(folder, name)) for name in FILES):
            return folder
    from cnnspec.data.vision import download

    reason = download(published.name, data_dir)
    if reason is None:
        return folders[0]
    lacking = [[name for name in FILES if not _is_there(_file(folder, name))] for folder in folders]
    fewest = min(lacking, key=len)
    lacks = ""
    if len(fewest) < len(FILES):
        folder = folders[lacking.index(fewest)]
        lacks = f": {printable(str(folder.absolute()))} lacks {', '.join(fewest)}"
    raise DataError(
        f"{published.name} is neither in {printable(str(folders[0].absolute()))} nor in "
        f"{printable(str(data_dir.absolute()))}{lacks}; {reason}",
        help=f"put its four files there ({', '.join(FILES)}; plain or .gz), or name their folder "
        "by --data-dir or CNNSPEC_DATA; `--set data=digits` trains on what the package carries",
    )


def _file(folder: Path, name: str) -> Path:
    """Return the plain file where it is, and else the gzipped one."""
    plain, packed = folder / name, folder / f"{name}.gz"
    return packed if _is_there(packed) and not _is_there(plain) else plain


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder that may not be looked into
        return False


def _part(source: DataSource, images: Idx, labels: Idx, first: int | None) -> Part:
    shape, classes = source.known.shape, source.known.classes
    assert shape is not None
    assert classes is not None
    if images.shape[1:] != shape[1:]:
        raise DataError(
            f"{_shown(images)} has images of {show(images.shape[1:])}; those of "
            f"`{source.keyword}` are {show(shape[1:])}",
            help="store your own images as an .npz file, and write `data: {npz: {path: ...}}`",
        )
    if images.shape[:1] != labels.shape:
        raise DataError(
            f"{_shown(labels)} has {labels.shape[0]:,} labels, but {_shown(images)} has "
            f"{images.shape[0]:,} images",
            help="take both from one source",
        )

    def blocks(until: int) -> Iterator[Array]:
        return (block[:, None] for block in images.blocks(until))

    stored = StoredImages(_shown(images), images.shape[0], shape, 255, blocks)
    return whole(stored, _labels(labels, classes), first)


def _labels(file: Idx, classes: int) -> Labels:
    (count,) = file.shape
    labels = np.concatenate(list(file.blocks(count))).astype(np.int64)
    if labels.max() >= classes:
        at = int(np.argmax(labels >= classes))
        raise DataError(
            f"{_shown(file)} has {labels[at]} at {at:,}; wanted labels from 0 to {classes - 1}",
            help=ANOTHER,
        )
    return labels


def _shown(file: Idx) -> str:
    return printable(str(file.path.absolute()))
