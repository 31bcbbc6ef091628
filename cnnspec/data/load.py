"""load_data(): a `data` section -> a Dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnnspec.data.dataset import Dataset, Images, Split
from cnnspec.data.sources import READERS, Array, RawSplit, default_data_dir
from cnnspec.errors import DataError
from cnnspec.spec.data import DataSource, Normalize


def load_data(source: DataSource, data_dir: str | Path | None = None) -> Dataset:
    """Read, limit, scale and normalise the data of a spec.

    `data_dir` is the folder of the data sets; by default CNNSPEC_DATA, or `data`.
    Whole-number pixels are scaled to [0, 1], floats are taken as they are.

    Raises:
        DataError: the data cannot be read, or an option does not fit it.
    """
    raw = READERS[source.keyword](source, Path(data_dir) if data_dir else default_data_dir())
    parts = []
    for part, split, limit in (
        ("train", raw.train, source.train_samples),
        ("test", raw.test, source.test_samples),
    ):
        available = len(split.labels)
        if limit is not None and limit > available:
            raise DataError(
                f"`{part}_samples` is {limit}, but `{source.keyword}` has {available} "
                f"{part} images; ask for at most that many, or leave it out"
            )
        parts.append(_prepare(split, limit, raw.white, source.normalize))
    return Dataset(source.keyword, *parts)


def _prepare(
    split: RawSplit, limit: int | None, white: float, normalize: Normalize | None
) -> Split:
    images = _scaled(split.images[:limit], white)
    if normalize is not None:
        channels = images.shape[1]
        if len(normalize.mean) != channels:
            raise DataError(
                f"`normalize` has {len(normalize.mean)} means, but the images have {channels} "
                "channels; give one mean and one std for each"
            )
        with np.errstate(all="ignore"):
            images -= np.array(normalize.mean, np.float32)[:, None, None]
            images /= np.array(normalize.std, np.float32)[:, None, None]
        if not np.all(np.isfinite(images)):
            raise DataError(
                "`normalize` gives values that are not finite in float32; "
                f"its means are {list(normalize.mean)} and its stds {list(normalize.std)}"
            )
    return Split(images, split.labels[:limit].astype(np.int64))


def _scaled(pixels: Array, white: float) -> Images:
    images = pixels.astype(np.float32)
    images /= np.float32(white)
    return images[:, None] if images.ndim == 3 else images
