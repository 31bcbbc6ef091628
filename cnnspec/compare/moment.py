"""Moment: a point of a training to which one can go back."""

from __future__ import annotations

from dataclasses import dataclass

from cnnspec.data import Split
from cnnspec.trace import State


@dataclass(frozen=True)
class Moment:
    """The state of a network before a step, and the images of that step."""

    step: int
    """From 1."""
    weights: State
    slots: State
    batch: Split
