"""Noise: what layers draw in training. It is drawn once, in NumPy, and handed to every backend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cnnspec.plan import Plan
from cnnspec.randomness import stream

Masks = Mapping[str, NDArray[np.bool]]
"""By the layer's name: (n, *shape of its mask), True where a number is kept."""

NO_MASKS: Masks = MappingProxyType({})

WORDS = 1 << 32
"""Values of the random whole number that decides about one number."""


class Noise:
    """The masks of a training, by the seed of which they are drawn.

    A mask hangs on the seed, the layer, the step and the image's position in the global batch.
    So it is the same on every backend, in either precision, and for every way of sharing a batch.
    """

    def __init__(self, plan: Plan, seed: int) -> None:
        self._seed = seed
        self._drawn = {at.name: at.mask for at in plan.layers if at.mask}

    def masks(self, step: int, positions: NDArray[np.integer], global_size: int) -> Masks:
        """Draw the masks of a step, for images at some positions of the global batch.

        They are drawn for the whole batch, and cut out of it.
        """
        masks = {}
        for name, mask in self._drawn.items():
            random = stream(self._seed, "noise", name, step)
            drawn = _kept((*mask.shape, global_size), mask.drops, random)
            if not np.array_equal(positions, np.arange(global_size)):
                drawn = np.take(drawn, positions, axis=-1)
            masks[name] = np.moveaxis(drawn, -1, 0)
        return masks


def _kept(shape: tuple[int, ...], drops: float, random: np.random.Generator) -> NDArray[np.bool]:
    """Draw which numbers are kept, where one is dropped with a probability.

    The batch is the last axis, as in the fast engine: it need not transpose a mask.
    """
    size = math.prod(shape)
    raw = random.bit_generator.random_raw((size + 1) // 2)  # 64 bits each
    words = raw.astype("<u8", copy=False).view("<u4")[:size]
    return np.asarray(words >= min(round(drops * WORDS), WORDS - 1)).reshape(shape)
