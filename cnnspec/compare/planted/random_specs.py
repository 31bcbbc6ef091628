"""Random specs without a fault: layers and blocks, sizes, options and optimizers of every kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from cnnspec.compare.planted import BLOCKS, LAYERS, OPTIMIZERS
from cnnspec.compare.planted.branches import Entries
from cnnspec.compare.planted.draw import Draw
from cnnspec.randomness import stream
from cnnspec.spec.composites import AnyEntry, Parallel
from cnnspec.spec.composites.fitting import projection
from cnnspec.spec.layers import KINDS, AnyLayer, Flatten, Layer, Linear
from cnnspec.spec.layers.layer import is_image
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.shapes import place_layers
from cnnspec.spec.sizes import Shape, is_known
from cnnspec.spec.training import Training

MOST_NUMBERS = 4 * 8 * 8
"""Of what a layer gives for one image: as many as the largest image has."""

DEEP = 3
"""How deep blocks stand within each other, at most."""

MOST_LAYERS = 24
"""That a block comes to."""

Fits = Callable[[Layer, Shape, Shape], bool]
"""Whether a layer is wanted, from what it takes and what it gives."""


def is_small(layer: Layer, input: Shape, output: Shape) -> bool:
    """Tell whether a layer gives no more numbers than the largest image has."""
    return math.prod(output) <= MOST_NUMBERS


def random_spec(seed: int, number: int) -> ModelSpec:
    """Return one of endlessly many random specs; the same arguments give the same one."""
    draw = Draw(stream(seed, "random spec", number))
    images = draw.whole(1, 4), draw.whole(1, 8), draw.whole(1, 8)
    layers = drawn_entries(draw, images)
    training = Training(
        batch_size=draw.whole(2, 12),
        optimizer=draw.one_of([*OPTIMIZERS.values()]).drawn(draw),
        seed=draw.whole(0, 2**31),
    )
    last = Linear(out_features=draw.whole(2, 8), bias=draw.yes())
    return ModelSpec(
        name=f"random-{number}", input=images, layers=[*layers, last], training=training
    )


def drawn_entries(draw: Draw, images: Shape, fits: Fits = is_small) -> Entries:
    """Draw layers and blocks over images, and over features; what does not fit is left out."""
    drawing = Drawing(draw, fits)
    over_images, shape = drawing.several(images, most=4)
    ends, features = drawing.flattened(shape)
    over_features, _ = drawing.several(features, most=2)
    return (*over_images, ends, *over_features)


@dataclass(frozen=True)
class Drawing:
    """Draws layers and blocks, one after the other."""

    draw: Draw
    fits: Fits
    deep: int = DEEP
    """How deep blocks may still stand within each other."""

    def several(self, input: Shape, *, most: int = 2) -> tuple[Entries, Shape]:
        """Draw at most so many that fit; return them, and what they give."""
        shape, entries = input, Entries()
        for _ in range(self.draw.whole(0, most)):
            entry = self._entry(shape)
            output = self.output(entry, shape) if entry else None
            if entry and output:
                entries, shape = (*entries, entry), output
        return entries, shape

    def way(self, input: Shape, output: Shape) -> Entries | None:
        """Return what makes one shape of another, and little else; None where nothing does."""
        layer = projection(input, output)
        return None if layer is None else (cast(AnyEntry, layer),)

    def output(self, entry: AnyEntry, input: Shape) -> Shape | None:
        """Return what a layer or a block gives; None where it does not fit."""
        placed = place_layers(input, [entry])
        fit = all(self.fits(at.layer, at.input, at.output) for at in placed.layers)
        if placed.problems or not fit or len(placed.layers) > MOST_LAYERS:
            return None
        return placed.output if is_known(placed.output) else None

    def flattened(self, images: Shape) -> tuple[AnyEntry, Shape]:
        """Draw the end of images: they are flattened, by several branches where these fit."""
        if self.draw.yes(0.2):
            inner = replace(self, deep=self.deep - 1)
            paths = [(*inner.several(images)[0], Flatten()) for _ in range(self.draw.whole(2, 3))]
            block = Parallel(paths=paths)
            if output := self.output(block, images):
                return block, output
        return Flatten(), (math.prod(images),)

    def _entry(self, input: Shape) -> AnyEntry | None:
        """Draw a layer, or a block, of any kind that takes such an input; it may not fit."""
        if self.deep and self.draw.yes(0.25):
            block = self.draw.one_of([*BLOCKS.values()])
            return block(replace(self, deep=self.deep - 1), input)
        return drawn_layer(self.draw, input)


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
