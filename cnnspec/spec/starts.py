"""What parameters and buffers start from: a layer states it, an initialization fills it in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Drawn:
    """A parameter that starts as the initialization of the spec says."""

    fan_in: int
    """Numbers of the input that one number of the output is made of."""
    is_bias: bool = False
    """It is added, and multiplies nothing."""


@dataclass(frozen=True)
class Constant:
    """The same number everywhere."""

    value: float


@dataclass(frozen=True)
class Uniform:
    """Numbers between -bound and bound, each as likely."""

    bound: float


@dataclass(frozen=True)
class Gaussian:
    """Numbers from a normal distribution around 0."""

    std: float


Start = Constant | Uniform | Gaussian
