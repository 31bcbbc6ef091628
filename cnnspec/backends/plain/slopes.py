"""Telling a derivative from a backward pass: it is not yet times the upstream gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import numpy as np

from cnnspec.backends.plain.errors import PlainClassError
from cnnspec.backends.plain.names import INPUTS
from cnnspec.trace import Array

STEP = 1e-6
"""Half the distance of two numbers whose outputs tell a slope."""

NEAR, MOST = 1e-4, 0.9
"""How near a slope must be, and at how many numbers: a function may have a kink at some."""

ENOUGH = 8
"""Images of which something can be told, though each is one number."""

DERIVATIVES = ("derivative", "derivate", "deriv", "derive", "prime")
"""Methods that can be nothing else."""

OF_A_FUNCTION = (*INPUTS, "z", "Z", "a", "A", "s", "t", "y", "out", "output", "val", "value")
"""Parameters of a derivative."""


class Slope(StrEnum):
    """What a derivative is given."""

    OF_INPUT = "input"
    OF_OUTPUT = "output"
    """That of a sigmoid is written y (1 - y)."""


def slope_in(
    forward: Callable[[Array], Any], derivative: Callable[[Array], Any], like: Array
) -> Slope | None:
    """Return what a function is the derivative of, told by numbers; None where it is none.

    `like` is an input; any number of images may come at once.
    """
    shape = (max(len(like), ENOUGH), *like.shape[1:])
    points = np.linspace(-2.1, 2.3, math.prod(shape)).reshape(shape)
    with np.errstate(all="ignore"):
        slopes = (forward(points + STEP) - forward(points - STEP)) / (2 * STEP)
        found = {
            Slope.OF_INPUT: np.asarray(derivative(points.copy())),
            Slope.OF_OUTPUT: np.asarray(derivative(np.array(forward(points)))),
        }
        for slope, values in found.items():
            if values.shape == np.shape(slopes) == points.shape:
                near = np.abs(values - slopes) <= NEAR * (1 + np.abs(slopes))
                if np.mean(near) >= MOST:
                    return slope
    return None


def times(grad: Array, derivative: Any, whose: str) -> Any:
    """Return a gradient times what a function gives as the derivative.

    Raises:
        PlainClassError: it gives nothing of that shape.
    """
    try:
        return grad * derivative
    except (TypeError, ValueError):
        found = type(derivative).__name__
        if isinstance(derivative, np.ndarray):
            found = f"an array of shape {list(derivative.shape)}"
        raise PlainClassError(f"{whose} returns {found}; wanted {list(grad.shape)}") from None
