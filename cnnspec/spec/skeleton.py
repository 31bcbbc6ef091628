"""What a class by hand looks like before anybody has written it: each kind's room says its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Made(NamedTuple):
    """An array that the constructor makes."""

    shape: str
    """In the words of the constructor."""
    start: str
    """The code that makes it; `rng` draws numbers."""


@dataclass(frozen=True)
class Skeleton:
    """The parameters of a constructor, and the arrays of a class."""

    formula: str = ""
    """What the class computes; by default, what the kind says of itself."""
    options: tuple[str, ...] = ()
    """The options of the kind that the constructor takes, those without a default first."""
    said: Mapping[str, str] = field(default_factory=dict)
    """What one of these is, where that is less than what the kind says of it."""
    pairs: tuple[str, ...] = ()
    """Of these, those that may be one whole number or a pair for height and width."""
    instead: Mapping[str, str] = field(default_factory=dict)
    """Of these, what stands for one that is None."""
    x: str = "(n, ...)"
    output: str = "as x"
    arrays: Mapping[str, Made] = field(default_factory=dict)
    """Parameters, and what else is kept; a bias is None where there is an option against it."""
    running: tuple[str, ...] = ()
    """Arrays that are no parameters, and have no gradient."""
    in_training: str = ""
    """What `training` changes, where `forward` is told of it."""
