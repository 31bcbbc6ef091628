"""Random specs without a fault: layers, sizes, options and optimizers of every kind."""

from __future__ import annotations

import math
from collections.abc import Callable

from cnnspec.compare.planted import LAYERS, OPTIMIZERS
from cnnspec.compare.planted.draw import Draw
from cnnspec.errors import ShapeError
from cnnspec.randomness import stream
from cnnspec.spec.layers import KINDS, AnyLayer, Flatten, Linear
from cnnspec.spec.layers.layer import is_image
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Training

MOST_NUMBERS = 4 * 8 * 8
"""Of what a layer gives for one image: as many as the largest image has."""

Fits = Callable[[AnyLayer, Shape, Shape], bool]
"""Whether a layer is wanted, from what it takes and what it gives."""


def is_small(layer: AnyLayer, input: Shape, output: Shape) -> bool:
    """Tell whether a layer gives no more numbers than the largest image has."""
    return math.prod(output) <= MOST_NUMBERS


def random_spec(seed: int, number: int) -> ModelSpec:
    """Return one of endlessly many random specs; the same arguments give the same one."""
    draw = Draw(stream(seed, "random spec", number))
    images = draw.whole(1, 4), draw.whole(1, 8), draw.whole(1, 8)
    layers = drawn_layers(draw, images)
    layers.append(Linear(out_features=draw.whole(2, 8), bias=draw.yes()))
    training = Training(
        batch_size=draw.whole(2, 12),
        optimizer=draw.one_of([*OPTIMIZERS.values()]).drawn(draw),
        seed=draw.whole(0, 2**31),
    )
    return ModelSpec(name=f"random-{number}", input=images, layers=layers, training=training)


def drawn_layers(draw: Draw, images: Shape, fits: Fits = is_small) -> list[AnyLayer]:
    """Draw layers over images, and over features; one that does not fit is left out."""
    shape, layers = images, []

    def add(layer: AnyLayer | None) -> None:
        nonlocal shape
        if layer is None:
            return
        try:
            output = layer.output_shape(shape)
        except ShapeError:
            return
        if fits(layer, shape, output):
            layers.append(layer)
            shape = output

    for _ in range(draw.whole(0, 5)):
        add(drawn_layer(draw, shape))
    add(Flatten())
    for _ in range(draw.whole(0, 3)):
        add(drawn_layer(draw, shape))
    return layers


def drawn_layer(draw: Draw, input: Shape) -> AnyLayer | None:
    """Draw a layer of any kind that takes such an input; it may not fit."""
    sort = "images" if is_image(input) else "features"
    families = [
        family.drawn
        for family in LAYERS.values()
        if family.drawn and KINDS[family.kind].takes in (None, sort)
        for _ in range(family.often)
    ]
    return draw.one_of(families)(draw, input)
