"""Dataset: images and labels, ready to be fed to a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnspec.errors import DataError

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Images (n, c, h, w) in float32 and their labels (n,)."""

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """What a network learns from, and what it is tested on."""

    name: str
    train: Split
    test: Split

    def check_fits(self, shape: tuple[int, ...], classes: int) -> None:
        """Hold the images and labels against a network's input and logits.

        Raises:
            DataError: the network cannot be trained on this data.
        """
        found = self.train.images.shape[1:]
        if found != tuple(shape):
            if len(shape) == 3 and (found[2], found[0], found[1]) == tuple(shape):
                raise channels_last(f"the data `{self.name}`", found)
            raise DataError(
                f"the data `{self.name}` has images of {list(found)}, but the spec's input is "
                f"{list(shape)}; write `input: {list(found)}`"
            )
        if min(self.train.labels.min(), self.test.labels.min()) < 0:
            raise DataError(f"the data `{self.name}` has labels below 0")
        wanted = int(max(self.train.labels.max(), self.test.labels.max())) + 1
        if classes < wanted:
            raise DataError(
                f"the data `{self.name}` has labels up to {wanted - 1}, but the network gives "
                f"{classes} logits; end with `linear: {{out_features: {wanted}}}`"
            )


def channels_last(what: str, shape: tuple[int, ...]) -> DataError:
    """Say that images seem to be stored as (n, h, w, c)."""
    return DataError(
        f"{what} has images of {list(shape)}, which looks like height, width, channels; "
        "wanted channels first: store images.transpose(0, 3, 1, 2)"
    )
