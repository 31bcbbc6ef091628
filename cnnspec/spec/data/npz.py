"""NPZ: a file of the user."""

from __future__ import annotations

from typing import ClassVar

from cnnspec.spec.data.source import DataSource


class NPZ(DataSource):
    """A file of your own, written by numpy.savez.

    It holds `train_images`, `train_labels`, `test_images` and `test_labels`; or
    `images` and `labels`, of which every fifth image (sorted by class) is the test set.
    Images are (n, h, w) or (n, c, h, w), either uint8 (scaled to [0, 1]) or floats
    (taken as they are); labels are whole numbers from 0.
    """

    keyword: ClassVar[str] = "npz"

    path: str
    """The file, from the working directory."""
