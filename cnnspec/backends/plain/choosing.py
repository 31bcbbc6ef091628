"""Which reading of a constructor fits: tried on an example in which every size is another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from cnnspec.backends.plain.arrays import find_or_none
from cnnspec.backends.plain.building import build, different_sizes, trial
from cnnspec.backends.plain.construction import Construction
from cnnspec.backends.plain.errors import HintError, PlainClassError, UnsupportedSettingError
from cnnspec.backends.plain.forms import axes_between, squeezed
from cnnspec.backends.plain.hints import Hints
from cnnspec.backends.plain.layouts import ONE_BY_ONE
from cnnspec.backends.plain.reading import Given, Handed, Option, Reading
from cnnspec.backends.plain.readings import readings
from cnnspec.backends.plain.spelling import spellings_for
from cnnspec.backends.raised import message_of
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape, show

IMAGES = 7
"""In the batch of a trial: a size that no example has."""


LARGER = (1, 2, 3)
"""By how much images are larger on which sizes are tried that are built in."""


class Fit(IntEnum):
    """How well a reading fits."""

    NOT = 0
    WEIGHTS = 1
    """The weights have the sizes that they must have; the output was not right."""
    OUTPUT = 2
    """The output has its sizes, too."""


class Tried(NamedTuple):
    """A reading on an example."""

    fit: Fit
    why: str = ""
    """What is against it."""
    says_what_to_do: bool = False
    broken: bool = False
    """Whether the constructor raises whatever it is given."""
    sizes_differ: bool = False
    """Whether something that the class made has another size than it must have."""


def chosen(cls: type, layer: SpecLayer, input: Shape, hints: Hints) -> Reading:
    """Return the reading of a constructor that fits; the first, where names say all.

    Raises:
        HintError: nothing fits what was guessed: more must be said.
        UnsupportedSettingError: it wants an array that the options leave out.
    """
    hints = replace(hints, pairs=frozenset())  # of sides that differ nothing is known here
    arrays = [*layer.parameters(input), *layer.buffers(input)]
    _refuse_to_do_without(cls, layer, input, hints, arrays)
    found = readings(cls, layer, hints, arrays)
    first = next(found)
    if not first.guessed:
        return first
    every = [first, *found]
    against: Tried | None = None
    other_sizes: frozenset[str] = frozenset()
    for example, images in _examples(layer, input, hints):
        tried = []
        for reading in every:
            tried.append(_tried(Construction(cls, hints, reading), example, images))
            if tried[-1].fit is Fit.OUTPUT:
                return reading
        by_weights = [reading for reading, each in zip(every, tried) if each.fit is Fit.WEIGHTS]
        if by_weights and all(_alike(by_weights[0], reading) for reading in by_weights):
            return by_weights[0]
        if tried and tried[0].broken:
            return first
        against = against or next(iter(tried), None)
        for reading, at in zip(every, tried):
            other_sizes |= reading.built_in if at.sizes_differ else frozenset()
        # What sizes contradict, where all differ, is not right by accident where two are alike.
        every = [
            reading
            for reading, at in zip(every, tried)
            if reading.built_in or not (reading.guessed and at.sizes_differ)
        ]
    if other_sizes:
        said = _refusal(Construction(cls, hints, every[-1]), layer, input)
        raise UnsupportedSettingError(said, lacks=min(other_sizes))
    if by_name := next((reading for reading in every if not reading.guessed), None):
        return by_name
    assert against is not None
    raise HintError(against.why if against.says_what_to_do else _asked(cls, first, against.why))


def _refusal(how: Construction, layer: SpecLayer, input: Shape) -> str:
    """Say what a class takes no parameter for: it has another size of it built in."""
    try:
        build(how, layer, input)
    except PlainClassError as error:
        return message_of(error)
    return f"{how.cls.__name__} has other sizes built in"


def _refuse_to_do_without(
    cls: type, layer: SpecLayer, input: Shape, hints: Hints, arrays: Sequence[str]
) -> None:
    """Refuse an option that leaves out an array which the constructor is handed."""
    fields = type(layer).model_fields.items()
    off = [name for name, each in fields if each.default is True and not getattr(layer, name)]
    usual = layer.model_copy(update=dict.fromkeys(off, True))
    every = [*usual.parameters(input), *usual.buffers(input)]
    if len(every) == len(arrays):
        return
    meanings = next(readings(cls, usual, hints, every)).meanings
    for word, meaning in meanings.items():
        if isinstance(meaning, Handed) and meaning.name not in arrays:
            raise UnsupportedSettingError(
                f"{cls.__name__} takes no `{off[0]}`: it wants `{word}`", lacks=off[0]
            )


def _examples(layer: SpecLayer, input: Shape, hints: Hints) -> Iterator[tuple[SpecLayer, Shape]]:
    """Yield layers to try a reading on: with different sizes, and as it is to be."""
    example, images = different_sizes(layer, input, hints)
    if getattr(example, "stride", 1) is None:  # it follows the kernel, whose size is another
        yield example.model_copy(update={"stride": 1}), images
    yield example, images
    yield layer, input


def _alike(first: Reading, other: Reading) -> bool:
    """Tell whether two readings differ in nothing but in what is beside the options."""
    own, its = (
        {word: each for word, each in reading.meanings.items() if not isinstance(each, Given)}
        for reading in (first, other)
    )
    return own == its and first.positional == other.positional


def _tried(how: Construction, layer: SpecLayer, input: Shape) -> Tried:
    """Try a reading in every spelling; return how well it fits in the best.

    Sizes of windows that are built in must fit images of several sizes: two windows may give as
    many numbers for one.
    """
    best = _in_best_spelling(how, layer, input)
    if how.reading.built_in and layer.windows() and best.fit is Fit.OUTPUT:
        for more in LARGER:
            sides = (side + more for side in input[1:])
            larger = _in_best_spelling(how, layer, (input[0], *sides))
            if larger.fit is not Fit.OUTPUT:
                return larger
    return best


def _in_best_spelling(how: Construction, layer: SpecLayer, input: Shape) -> Tried:
    every = (
        _in_spelling(replace(how, spelling=each), layer, input) for each in spellings_for(layer)
    )
    best = next(every)
    for tried in every:
        if best.fit is Fit.OUTPUT:
            break
        best = max(best, tried, key=lambda each: each.fit)
    return best


def _in_spelling(how: Construction, layer: SpecLayer, input: Shape) -> Tried:
    name, hints = how.cls.__name__, how.hints
    try:
        made = build(how, layer, input)
    except Exception as error:  # raised by the class, or told of it
        why = _in_words(f"{name}(...)", error)
        is_hint, broken = isinstance(error, HintError), isinstance(error, NameError)
        return Tried(Fit.NOT, why, says_what_to_do=is_hint, broken=broken)
    fit, wanted = Fit.NOT, layer.parameters(input)
    for parameter, shape in wanted.items():
        place = find_or_none(made.instance, parameter, hints.names)
        if place is None:
            continue
        theirs = np.shape(place.get())
        if squeezed(theirs) != squeezed(shape) and not axes_between(shape, theirs, hints.layout):
            return Tried(
                Fit.NOT,
                f"`{place.key}` has the shape {show(theirs)}, wanted {show(shape)}",
                sizes_differ=True,
            )
        fit = Fit.WEIGHTS
    try:
        output = trial(made.instance, layer, input, hints, images=IMAGES)
    except Exception as error:  # raised by the class
        return Tried(fit, _in_words("`forward`", error))
    right, one = layer.output_shape(input), hints.layout in ONE_BY_ONE
    if output.shape == (right if one else (IMAGES, *right)):
        return Tried(Fit.OUTPUT)
    why = f"its output has the shape {show(output.shape)}, wanted {show(right)}"
    return Tried(fit, why, sizes_differ=True)


def _in_words(what: str, error: Exception) -> str:
    if isinstance(error, PlainClassError):
        return message_of(error)
    return f"{what} raises {type(error).__name__}: {message_of(error)}"


def _asked(cls: type, reading: Reading, against: str) -> str:
    """Say what was guessed, why it cannot be so, and what to write."""
    options = [
        (word, each.name) for word, each in reading.meanings.items() if isinstance(each, Option)
    ]
    said = " and ".join(f"`{word}` for {option}" for word, option in options)
    ways = " ".join(f"--map {option}=NAME" for _, option in options)
    return (
        f"what the constructor of {cls.__name__} takes cannot be told: "
        f"{f'with {said}, ' if said else ''}{against}; say which is which: "
        f"{ways or '--arg NAME=VALUE'}"
    )
