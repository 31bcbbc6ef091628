"""Modules that keep and drop numbers in training, by a mask that they are given."""

from __future__ import annotations

from torch import Tensor, nn


class Masked(nn.Module):
    """A module that is given its mask for each training pass: it draws nothing itself."""

    mask: Tensor
    """(n, *shape of the mask), True where a number is kept. There is none outside of a pass."""
