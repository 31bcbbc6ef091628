"""Seeded random streams: one for each purpose, so that none disturbs another."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the generator that belongs to a seed and a purpose.

    The same arguments give the same stream, on every machine; another purpose gives
    an independent one: `stream(0, "weights", "conv1.weight")`.
    """
    words = [part if isinstance(part, int) else zlib.crc32(part.encode()) for part in purpose]
    return np.random.default_rng([seed, *words])
