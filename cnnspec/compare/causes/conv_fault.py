"""A fault of a convolution or linear layer: a change of the problem that it solves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from cnnspec.compare.budget import Exact
from cnnspec.compare.causes.convolution import Convolution

Change = Callable[[Convolution], Convolution | None]

GRADIENTS = ("grad_input", "grad_weight", "grad_bias")
OF_PLACES = ("output", "grad_input", "grad_weight")
OF_WEIGHT = ("output", "grad_input")


@dataclass(frozen=True)
class Fault:
    """A change of the problem, and the quantities in which people make it."""

    code: str
    sentence: str
    change: Change
    """None where it is not possible."""
    quantities: tuple[str, ...]


def weight_change(change: Callable[[Exact], Exact]) -> Change:
    """Change the weight, where it keeps its shape."""

    def changed(problem: Convolution) -> Convolution | None:
        weight = change(problem.weight)
        if weight.shape != problem.weight.shape:
            return None
        return replace(problem, weight=weight)

    return changed


def only(axis: int, index: slice, name: Literal["x", "grad_output"]) -> Change:
    """Put zeros in place of all but some images, channels or windows."""

    def changed(problem: Convolution) -> Convolution:
        array = getattr(problem, name)
        kept = np.zeros_like(array)
        at = (slice(None),) * axis + (index,)
        kept[at] = array[at]
        return replace(problem, **{name: kept})

    return changed


def both(one: Change, other: Change) -> Change:
    """Make one change after the other."""

    def changed(problem: Convolution) -> Convolution | None:
        after = one(problem)
        return None if after is None else other(after)

    return changed


FIRST, LAST = slice(0, 1), slice(-1, None)
BUT_FIRST, BUT_LAST = slice(1, None), slice(None, -1)
