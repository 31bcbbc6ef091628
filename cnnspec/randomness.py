"""Seeded random streams: one for each purpose, so that none disturbs another."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the generator that belongs to a seed and a purpose.

    The same arguments give the same stream, on every machine; another purpose gives
    an independent one: `stream(0, "weights", "conv1.weight")`.
    """
    # numpy takes [1] and [1, 0] for the same seed, and [2**32] and [0, 1]: a digest of what is
    # written out is another number for anything that is written differently.
    digest = hashlib.sha256(repr((seed, *purpose)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest))
