"""The right numbers in another order, another shape, or another place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations, permutations

import numpy as np

from cnnspec.compare.causes.shapes import show_shape
from cnnspec.compare.faults.directions import DIRECTIONS
from cnnspec.compare.faults.fault import Fault, LayerSituation, Observation, Prediction, transformed
from cnnspec.compare.kinds import LAYERS
from cnnspec.numerics.budget import Exact

Observed = Observation[LayerSituation]
Transform = Callable[[Exact], Exact]

SPACE = {("height", "width"), ("kernel height", "kernel width")}
"""What the last two axes are, where numbers may be moved and turned in space."""

CODES = {
    ("kernel height", "kernel width"): "flipped-kernel",
    ("height", "width"): "turned",
    ("images",): "images-reversed",
    ("channels",): "channels-reversed",
}
SWAPPED = {
    ("height", "width"): "height-width-swapped",
    ("kernel height", "kernel width"): "height-width-swapped",
    ("filters", "input channels"): "channels-swapped",
}


def other_layouts(observations: list[Observed]) -> Iterator[Fault[LayerSituation]]:
    """Suppose the right numbers in another order or shape."""
    first = observations[0]
    if first.found.size == first.wanted.size and first.found.shape != first.wanted.shape:
        yield _reshaped(observations)
    yield from reordered(first)
    at = first.situation.at
    axes = LAYERS[at.kind].axes(at, first.quantity)
    if axes[-2:] in SPACE:
        yield from _shifted()
    yield from _misread(axes)


def reordered(first: Observed) -> Iterator[Fault[LayerSituation]]:
    """Suppose an order in which one axis runs backwards, or two are swapped."""
    axes = LAYERS[first.situation.at.kind].axes(first.situation.at, first.quantity)
    yield from _reversed(axes)
    yield from _swapped(axes)


def _moved(code: str, sentence: str, transform: Transform) -> Fault[LayerSituation]:
    def predict(observation: Observed) -> Prediction:
        return transformed(observation, transform)

    return Fault(code, (), sentence, predict)


def _reshaped(observations: list[Observed]) -> Fault[LayerSituation]:
    first = observations[0]
    sentence = (
        f"the numbers are right, and their shape is not: {show_shape(first.found)}; wanted "
        f"{show_shape(first.wanted)}"
    )

    def predict(observation: Observed) -> Prediction | None:
        if observation.found.size != observation.wanted.size:
            return None
        return transformed(observation, lambda array: array.reshape(observation.found.shape))

    return Fault("shape", (), sentence, predict)


def _reversed(axes: tuple[str, ...]) -> Iterator[Fault[LayerSituation]]:
    """Suppose an axis that runs backwards, or both axes of space."""
    space = [axes[-2:]] if axes[-2:] in SPACE else []
    for names in [*space, *((name,) for name in axes)]:
        which = tuple(axes.index(name) for name in names)
        sentence = f"the numbers are in reversed order along the {' and the '.join(names)}"
        if names == ("kernel height", "kernel width"):
            sentence += ": this is a true convolution, and a correlation is wanted"
        yield _moved(CODES.get(names, "axis-reversed"), sentence, partial(np.flip, axis=which))


def _swapped(axes: tuple[str, ...]) -> Iterator[Fault[LayerSituation]]:
    for one, other in combinations(range(len(axes)), 2):
        names = (axes[one], axes[other])
        sentence = f"{names[0]} and {names[1]} are swapped"
        if len(axes) == 2:
            sentence = "the array is transposed"
        yield _moved(
            SWAPPED.get(names, "transposed"),
            sentence,
            partial(np.swapaxes, axis1=one, axis2=other),
        )


def _shifted() -> Iterator[Fault[LayerSituation]]:
    """Suppose a shift in space by one cell, with zeros or the other edge's cells moving in."""
    for (down, right), words in DIRECTIONS.items():
        yield _moved(
            "shifted",
            f"the numbers are moved by one cell {words}, and zeros move in",
            partial(_shift, down=down, right=right),
        )
        yield _moved(
            "rolled",
            f"the numbers are moved by one cell {words}, round the edges",
            partial(np.roll, shift=(down, right), axis=(-2, -1)),
        )


def _shift(array: Exact, down: int, right: int) -> Exact:
    moved = np.roll(array, (down, right), (-2, -1))
    for axis, by in ((-2, down), (-1, right)):
        edge = [slice(None)] * array.ndim
        edge[axis] = slice(0, by) if by > 0 else slice(array.shape[axis] + by, None)
        if by:
            moved[tuple(edge)] = 0
    return moved


def _misread(axes: tuple[str, ...]) -> Iterator[Fault[LayerSituation]]:
    """Suppose numbers in the right shape that were laid out, or are read, in another order.

    This is what `reshape` does where `transpose` is wanted.
    """
    for order in list(permutations(range(len(axes))))[1:]:
        names = ", ".join(axes[axis] for axis in order)
        if order == (0, 2, 3, 1):
            names += " (channels last)"
        elif order == tuple(range(len(axes)))[::-1]:
            names += " (column by column)"
        yield _moved(
            "misread-layout",
            f"the numbers are laid out in the order {names}",
            partial(_laid_out, order=order),
        )
        yield _moved(
            "misread-layout",
            f"the numbers are read in the order {names}",
            partial(_read, order=order),
        )


def _laid_out(array: Exact, order: tuple[int, ...]) -> Exact:
    return array.transpose(order).reshape(array.shape)


def _read(array: Exact, order: tuple[int, ...]) -> Exact:
    """Take an array for one whose axes are laid out in another order."""
    shape = [array.shape[axis] for axis in order]
    return array.reshape(shape).transpose(np.argsort(order))
