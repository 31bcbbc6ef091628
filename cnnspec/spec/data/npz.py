"""NPZ: arrays of the user's own."""

from __future__ import annotations

from typing import ClassVar, Literal

from cnnspec.spec.data.source import DataSource
from cnnspec.spec.field_words import answers
from cnnspec.spec.kind_words import Words
from cnnspec.spec.sizes import Shape

Layout = Literal["nchw", "nhwc", "nhw"]
COLOURS = (1, 3, 4)
"""Channels that pictures have."""


class NPZ(DataSource):
    """A file of your own, written by numpy.savez.

    It holds `train_images`, `train_labels`, `test_images` and `test_labels`; or
    `images` and `labels`, of which every fifth image (sorted by class) is the test set;
    or arrays of other names, which are written here. Images are (n, c, h, w) or (n, h, w),
    or (n, h, w, c) with `layout: nhwc`; uint8 is scaled to [0, 1], floats of any precision
    are taken as they are; labels are whole numbers from 0.
    """

    keyword: ClassVar[str] = "npz"
    words: ClassVar[Words] = Words(
        answers=answers("path file filename", "a file of your own is `npz: {{path: my.npz}}`"),
        guesses={"path": "file"},
        values={
            "layout": {
                **{"channels_first": "nchw", "chw": "nchw", "nchw": "nchw"},
                **{"channels_last": "nhwc", "hwc": "nhwc", "nhwc": "nhwc"},
                **{"hw": "nhw", "nhw": "nhw"},
            }
        },
        examples={"path": "images.npz"},
    )

    path: str
    """The file, from the working directory."""
    images: str | None = None
    """Name of the array of images, as in `x` or `x_train`."""
    labels: str | None = None
    """Name of the array of their labels, as in `y` or `y_train`."""
    test_images: str | None = None
    """Name of the array of images to test on; without one, every fifth image is tested."""
    test_labels: str | None = None
    """Name of the array of labels of the images to test on."""
    layout: Layout | None = None
    """Order of the axes: n images, c channels, h height, w width. By default `nchw` or `nhw`."""

    def relayout(self, found: Shape, wanted: Shape) -> str:
        """Say which `layout` the images have where they would fit with another one."""
        first, second, third = found
        if self.layout == "nhwc" and (second, third, first) == wanted:
            return "write `layout: nchw` in `data.npz`: channels come first in the file"
        if self.layout != "nhwc" and (third, first, second) == wanted:
            return "write `layout: nhwc` in `data.npz`: channels come last in the file"
        return ""

    def doubt(self, found: Shape) -> str:
        """Doubt images of few columns and many channels, unless a layout is written."""
        if self.layout or found[2] not in COLOURS or found[0] in COLOURS:
            return ""
        return "write `layout: nhwc` in `data.npz` if channels come last, else `layout: nchw`"
