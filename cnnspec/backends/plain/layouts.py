"""How the arrays of a batch lie before a class: as ours, in another order, or one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from cnnspec.backends.plain.errors import UnsupportedSettingError
from cnnspec.spec.layers import Layer
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

Turn = Callable[[Array], Array]


class Layout(NamedTuple):
    """What differs from batches of (n, c, h, w) and (n, features)."""

    one_by_one: bool = False
    channels_last: bool = False
    gray: bool = False
    """Images have one channel, and no axis for it."""
    columns: bool = False
    """Features are columns: of a batch (features, n), of one (features, 1)."""
    rows: bool = False
    """Features of one are a row (1, features)."""
    of_features: bool = False
    """Whether it says how features lie; images are as they are, or come one by one."""


USUAL = "nchw"
"""The layout where none is said."""

LAYOUTS: Mapping[str, Layout] = {
    "nchw": Layout(),
    "nhwc": Layout(channels_last=True),
    "chw": Layout(one_by_one=True),
    "hwc": Layout(one_by_one=True, channels_last=True),
    "nhw": Layout(gray=True),
    "hw": Layout(one_by_one=True, gray=True),
    "columns": Layout(columns=True, of_features=True),
    "column": Layout(one_by_one=True, columns=True, of_features=True),
    "row": Layout(one_by_one=True, rows=True, of_features=True),
    "vector": Layout(one_by_one=True, of_features=True),
}
"""Images as (n, c, h, w) or (n, h, w, c), or one by one as (c, h, w) or (h, w, c); gray ones as
(n, h, w) or (h, w); features as (features, n), or one by one as (features, 1), (1, features) or
(features,)."""

ONE_BY_ONE = tuple(name for name, how in LAYOUTS.items() if how.one_by_one)
CHANNELS_LAST = tuple(name for name, how in LAYOUTS.items() if how.channels_last)


def layouts_of(input: Shape, output: Shape) -> list[str]:
    """Return the layouts in which arrays of these shapes lie each in a way of its own."""
    images = [name for name, how in LAYOUTS.items() if not how.of_features]
    features = [name for name, how in LAYOUTS.items() if how.of_features]
    if len(input) == 3:
        return images if len(output) == 3 else [*images, *features]
    return [USUAL, *features]


def shape_of_one(input: Shape, layout: str) -> Shape:
    """Return the shape of one image, or of its features, as the class has it."""
    how = LAYOUTS[layout]
    if len(input) != 3:
        if how.rows:
            return 1, *input
        return (*input, 1) if how.columns and how.one_by_one else input
    if how.gray:
        return input[1:]
    return (*input[1:], input[0]) if how.channels_last else input


class Arrangement:
    """Turns the arrays of one layer to its class and back; what came out last is remembered."""

    def __init__(self, layout: str, layer: Layer, input: Shape) -> None:
        """Raise UnsupportedSettingError where nothing of this shape lies so."""
        self._how, self._layer = LAYOUTS[layout], layer
        self._input, self._output = input, layer.output_shape(input)
        if self._how.gray and (len(input) != 3 or input[0] != 1):
            what = "images" if len(input) == 3 else "features"
            raise UnsupportedSettingError(f"--layout {layout} is of gray images", lacks=what)
        self._put: Turn = _as_it_is
        self.note = ""
        """What was taken for granted of the output."""

    @property
    def one_by_one(self) -> bool:
        """Whether the class is given one of a batch at a time."""
        return self._how.one_by_one

    def to_class(self, x: Array) -> Array:
        """Return an input as the class has it: a view, so that changes are seen."""
        self._x, self._given = x, self._turn_of_input(x)
        return self._given

    def _turn_of_input(self, x: Array) -> Array:
        how = self._how
        if len(self._input) == 3:
            if how.gray:
                return x[..., 0, :, :]
            return np.moveaxis(x, -3, -1) if how.channels_last else x
        if how.rows:
            return x[None]
        if not how.columns or len(self._input) != 1:
            return x
        return x[:, None] if how.one_by_one else x.T

    def grad_input(self, array: Array) -> Array:
        """Return the gradient of the input in our order."""
        read, _ = self._ways(array, self._input)
        return np.ascontiguousarray(read(array))

    def output(self, array: Array) -> Array:
        """Return an output in our order."""
        read, self._put = self._ways(array, self._output)
        if self._layer.only_reshapes and self._keeps_its_order(array):
            read, self._put = self._from_last, self._to_last
            self.note = (
                "the order height, width, channels is taken for right, as images lie so: the "
                "weights of the next layer lie otherwise than torch's"
            )
        elif self._layer.of_one_cell and array.shape == self._lead(array) + self._output[:1]:
            read, self._put = _with_cell, _without_cell
            self.note = "its output has no axes for height and width, which have one cell"
        return np.ascontiguousarray(read(array))

    def upstream(self, grad_output: Array) -> Array:
        """Return an upstream gradient as the output of the class lay."""
        return self._put(grad_output)

    def _lead(self, array: Array) -> Shape:
        """Return the axis of the images; nothing for one of them."""
        return () if self.one_by_one else array.shape[:1]

    def _ways(self, array: Array, ours: Shape) -> tuple[Turn, Turn]:
        """Return how an array of a class is read, and how one is put as that lies."""
        how, axes = self._how, array.ndim - len(self._lead(array))
        if len(ours) == 3:
            if how.gray and axes == 2:
                return _with_channel, _without_channel
            if axes == 3 and (how.channels_last or (how.gray and self._is_last(array, ours))):
                return _channels_first, _channels_last
        elif how.rows and array.ndim == 2:
            return _from_row, _to_row
        elif how.columns and array.ndim == 2:
            return (_from_column, _to_column) if how.one_by_one else (np.transpose, np.transpose)
        return _as_it_is, _as_it_is

    def _is_last(self, array: Array, ours: Shape) -> bool:
        """Tell whether filters come last, as they do if nothing says otherwise."""
        theirs = array.shape[len(self._lead(array)) :]
        return theirs != ours or theirs == (*ours[1:], ours[0])

    def _keeps_its_order(self, array: Array) -> bool:
        """Tell whether what lies with the channels last is flattened as it lies."""
        flat = (*self._lead(array), -1)
        return (
            self._how.channels_last
            and len(self._input) == 3
            and np.array_equal(array, self._given.reshape(flat))
            and not np.array_equal(array, self._x.reshape(flat))
        )

    def _from_last(self, array: Array) -> Array:
        channels, height, width = self._x.shape[-3:]
        lead = self._lead(array)
        return _channels_first(array.reshape(*lead, height, width, channels)).reshape(*lead, -1)

    def _to_last(self, array: Array) -> Array:
        lead = self._lead(array)
        return _channels_last(array.reshape(*lead, *self._x.shape[-3:])).reshape(*lead, -1)


def _as_it_is(array: Array) -> Array:
    return array


def _channels_last(array: Array) -> Array:
    return np.moveaxis(array, -3, -1)


def _channels_first(array: Array) -> Array:
    return np.moveaxis(array, -1, -3)


def _with_channel(array: Array) -> Array:
    return array[..., None, :, :]


def _without_channel(array: Array) -> Array:
    return array[..., 0, :, :]


def _with_cell(array: Array) -> Array:
    return array[..., None, None]


def _without_cell(array: Array) -> Array:
    return array[..., 0, 0]


def _from_column(array: Array) -> Array:
    return array[:, 0] if array.shape[1] == 1 else array


def _to_column(array: Array) -> Array:
    return array[:, None]


def _from_row(array: Array) -> Array:
    return array[0] if len(array) == 1 else array


def _to_row(array: Array) -> Array:
    return array[None]
