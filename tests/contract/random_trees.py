"""Random trees of blocks and layers that fit: for the dialect, and for whoever runs them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.random_specs import drawn_layer
from cnnspec.spec.composites import AnyEntry, Parallel, Repeat, Residual
from cnnspec.spec.composites.fitting import projection
from cnnspec.spec.layers import Flatten, Linear
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.shapes import place_layers
from cnnspec.spec.sizes import Shape, is_known
from tests.contract.test_random_specs import (
    INITIALIZATIONS,
    LAYER_NAMES,
    MODEL_NAMES,
    TRAININGS,
    Drawn,
)

MOST_NUMBERS = 400
"""Of what all layers of an entry give for one image."""


@st.composite
def tree_specs(draw: DrawFn, depth: int = 2) -> ModelSpec:
    """Draw a spec that resolves, with blocks up to `depth` deep within each other."""
    images = draw(st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6)))
    drawn = Drawn(draw)
    layers = drawn_entries(drawn, images, depth, most=4)
    layers.append(Flatten())
    features = place_layers(images, layers).output
    assert is_known(features)
    layers += drawn_entries(drawn, features, depth - 1, most=2)
    layers.append(Linear(out_features=draw(st.integers(2, 5))))
    return ModelSpec(
        input=images,
        layers=layers,
        initialization=draw(INITIALIZATIONS),
        training=draw(TRAININGS),
    )


def drawn_entries(
    draw: Draw, input: Shape, depth: int, most: int, wanted: Shape | None = None
) -> list[AnyEntry]:
    """Draw entries that fit, at most so many; with `wanted`, such as give that shape."""
    entries: list[AnyEntry] = []
    shape = input
    for _ in range(draw.whole(0, most)):
        entry = _drawn_entry(draw, shape, depth)
        output = entry and outcome([entry], shape)
        if entry and output and (wanted is None or len(output) == len(wanted)):
            entries.append(entry)
            shape = output
    if wanted is None or shape == wanted:
        return entries
    last = projection(shape, wanted)
    return [*entries, last] if last else []  # type: ignore[list-item]


def _drawn_entry(draw: Draw, input: Shape, depth: int) -> AnyEntry | None:
    if depth == 0 or draw.yes(0.6):
        return drawn_layer(draw, input)
    return draw.one_of([_residual, _parallel, _repeat])(draw, input, depth - 1)


def _residual(draw: Draw, input: Shape, depth: int) -> AnyEntry | None:
    body = drawn_entries(draw, input, depth, 3)
    output = outcome(body, input)
    if not body or output is None:
        return None
    shortcut: Sequence[AnyEntry] = drawn_entries(draw, input, depth, 1, output)
    return Residual(body=body, shortcut=shortcut)


def _parallel(draw: Draw, input: Shape, depth: int) -> AnyEntry | None:
    first = drawn_entries(draw, input, depth, 2)
    output = outcome(first, input)
    if output is None:
        return None
    merge = draw.one_of(["concat", "add"])
    paths = [first]
    for _ in range(draw.whole(1, 2)):
        width = output[0] if merge == "add" else draw.whole(1, 4)
        paths.append(drawn_entries(draw, input, depth, 2, (width, *output[1:])))
    return Parallel.model_validate({"merge": merge, "paths": paths})


def _repeat(draw: Draw, input: Shape, depth: int) -> AnyEntry | None:
    layers = drawn_entries(draw, input, depth, 2)
    return Repeat(times=draw.whole(1, 3), layers=layers) if layers else None


def outcome(entries: Sequence[AnyEntry], input: Shape) -> Shape | None:
    """Return what entries give; None where they do not fit, or give too much."""
    found = place_layers(input, entries)
    large = sum(math.prod(at.output) for at in found.layers) > MOST_NUMBERS
    return found.output if is_known(found.output) and not found.problems and not large else None


@st.composite
def decorated_trees(draw: DrawFn) -> ModelSpec:
    """Draw a tree in which some layers and blocks have names."""
    spec = draw(tree_specs())
    name, layers = draw(MODEL_NAMES), _named(draw, spec.layers, 1)
    return spec.model_copy(update={"name": name, "layers": layers})


def _named(draw: DrawFn, value: Sequence[Any], depth: int) -> tuple[Any, ...]:
    """Give some entries of a list names, or of lists within each other."""
    if depth > 1:
        return tuple(_named(draw, each, depth - 1) for each in value)
    count = len(value)
    names = draw(st.lists(LAYER_NAMES, min_size=count, max_size=count, unique=True))
    named = []
    for entry, name in zip(value, names):
        inside = {
            option: _named(draw, getattr(entry, option), levels)
            for option, levels in getattr(entry, "lists", {}).items()
        }
        given = {"name": name} if draw(st.booleans()) else {}
        named.append(entry.model_copy(update=inside | given))
    return tuple(named)
