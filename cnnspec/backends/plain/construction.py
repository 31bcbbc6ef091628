"""Making an instance of a plain class from the options of a layer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from cnnspec.backends.plain.arrays import arrays_of
from cnnspec.backends.plain.errors import HintError, UnsupportedSettingError
from cnnspec.backends.plain.hints import Hints
from cnnspec.backends.plain.layouts import shape_of_one
from cnnspec.backends.plain.modes import strings_of_class
from cnnspec.backends.plain.names import (
    INPUT_SHAPE,
    NO_SIZES,
    OUTPUT_SHAPE,
    is_complement,
    options_of,
)
from cnnspec.backends.plain.neutral import beside
from cnnspec.backends.plain.reading import Given, Handed, Option, Reading, WeightShape
from cnnspec.backends.plain.roles import sizes_of
from cnnspec.backends.plain.signature import REQUIRED, signature_of
from cnnspec.backends.plain.spelling import WINDOWS, Spelling, spelt
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape, pair
from cnnspec.trace import Array


class Made(NamedTuple):
    """An instance, and what was taken for granted in making it."""

    instance: Any
    notes: tuple[str, ...]
    held: tuple[str, ...]
    """The dotted names of its arrays, but not of those that a pass leaves there."""


@dataclass(frozen=True)
class Construction:
    """How instances of a class are made."""

    cls: type
    hints: Hints
    reading: Reading
    spelling: Spelling = Spelling.NUMBERS

    def of(self, layer: SpecLayer, input: Shape, arrays: Mapping[str, Array]) -> Made:
        """Make an instance, each option under the name that the class has for it.

        `arrays` are handed to a constructor that wants them: `weight`, `bias`, ...

        Raises:
            UnsupportedSettingError: an option that matters has no parameter in the class.
            HintError: the class wants what no option is.
        """
        refused: frozenset[str] = frozenset()
        while True:
            arguments = _Arguments(self, layer, input, refused)
            try:
                return arguments.made(arrays)
            except TypeError as error:
                option = arguments.refused_by(error)
                if option is None:
                    raise
                refused |= {option}


def required_options(layer: SpecLayer) -> list[str]:
    """Return the options without a default."""
    fields = type(layer).model_fields.items()
    return [option for option, field in fields if field.is_required()]


class _Arguments:
    """The arguments of a constructor for one layer."""

    def __init__(
        self, how: Construction, layer: SpecLayer, input: Shape, refused: frozenset[str]
    ) -> None:
        """`refused` are options that its **kwargs do not take."""
        self.how, self.cls, self.hints, self.layer = how, how.cls, how.hints, layer
        self.reading, self.signature = how.reading, signature_of(how.cls)
        self.input = input
        self.implied = {INPUT_SHAPE, layer.input_width}
        """What a class need not ask for: it sees it in its input."""
        self.sizes = sizes_of(type(layer))
        self.values = dict(_values(layer, input, how.hints.layout))
        self.taken: dict[str, Any] = {}
        self.refused = refused
        self.by_keyword: dict[str, str] = {}
        """Options that no parameter is called, by the words under which **kwargs take them."""
        self.notes = [*self.reading.notes]

    def made(self, arrays: Mapping[str, Array]) -> Made:
        for word, meaning in self.reading.meanings.items():
            self.taken[word] = self._value(word, meaning, arrays)
        self._take_the_rest()
        if left := self._left():
            self._refuse(left)
        by_place = [
            self.taken.pop(word)
            for word, parameter in self.signature.parameters.items()
            if parameter.kind is parameter.POSITIONAL_ONLY and word in self.taken
        ]
        by_place += [self.values[option] for option in self.reading.positional]
        instance = self.cls(*by_place, **self.signature.with_dictionaries(self.taken))
        return Made(instance, tuple(self.notes), (*arrays_of(instance),))

    def _value(
        self,
        word: str,
        meaning: Option | Handed | WeightShape | Given,
        arrays: Mapping[str, Array],
    ) -> Any:
        match meaning:
            case Given(value):
                return value
            case Handed(name):
                return arrays[name].copy()
            case WeightShape(axes):
                shape = self.layer.parameters(self.input)["weight"]
                return tuple(shape[axis] for axis in axes)
            case Option(option, side):
                value = self.values[option]
                if side is not None:
                    return self._sides(option)[side]
                parameter, spelling = self.signature.parameters[word], self.how.spelling
                kind = type(self.layer)
                if is_complement(word, parameter.default, option, kind, self.hints.names):
                    self.notes.append(f"`{word}` is taken for 1 - {option}")
                    return 1 - value
                if option in self.hints.pairs:
                    spelling |= Spelling.PAIRS
                return spelt(
                    option, self._in_its_words(option, value), parameter, spelling, self.layer
                )

    def _in_its_words(self, option: str, value: Any) -> Any:
        """Return a word for a value that the code of the class knows: `average` for `avg`."""
        words = type(self.layer).words.values.get(option, {})
        if not isinstance(value, str) or not words:
            return value
        known = {word.lower(): word for word in strings_of_class(self.cls)}
        own = (value, *(word for word, ours in words.items() if ours == value))
        return next((known[word] for word in own if word in known), value)

    def _sides(self, option: str) -> tuple[int, int]:
        """Return the height and the width of an option, or of the images."""
        if option == INPUT_SHAPE:
            return self.input[-2], self.input[-1]
        return pair(self.values[option])

    def _take_the_rest(self) -> None:
        """Give an option to **kwargs, take it as built in, or refuse it."""
        for option in self.values:
            if option in self.reading.options:
                continue
            if option in self.sizes and self.reading.says_every_size:
                continue
            if option == self.layer.width and OUTPUT_SHAPE in self.reading.options:
                continue  # the shape says it
            value = self.values[option]
            neutral = self._neutral(option)
            if option in (INPUT_SHAPE, OUTPUT_SHAPE):
                continue  # no option, but for those who ask for it
            if self._is_for_kwargs(option) and (option in self.sizes or value != neutral):
                word = self.hints.names.get(option, option)
                self.taken[word], self.by_keyword[word] = value, option
            elif option in self.implied or value == neutral:
                continue
            elif option in self.hints.values:
                raise UnsupportedSettingError(
                    f"{self.cls.__name__} takes no `{option}`: {self.hints.values[option]} is "
                    "built in",
                    lacks=option,
                )
            elif self._has_built_in(option) and not self._left():
                # Whoever names options knows of them.
                if self.hints.built_in is True or option in self.reading.built_in:
                    taken = f"{option} {value} is taken as built in"
                    self.notes.append(f"{self.cls.__name__} takes no `{option}`: {taken}")
            elif option in self.sizes:
                self._refuse_size(option)
            else:
                why = f"{self.cls.__name__} takes no `{option}`"
                raise UnsupportedSettingError(why, lacks=option)

    def _is_for_kwargs(self, option: str) -> bool:
        return self.signature.any_keyword and option not in self.refused

    def refused_by(self, error: TypeError) -> str | None:
        """Return the option that **kwargs turned out not to take; None where it is no such error.

        Who hands them on, or goes through them, refuses by name what nobody takes.
        """
        words = re.findall(r"\w+", str(error))
        return next((self.by_keyword[word] for word in words if word in self.by_keyword), None)

    def _has_built_in(self, option: str) -> bool:
        return option in self.reading.built_in or self.hints.has_built_in(option)

    def _neutral(self, option: str) -> Any:
        """Return what a class without that option does anyway: what a spec need not say."""
        if option in self.hints.values:
            value = self.hints.values[option]
            return tuple(value) if isinstance(value, list) else value
        field = type(self.layer).model_fields.get(option)
        if field is None or field.is_required():
            return REQUIRED
        if option == "stride" and field.default is None:  # windows lie side by side
            return self.values["kernel_size"]
        return field.default

    def _left(self) -> list[str]:
        """Return the parameters that want a value and have none yet."""
        return [word for word in self.signature.required() if word not in self.taken]

    def _refuse_size(self, option: str) -> NoReturn:
        left = self._left()
        if left and NO_SIZES.issuperset(left):
            self._refuse(left)
        takes = f"{self.cls.__name__} takes no `{option}`; {self.signature.in_words()}"
        free = [
            word
            for word in self.signature.parameters
            if word not in self.taken and word not in NO_SIZES and not beside(word)
        ]
        if free:
            raise HintError(f"{takes}; say which it is: --map {option}={free[-1]}")
        examples = self.layer.words.examples
        required = required_options(self.layer) or [option]
        like = ", ".join(f"{word}: {examples.get(word, '3')}" for word in required)
        raise HintError(f"{takes}; if it is built in, say what it is, as in --like '{{{like}}}'")

    def _refuse(self, left: list[str]) -> NoReturn:
        word = left[0]
        keyword = self.layer.keyword
        raise HintError(
            f"{self.cls.__name__} wants `{word}`, which no option of `{keyword}` is called; give "
            f"it a value, as in --arg {word}=VALUE"
        )


def _values(layer: SpecLayer, input: Shape, layout: str) -> Iterator[tuple[str, Any]]:
    """Yield the options of a layer under our names, one number where both axes agree."""
    known = {option: getattr(layer, option) for option in options_of(type(layer))}
    if layer.input_width is not None:
        known[layer.input_width] = input[0]
    if "kernel_size" in known and known.get("stride") is None:
        known["stride"] = known["kernel_size"]
    if known.get("padding") == "same":
        known["padding"] = _symmetric(layer)
    for option in WINDOWS:
        value = known.get(option)
        if isinstance(value, tuple) and value[0] == value[1]:
            known[option] = value[0]
    yield INPUT_SHAPE, shape_of_one(input, layout)
    yield OUTPUT_SHAPE, shape_of_one(layer.output_shape(input), layout)
    yield from known.items()


def _symmetric(layer: SpecLayer) -> Any:
    (top, bottom), (left, right) = (axis.padding for axis in layer.windows())
    if (top, left) != (bottom, right):
        raise UnsupportedSettingError("`padding: same` pads one side more, which no number says")
    return top if top == left else (top, left)
