"""Mask: what a layer draws at random in training."""

from __future__ import annotations

from typing import NamedTuple

from cnnspec.spec.sizes import Shape


class Mask(NamedTuple):
    """Numbers that are kept or dropped, drawn anew for each image of each training step."""

    shape: Shape
    """Of one image's mask; along an axis of 1, all numbers share one."""
    drops: float
    """The probability that a number is dropped, from 0 to below 1."""
