"""How the parameters of a constructor may be read: which is which option, array or shape.

What its names say comes first. Where they do not say all, other readings follow, the likeliest
first: they are tried on an example (`choosing`), and no verdict rests on one that fails there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from itertools import combinations, permutations
from typing import Any

from cnnspec.backends.plain.alike import parts_of
from cnnspec.backends.plain.by_name import Names
from cnnspec.backends.plain.forms import AXES
from cnnspec.backends.plain.hints import Hints
from cnnspec.backends.plain.layouts import CHANNELS_LAST
from cnnspec.backends.plain.names import INPUT_SHAPE, NO_SIZES, OUTPUT_SHAPE, SHAPES
from cnnspec.backends.plain.neutral import beside, is_indifferent, values_for
from cnnspec.backends.plain.reading import Given, Handed, Meaning, Option, Reading, WeightShape
from cnnspec.backends.plain.roles import SHAPE, Role, listed_options, roles_of, sizes_of
from cnnspec.backends.plain.signature import signature_of
from cnnspec.spec.layers import Layer as SpecLayer


def unknown(cls: type, layer: SpecLayer, reading: Reading) -> dict[str, str]:
    """Return what a constructor takes that no option is called, and why it is not tried."""
    return {
        word: f"no option of `{layer.keyword}` is called so; if it is one, say which: "
        f"--map OPTION={word}"
        for word, parameter in signature_of(cls).parameters.items()
        if word not in reading.meanings
        and not is_indifferent(word)
        and not _is_container(cls, word, parameter.default)
    }


def _is_container(cls: type, word: str, default: Any) -> bool:
    """Tell whether a parameter is a container by default, in which a class keeps its arrays."""
    if is_dataclass(cls):
        made = {each.name: each.default_factory for each in fields(cls)}
        return made.get(word, MISSING) in (dict, list)
    return isinstance(default, dict | list) and not default


def readings(cls: type, layer: SpecLayer, hints: Hints, arrays: list[str]) -> Iterator[Reading]:
    """Yield how a constructor may be read, the likeliest first.

    The first is what is told of, where none is complete.

    Raises:
        HintError: what the user says of it does not fit it.
    """
    reader = _Reader(cls, layer, hints, arrays)
    found: dict[str, None] = {}
    for reading in reader.all():
        for each in reader.with_values(reading):
            if (key := repr((each.meanings, each.positional, each.built_in))) not in found:
                found[key] = None
                yield each


class _Reader:
    """Reads the constructor of a class for one kind of layer."""

    def __init__(self, cls: type, layer: SpecLayer, hints: Hints, arrays: list[str]) -> None:
        self.kind, self.hints = type(layer), hints
        self.names = Names(cls, self.kind, hints, arrays)
        self.parameters = self.names.parameters
        self.sizes, self.listed = sizes_of(self.kind), listed_options(self.kind)
        self.implied = {INPUT_SHAPE, self.kind.input_width}
        """What a class need not ask for: it sees it in its input, or has it built in."""
        self.implied |= hints.values.keys()

    def all(self) -> Iterator[Reading]:
        """Yield the reading by names, completed in the order of the sizes, then the others."""
        named = self.names.read()
        self.names.refuse_other_layers(named)
        if self._is_complete(named) and not self._may_be_number(named):
            if as_numbers := self._shapes_as_numbers(named):
                yield replace(named, guessed=True)
                yield as_numbers
            yield named
            return
        found = False
        bases = named, self.names.read(loosely=False), self.names.read(sizes=False)
        for base in (*bases, self.names.read(arrays=False)):
            if self._is_complete(base):
                found = True
                yield replace(base, guessed=True)
            for reading in self._completed(base):
                found = True
                yield reading
        for base in (*bases, self.names.read(sizes=False, arrays=False)):
            yield from self._of_whole_shape(base)
        yield from self._with_built_in(named)
        if not found:
            yield named  # what it lacks is told where it is made

    def _shapes_as_numbers(self, reading: Reading) -> Reading | None:
        """Return a reading in which shapes of features are their numbers: `input_shape` is 784."""
        widths = {INPUT_SHAPE: self.kind.input_width, OUTPUT_SHAPE: self.kind.width}
        numbers: dict[str, Meaning] = {
            word: Option(width)
            for word, each in reading.meanings.items()
            if isinstance(each, Option) and (width := widths.get(each.name)) is not None
        }
        if self.kind.takes != "features" or not numbers:
            return None
        return replace(reading, meanings={**reading.meanings, **numbers}, guessed=True)

    def _may_be_number(self, reading: Reading) -> bool:
        """Tell whether what is read as an array may be a number of these: `kernels`."""
        windows = Role.KERNEL in self.sizes.values()
        return any(
            isinstance(each, Handed) and roles_of(word, windows=windows) != {*Role}
            for word, each in reading.meanings.items()
        )

    def with_values(self, reading: Reading) -> Iterator[Reading]:
        """Yield a reading with values for what is beside a layer's own, such as an activation."""
        given = {
            word: values_for(word, self.parameters[word].default)
            for word in self.parameters
            if word not in reading.meanings
        }
        several = {word: values for word, values in given.items() if len(values) > 1}
        single = {word: Given(values[0]) for word, values in given.items() if len(values) == 1}
        base = replace(reading, meanings={**reading.meanings, **single})
        for values in zip(*several.values()) if several else [()]:
            own = {word: Given(value) for word, value in zip(several, values)}
            said = ", ".join(f"{word}={value.value}" for word, value in own.items())
            notes = (*base.notes, f"given: {said}; --arg says otherwise") if own else base.notes
            yield replace(
                base,
                meanings={**base.meanings, **own},
                guessed=base.guessed or bool(own),
                notes=notes,
            )
        if several and not {*several} & {*self.names.required}:
            yield reading  # with their own defaults

    def _missing(self, reading: Reading) -> list[str]:
        """Return the sizes that no parameter says and that the class cannot do without."""
        if reading.says_every_size:
            return []
        fields = self.kind.model_fields
        return [
            option
            for option in self.sizes
            if option not in reading.options
            and option not in self.implied
            and fields[option].is_required()
            and not (option == self.kind.width and OUTPUT_SHAPE in reading.options)
        ]

    def _is_complete(self, reading: Reading) -> bool:
        free = self.names.signature.any_keyword or self.hints.built_in is True
        return not self.names.left(reading) and (free or not self._missing(reading))

    def _completed(self, reading: Reading) -> Iterator[Reading]:
        """Yield readings in which what is left is sizes, in their order, then in others."""
        missing, told = self._missing(reading), set[str | None](reading.options)
        if any(word in self.parameters for word in SHAPES):
            told |= self.implied  # the shape says it
        if reading.says_every_size:
            told |= {*self.sizes}
        options = [option for option in self.listed if option not in told]
        if self.names.signature.any_number and not self.parameters:
            yield from self._in_places(options, missing)
            return
        left = self.names.left(reading)
        for taken in (left, [*left, *self._numbers(reading)]):
            if not taken or NO_SIZES & {*taken}:
                continue
            for chosen in combinations(options, len(taken)):
                if {*missing} <= {*chosen} or self.hints.built_in is True:
                    for order in permutations(chosen):
                        if self._may_be(taken, order):
                            yield self._with_order(reading, dict(zip(taken, order)))

    def _with_built_in(self, reading: Reading) -> Iterator[Reading]:
        """Yield readings in which sizes that nothing is left for are built in."""
        missing, left = self._missing(reading), self.names.left(reading)
        if not left:
            yield replace(reading, built_in=frozenset(missing), guessed=True)
            return
        free = [option for option in self.sizes if option not in reading.options]
        for order in permutations(free, len(left)):
            built_in = frozenset(missing) - {*order}
            if built_in and self._may_be(left, order):
                ordered = self._with_order(reading, dict(zip(left, order)))
                yield replace(ordered, built_in=built_in)

    def _in_places(self, options: list[str], missing: list[str]) -> Iterator[Reading]:
        sizes = [option for option in options if option in self.sizes]
        for chosen in dict.fromkeys((tuple(sizes), tuple(missing))):
            for order in permutations(chosen):
                yield Reading(dict(self.names.given()), positional=order, guessed=True)

    def _numbers(self, reading: Reading) -> list[str]:
        """Return the parameters whose default is a whole number, where names do not say what."""
        return [
            word
            for word, parameter in self.parameters.items()
            if word not in reading.meanings
            and type(parameter.default) is int
            and word not in NO_SIZES
            and not beside(word)
        ]

    def _may_be(self, left: list[str], order: tuple[str, ...]) -> bool:
        windows = Role.KERNEL in self.sizes.values()
        return all(
            self.listed[option] in self._roles(word, windows) for word, option in zip(left, order)
        )

    def _roles(self, word: str, windows: bool) -> frozenset[Role]:
        """Return what a parameter may be: what goes out is what came in, where both are alike."""
        roles = roles_of(word, windows=windows)
        alike_sizes = self.kind.width is None and Role.OUTPUT in roles
        return roles | {Role.INPUT} if alike_sizes else roles

    def _with_order(self, reading: Reading, order: Mapping[str, str]) -> Reading:
        said = ", ".join(f"`{word}` for {option}" for word, option in order.items())
        own = {word: Option(option) for word, option in order.items()}
        note = f"taken in order: {said}; --map says otherwise"
        return replace(
            reading,
            meanings={**reading.meanings, **own},
            guessed=True,
            notes=(*reading.notes, note),
        )

    def _of_whole_shape(self, reading: Reading) -> Iterator[Reading]:
        """Yield readings in which what is left is a shape: of the input, or of the weight."""
        left = self.names.left(reading)
        if len(left) != 1 or NO_SIZES & {*left}:
            return
        word, missing = left[0], self._missing(reading)
        if not missing and SHAPE & {*parts_of(word)}:
            note = f"taken for the shape of the input: `{word}`"
            yield self._as_shape(reading, word, Option(INPUT_SHAPE), note)
        if not missing:
            return
        family = "nhwc" if self.hints.layout in CHANNELS_LAST else "nchw"
        orders = [*AXES[family, 4 if Role.KERNEL in self.sizes.values() else 2]]
        if len(orders[0]) > 2:  # without the channels that come in, which the class may see itself
            orders += [tuple(axis for axis in order if axis != 1) for order in orders]
        for order in dict.fromkeys(orders):
            names = ("out", "in", "height", "width")
            said = ", ".join(names[axis] for axis in order)
            note = f"taken for the shape of the weight: `{word}` = ({said})"
            yield self._as_shape(reading, word, WeightShape(order), note)

    def _as_shape(self, reading: Reading, word: str, meaning: Meaning, note: str) -> Reading:
        return replace(
            reading,
            meanings={**reading.meanings, word: meaning},
            guessed=True,
            notes=(*reading.notes, note),
        )
