"""Moment: a point of a training to which one can go back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cnnspec.backends.network import Network
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
    live: Mapping[str, Network] = field(default_factory=dict)
    """The networks that are in training, by their sides: what they keep to themselves, too, is
    part of the moment."""
