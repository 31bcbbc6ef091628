"""An instance with its weights in place, whenever its class makes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, product
from typing import Any

import numpy as np

from cnnspec.backends.plain.alike import alike
from cnnspec.backends.plain.arrays import arrays_of, find, find_or_none, is_empty
from cnnspec.backends.plain.calls import Calls
from cnnspec.backends.plain.construction import Construction, Made, required_options
from cnnspec.backends.plain.errors import UnsupportedSettingError
from cnnspec.backends.plain.forms import AXES, axes_between
from cnnspec.backends.plain.hints import Hints
from cnnspec.backends.plain.layouts import (
    CHANNELS_LAST,
    LAYOUTS,
    ONE_BY_ONE,
    Arrangement,
    shape_of_one,
)
from cnnspec.backends.plain.methods import parameters_of
from cnnspec.backends.plain.names import ARRAYS, BUILD, INPUT_SHAPE, TELLS_SHAPE
from cnnspec.backends.plain.neutral import beside, values_for
from cnnspec.backends.plain.reading import Handed
from cnnspec.backends.plain.signature import REQUIRED
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape
from cnnspec.spec.starts import Constant
from cnnspec.trace import Array

VECTOR: Shape = (-1,)
BIASES: tuple[Shape, ...] = (VECTOR, (1, -1), (-1, 1), (1, 1, 1, -1), (1, -1, 1, 1))
"""How people shape a bias: -1 stands for its numbers."""

EXAMPLE: Shape = (2, 5, 6)
"""Channels, height and width of images in which every size is another, and features."""


def build(how: Construction, layer: SpecLayer, input: Shape) -> Made:
    """Make an instance and see that it has its weights: handed over, built or made in forward.

    Raises:
        UnsupportedSettingError: an option that matters has no parameter in the class.
        PlainClassError: it wants what no option is.
    """
    try:
        return _built(how, layer, input)
    except UnsupportedSettingError as error:
        # It cannot be told to leave an array out: it may have none such anyway.
        option = error.lacks
        if option not in ARRAYS or getattr(layer, option, True) is not False:
            raise
        anyway = replace(how, hints=replace(how.hints, built_in=frozenset({option})))
        made = _built(anyway, layer, input)
        if find_or_none(made.instance, option, how.hints.names):
            raise
        return made


def _built(how: Construction, layer: SpecLayer, input: Shape) -> Made:
    axes, bias = None, VECTOR
    if Handed("weight") in how.reading.meanings.values():
        axes, bias = _handed(how, layer, input)
    made = how.of(layer, input, _start(layer, input, axes, bias))
    if not _has_weights(made.instance, layer, input, how.hints):
        _make_weights(made.instance, layer, input, how.hints)
        return made._replace(
            held=made.held or _kept_in_passes(made.instance, layer, input, how.hints)
        )
    return made


def weight_axes(
    how: Construction, layer: SpecLayer, own: Shape, input: Shape
) -> tuple[int, ...] | None:
    """Return how a class orders the axes of its weights; `own` is the shape that an instance has.

    It is seen on sizes that are all different, unless the class refuses those.
    """
    if (found := _example(layer, input, how.hints)) is not None:
        example, images = found
        try:
            made = build(how, example, images)
            shape = np.shape(find(made.instance, "weight", how.hints.names, made.held).get())
        except Exception:  # a class may be made for some sizes only
            shape = None
        wanted = example.parameters(images)["weight"]
        if shape is not None and (axes := axes_between(wanted, shape, how.hints.layout)):
            return axes
    return axes_between(layer.parameters(input)["weight"], own, how.hints.layout)


def different_sizes(layer: SpecLayer, input: Shape, hints: Hints) -> tuple[SpecLayer, Shape]:
    """Return a layer of that kind, and what it receives, in which every size is another."""
    sizes = zip(required_options(layer), count(EXAMPLE[0] + 1))
    first = (1,) if LAYOUTS[hints.layout].gray else EXAMPLE[:1]
    example = type(layer).model_validate({**dict(sizes), **hints.values})
    return example, (*first, *EXAMPLE[1 : len(input)])


def _example(layer: SpecLayer, input: Shape, hints: Hints) -> tuple[SpecLayer, Shape] | None:
    """Return different sizes; None where its weights have one axis alone, or none."""
    example, images = different_sizes(layer, input, hints)
    alike = len(example.parameters(images).get("weight", ()))
    return (
        (example, images) if len(layer.parameters(input).get("weight", ())) == alike > 1 else None
    )


def _start(
    layer: SpecLayer, input: Shape, axes: tuple[int, ...] | None, bias: Shape
) -> dict[str, Array]:
    """Return arrays that a constructor may want: zeros, and ones for what is multiplied."""
    shapes = layer.parameters(input) | layer.buffers(input)
    numbers = {
        name: start.value
        for name, start in layer.starts(input).items()
        if isinstance(start, Constant)
    }
    arrays = {name: np.full(shape, numbers.get(name, 0.0)) for name, shape in shapes.items()}
    if axes is not None:
        arrays["weight"] = np.ascontiguousarray(arrays["weight"].transpose(axes))
    if "bias" in arrays:
        arrays["bias"] = arrays["bias"].reshape(bias)
    return arrays


def _handed(
    how: Construction, layer: SpecLayer, input: Shape
) -> tuple[tuple[int, ...] | None, Shape]:
    """Return the axes of the weight and of the bias with which a forward pass works.

    It is tried on different sizes.
    """
    found = _example(layer, input, how.hints)
    if found is None:
        return None, VECTOR
    example, images = found
    output = example.output_shape(images)
    family = "nhwc" if how.hints.layout in CHANNELS_LAST else "nchw"
    orders = AXES[family, len(example.parameters(images)["weight"])]
    for bias, axes in product(BIASES, orders):
        try:
            made = how.of(example, images, _start(example, images, axes, bias))
            if trial(made.instance, example, images, how.hints).shape[-len(output) :] == output:
                return axes, bias
        except Exception:  # so it cannot be computed
            continue
    return None, VECTOR


def _has_weights(instance: Any, layer: SpecLayer, input: Shape, hints: Hints) -> bool:
    """Tell whether it has its parameters, and no buffer that the first pass has yet to make."""
    return all(
        find_or_none(instance, name, hints.names) for name in layer.parameters(input)
    ) and not any(is_empty(instance, name, hints.names) for name in layer.buffers(input))


def _kept_in_passes(instance: Any, layer: SpecLayer, input: Shape, hints: Hints) -> tuple[str, ...]:
    """Return the names of the arrays that no forward pass changes: no cache, but weights."""
    before = {name: array.copy() for name, array in arrays_of(instance).items()}
    try:
        trial(instance, layer, input, hints, images=3)
    except Exception:  # the first real pass tells it
        return ()
    return tuple(
        name
        for name, array in arrays_of(instance).items()
        if name in before and np.array_equal(array, before[name])
    )


def _make_weights(instance: Any, layer: SpecLayer, input: Shape, hints: Hints) -> None:
    """Let an instance make its weights: by its `build`, or by a forward pass.

    What goes wrong here is told by the search for the weights, or by the first real pass.
    """
    own = [word for word in dir(instance) if not word.startswith("__")]
    found = (alike((word,), own) for word in BUILD)
    builds = [getattr(instance, word) for word in found if word is not None]
    for method in [each for each in builds if callable(each)][:1]:
        for shape in _shapes(input, hints.layout):
            try:
                _build(instance, method, shape)
                trial(instance, layer, input, hints)
            except Exception:  # another way to say a shape
                continue
            if _has_weights(instance, layer, input, hints):
                return
    try:
        trial(instance, layer, input, hints)
    except Exception:
        return


def _build(instance: Any, method: Callable[..., Any], shape: Any) -> None:
    """Let a method make the weights for a shape; one that takes none is told it before."""
    wanted = [word for word, each in parameters_of(method).items() if each.default is REQUIRED]
    sizes = [word for word in wanted if not beside(word)]
    if not sizes:
        tells = next((getattr(instance, each, None) for each in TELLS_SHAPE), None)
        if callable(tells):
            tells(shape)
        elif getattr(instance, INPUT_SHAPE, shape) is None:
            setattr(instance, INPUT_SHAPE, shape)
    given = {word: values_for(word, REQUIRED)[0] for word in wanted if word not in sizes}
    method(**given, **dict.fromkeys(sizes[:1], shape))


def _shapes(input: Shape, layout: str) -> Iterator[Any]:
    """Yield the shape of an input as a `build` may want it: of a batch, of one, or its width.

    The size of the batch is None, so that nobody takes it for another size.
    """
    one = shape_of_one(input, layout)
    if layout not in ONE_BY_ONE:
        yield (*one, None) if layout == "columns" else (None, *one)
    yield one
    yield math.prod(one)


def trial(instance: Any, layer: SpecLayer, input: Shape, hints: Hints, images: int = 2) -> Array:
    """Run a forward pass on any numbers, and return the output in our order."""
    x = np.linspace(-1, images, images * math.prod(input)).reshape(images, *input)
    lies = Arrangement(hints.layout, layer, input)
    given = lies.to_class(x[0] if lies.one_by_one else x)
    return lies.output(Calls(instance, hints.names).forward(given, training=True))
