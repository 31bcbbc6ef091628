"""Dataset: images and labels, ready to be fed to a network."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnspec.errors import DataError, DataWarning
from cnnspec.spec.data import DataSource
from cnnspec.spec.data.fits import classes_fit, images_fit

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

    source: DataSource | None = None
    """The section of the spec that it was read for."""

    def check_fits(self, shape: tuple[int, ...], classes: int) -> None:
        """Hold the images and labels against a network's input and logits.

        What fits, but perhaps not as it was meant, is warned of by a DataWarning.

        Raises:
            DataError: the network cannot be trained on this data.
        """
        found = self.train.images.shape[1:]
        labels = self.train.labels, self.test.labels
        if min(part.min() for part in labels) < 0:
            raise DataError(f"the data `{self.name}` has labels below 0", help="count from 0")
        wanted = 1 + int(max(part.max() for part in labels))
        for problem in (
            *images_fit(self.name, found, tuple(shape), self.source),
            *classes_fit(self.name, wanted, classes, ()),
        ):
            if problem.severity == "error":
                raise DataError(problem.message, help=problem.help)
            if self.source and not self.source.known.complete:  # else the spec's reader said so
                words = f"{problem.message}; {problem.help}"
                warnings.warn(words, DataWarning, stacklevel=1)  # one place: it is said once
