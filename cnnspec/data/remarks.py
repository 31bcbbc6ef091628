"""What can be read and is perhaps not meant: pixels as they reach the network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from cnnspec.spec.data import DataSource
from cnnspec.spec.diagnostics import Diagnostic

LARGE = 32
"""Beyond what normalised images have; those of 0 to 255 that nobody scaled are."""

FLAT = 0.05
"""Less than images scaled to [0, 1] differ by; those that are scaled twice do."""


@dataclass
class Range:
    """The least and the greatest number of all images."""

    low: float = math.inf
    high: float = -math.inf

    def take(self, low: float, high: float) -> None:
        """Count some images in."""
        self.low, self.high = min(self.low, low), max(self.high, high)


def remarks(source: DataSource, pixels: Range) -> Iterator[Diagnostic]:
    """Doubt what would train badly, or is another thing than it seems."""
    path = ("data", source.keyword)
    numbers = f"from {pixels.low + 0.0:.4g} to {pixels.high + 0.0:.4g} as they reach the network"
    if max(-pixels.low, pixels.high) > LARGE:
        yield Diagnostic(
            "odd-pixels",
            f"the images of `{source.keyword}` go {numbers}, which trains badly",
            path,
            help="give `normalize` the mean and the deviation of the images"
            if source.normalize
            else "store uint8, which is scaled to [0, 1]; or divide by 255; or give `normalize`",
        )
    if pixels.high - pixels.low < FLAT:
        scaled = "(uint8 is divided by 255 before)"
        yield Diagnostic(
            "odd-pixels",
            f"the images of `{source.keyword}` go {numbers}: they hardly differ",
            path,
            help=f"give `normalize` the mean and the deviation of the scaled images {scaled}"
            if source.normalize
            else f"store floats, or uint8 from 0 to 255 {scaled}",
        )
