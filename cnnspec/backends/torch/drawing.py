"""Modules that draw in training, and are handed what was drawn."""

from __future__ import annotations

from torch import Tensor, nn


class Drawing(nn.Module):
    """A module that is given its mask for each training pass: it draws nothing itself."""

    mask: Tensor
    """(n, *shape of the mask), True where a number is kept. There is none outside of a pass."""
