"""Draw: options at random, for specs that nobody wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from cnnspec.spec.sizes import Pair

T = TypeVar("T")


class Draw:
    """Draws options from a stream of random numbers."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random

    def whole(self, least: int, most: int) -> int:
        """Draw a whole number."""
        return int(self._random.integers(least, most + 1))

    def real(self, least: float, most: float) -> float:
        """Draw a number."""
        return float(self._random.uniform(least, most))

    def one_of(self, options: Sequence[T]) -> T:
        """Draw one of several."""
        return options[self.whole(0, len(options) - 1)]

    def yes(self, share: float = 0.5) -> bool:
        """Draw True so often."""
        return self.real(0, 1) < share

    def sizes(self, least: int, most: Pair) -> Pair:
        """Draw a height and a width."""
        return self.whole(least, most[0]), self.whole(least, most[1])

    def share(self, most: float) -> float:
        """Draw a number from 0; 0 itself as often as not."""
        return 0.0 if self.yes() else self.real(0, most)

    def power(self, least: int, most: int) -> float:
        """Draw a number between two powers of ten, small ones as often as large ones."""
        return float(10 ** self.real(least, most))
