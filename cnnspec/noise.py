"""Noise: what layers draw in training. It is drawn once, in NumPy, and handed to every backend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnspec.plan import Plan
from cnnspec.randomness import stream

Masks = dict[str, NDArray[np.bool]]
"""By the layer's name: (n, *shape of its mask), True where a number is kept."""


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
        masks = Masks()
        for name, mask in self._drawn.items():
            random = stream(self._seed, "noise", name, step)
            drawn = random.random((global_size, *mask.shape))
            masks[name] = drawn[positions] >= mask.drops
        return masks
