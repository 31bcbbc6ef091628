"""load_data(): a `data` section -> a Dataset; survey(): what it would say, without keeping it."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnspec.data.dataset import Dataset, Images, Split
from cnnspec.data.digits import open_digits
from cnnspec.data.fashion_mnist import open_fashion_mnist
from cnnspec.data.mnist import open_mnist
from cnnspec.data.npz import open_npz
from cnnspec.data.remarks import Range, remarks
from cnnspec.data.stored import Array, Part, RawData, StoredImages
from cnnspec.errors import DataError, DataWarning, MissingDataError
from cnnspec.spec.data import DataSource, Normalize
from cnnspec.spec.data.contents import Contents, Survey
from cnnspec.spec.data.fits import options_fit
from cnnspec.spec.diagnostics import Diagnostic
from cnnspec.spec.limits import Limits

OPENERS: dict[str, Callable[[DataSource, Path], AbstractContextManager[RawData]]] = {
    "digits": open_digits,
    "mnist": open_mnist,
    "fashion_mnist": open_fashion_mnist,
    "npz": open_npz,
}


def default_data_dir() -> Path:
    """Return the folder that data sets are kept in: CNNSPEC_DATA, or `data`."""
    return Path(os.environ.get("CNNSPEC_DATA") or "data")


def load_data(
    source: DataSource, data_dir: str | Path | None = None, *, limits: Limits | None = None
) -> Dataset:
    """Read, limit, scale and normalise the data of a spec.

    `data_dir` is the folder of the data sets; by default CNNSPEC_DATA, or `data`.
    Whole-number pixels are scaled to [0, 1], floats are taken as they are. The memory it
    takes is that of the images that are kept, and a block. What is perhaps not meant is warned
    of by a DataWarning.

    Raises:
        DataError: the data cannot be read, an option does not fit it, or it is beyond
            `limits.images`.
    """
    with _opened(source, data_dir) as raw:
        for problem in options_fit(source, _contents(raw), limits or Limits()):
            raise DataError(problem.message, option=str(problem.path[-1]), help=problem.help)
        train, test = (
            Split(np.empty((len(part.rows), *part.images.shape), np.float32), part.labels)
            for part in (raw.train, raw.test)
        )
        pixels = _read([(raw.train, train.images), (raw.test, test.images)], source.normalize)
    for remark in remarks(source, pixels):
        warnings.warn(f"{remark.message}; {remark.help}", DataWarning, stacklevel=2)
    return Dataset(source.keyword, train, test, source=source)


def survey(
    source: DataSource, limits: Limits | None = None, data_dir: str | Path | None = None
) -> Survey:
    """Open a source whose contents are not known beforehand, and say what `load_data` would.

    Every image that would be kept is looked at, and none is. Nothing is downloaded.
    """
    if source.known.complete:
        return Survey(source.known)
    contents = source.known
    try:
        with _opened(source, data_dir) as raw:
            contents = _contents(raw)
            if any(options_fit(source, contents, limits or Limits())):
                return Survey(contents)  # held against the spec by whoever asks
            pixels = _read([(raw.train, None), (raw.test, None)], source.normalize)
            return Survey(contents, tuple(remarks(source, pixels)))
    except DataError as error:
        code = "missing-data" if isinstance(error, MissingDataError) else "unreadable-data"
        path = ("data", source.keyword, *([error.option] if error.option else []))
        return Survey(contents, (Diagnostic(code, error.message, path, help=error.help),))


def _opened(source: DataSource, data_dir: str | Path | None) -> AbstractContextManager[RawData]:
    return OPENERS[source.keyword](source, Path(data_dir) if data_dir else default_data_dir())


def _contents(raw: RawData) -> Contents:
    classes = 1 + int(max(raw.train.labels.max(), raw.test.labels.max()))
    return Contents(raw.train.images.shape, classes, raw.train.available, raw.test.available)


def _read(parts: Sequence[tuple[Part, Images | None]], normalize: Normalize | None) -> Range:
    """Read the images of each part into its array, or look at them alone: one pass a file."""
    pixels = Range()
    for stored in {id(part.images): part.images for part, _ in parts}.values():
        takers = [(part.rows, images) for part, images in parts if part.images is stored]
        until = 1 + max(int(rows[-1]) for rows, _ in takers)
        start = 0
        for block in stored.blocks(until):
            for rows, images in takers:
                first, last = np.searchsorted(rows, (start, start + len(block)))
                if first < last:
                    shape = (last - first, *stored.shape)
                    out = np.empty(shape, np.float32) if images is None else images[first:last]
                    _prepare(block, rows[first:last] - start, out, stored, normalize, pixels)
            start += len(block)
    return pixels


def _prepare(
    block: Array,
    rows: NDArray[np.int64],
    out: Images,
    stored: StoredImages,
    normalize: Normalize | None,
    pixels: Range,
) -> None:
    """Copy rows of a block, and scale and normalise them where they then are."""
    with np.errstate(all="ignore"):  # told below
        out[...] = block if len(rows) == len(block) else block[rows]
        out /= np.float32(stored.white)
        if not np.isfinite([out.min(), out.max()]).all():
            raise DataError(
                f"{stored.called} holds values that are not finite in float32 "
                "(nan, inf or too large)",
                option=stored.option,
                help="mend these images, or leave them out",
            )
        if normalize is not None:
            out -= np.array(normalize.mean, np.float32)[:, None, None]
            out /= np.array(normalize.std, np.float32)[:, None, None]
    low, high = float(out.min()), float(out.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        assert normalize is not None
        raise DataError(
            "`normalize` gives values that are not finite in float32; "
            f"its means are {list(normalize.mean)} and its stds {list(normalize.std)}",
            option="normalize",
            help="give the mean and the deviation of the images",
        )
    pixels.take(low, high)
