"""Making an instance of a plain class from the options of a layer."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from cnnspec.backends.plain.arrays import arrays_of
from cnnspec.backends.plain.errors import HintError, UnsupportedSettingError
from cnnspec.backends.plain.hints import Hints
from cnnspec.backends.plain.layouts import shape_of_one
from cnnspec.backends.plain.names import (
    ARRAYS,
    INPUT_SHAPE,
    NO_SIZES,
    SHAPES,
    options_of,
    sides_of,
    sizes_of,
    words_for,
)
from cnnspec.backends.plain.spelling import WINDOWS, Spelling, spelt
from cnnspec.spec.layers import Layer as SpecLayer
from cnnspec.spec.sizes import Shape, pair
from cnnspec.trace import Array


class Made(NamedTuple):
    """An instance, and what was taken for granted in making it."""

    instance: Any
    notes: tuple[str, ...]
    handed: bool
    """Whether its weights were handed to the constructor."""
    held: tuple[str, ...]
    """The dotted names of its arrays, but not of those that a pass leaves there."""


def required_options(layer: SpecLayer) -> list[str]:
    """Return the options without a default."""
    fields = type(layer).model_fields.items()
    return [option for option, field in fields if field.is_required()]


def construct(
    cls: type,
    layer: SpecLayer,
    input: Shape,
    hints: Hints,
    arrays: Mapping[str, Array],
    spelling: Spelling = Spelling.NUMBERS,
) -> Made:
    """Make an instance, each option under the name that the class has for it.

    `arrays` are handed to a constructor that wants them: `weight`, `bias`, ...

    Raises:
        UnsupportedSettingError: an option that matters has no parameter in the class.
        HintError: the class wants what no option is.
    """
    return _Arguments(cls, layer, input, hints, spelling).made(arrays)


class _Arguments:
    """The arguments of a constructor, as they are found one after the other."""

    def __init__(
        self, cls: type, layer: SpecLayer, input: Shape, hints: Hints, spelling: Spelling
    ) -> None:
        self.cls, self.layer, self.hints, self.spelling = cls, layer, hints, spelling
        self.implied = {INPUT_SHAPE, layer.input_width}
        """What a class need not ask for: it sees it in its input."""
        self.sizes = sizes_of(type(layer))
        self.parameters, self.any_keyword, self.any_number = _parameters(cls)
        self.values = dict(_values(layer, input, hints.layout))
        self.taken: dict[str, Any] = {}
        self.positional: list[Any] = []
        self.notes: list[str] = []
        self.missing: list[str] = []
        """Options that no parameter was found for."""

    def made(self, arrays: Mapping[str, Array]) -> Made:
        self._take_given()
        self._take_by_name()
        handed = self._take_arrays(arrays)
        if handed:  # their shapes say every size
            self.missing = [option for option in self.missing if option not in self.sizes]
        self._take_sizes_in_order()
        self._take_the_rest()
        if left := self._left():
            self._refuse(left)
        by_place = [
            self.taken.pop(word)
            for word, parameter in self.parameters.items()
            if parameter.kind is parameter.POSITIONAL_ONLY and word in self.taken
        ]
        instance = self.cls(*by_place, *self.positional, **self.taken)
        return Made(instance, tuple(self.notes), handed, (*arrays_of(instance),))

    def _take_given(self) -> None:
        """Take what the user gives by --arg."""
        for word, value in self.hints.arguments.items():
            if word not in self.parameters and not self.any_keyword:
                raise HintError(f"{self.cls.__name__} takes no `{word}`; {self._its_parameters()}")
            self.taken[word] = value

    def _take_by_name(self) -> None:
        for option, value in self.values.items():
            if self._take_sides(option, value):
                continue
            word = self._word(option)
            if word is not None:
                self._take(word, option, value)
            else:
                self.missing.append(option)

    def _take(self, word: str, option: str, value: Any) -> None:
        parameter = self.parameters[word]
        self.taken[word] = spelt(option, value, parameter, self.spelling, self.layer)

    def _take_sides(self, option: str, value: Any) -> bool:
        """Take height and width apart, where the class asks for both."""
        for words in sides_of(option, type(self.layer)):
            if all(word in self.parameters and word not in self.taken for word in words):
                self.taken |= dict(zip(words, pair(value)))
                return True
        return False

    def _word(self, option: str) -> str | None:
        """Return the parameter that is this option."""
        names = self.hints.names
        if option == "bias" and self._wants_weight():
            return None  # what it calls so is an array, too
        mapped = (names[option],) if option in names else ()
        # `bias` is the name of an array, too, and may be meant so.
        usual = words_for(option, type(self.layer))
        words = mapped if option in names and option != "bias" else (*mapped, *usual)
        free = (word for word in words if word in self.parameters and word not in self.taken)
        word = next(free, None)
        if word is None and mapped and option != "bias" and not self.any_keyword:
            raise HintError(
                f"{self.cls.__name__} takes no `{mapped[0]}`, as --map {option}={mapped[0]} says; "
                f"{self._its_parameters()}"
            )
        return word

    def _wants_weight(self) -> bool:
        kind = type(self.layer)
        sizes = {word for option in self.sizes for word in words_for(option, kind)}
        return any(word in ARRAYS["weight"] and word not in sizes for word in self._left())

    def _asks_for_shape(self) -> bool:
        return any(word in self.parameters for word in SHAPES)

    def _take_arrays(self, arrays: Mapping[str, Array]) -> bool:
        """Hand over arrays that the constructor wants; return whether the weight is one."""
        handed = {}
        for name, array in arrays.items():
            words = (self.hints.names.get(name), *ARRAYS[name])
            word = next((word for word in self._left() if word in words), None)
            if word is not None:
                handed[name] = self.taken[word] = array.copy()
        return "weight" in handed

    def _take_sizes_in_order(self) -> None:
        """Take parameters under names of their own for the sizes that are left, if as many."""
        left = self._left()
        sizes = [option for option in self.sizes if option in self.missing]
        if self._asks_for_shape():
            sizes = [option for option in sizes if option not in self.implied]
        needed = [option for option in sizes if option not in self.implied]
        if self.any_number and not self.parameters:
            self.positional = [self.values[option] for option in sizes]
            self.missing = [option for option in self.missing if option not in sizes]
            return
        wanted = next((each for each in (sizes, needed) if len(each) == len(left) > 0), None)
        if wanted is None or NO_SIZES & set(left):
            return
        for word, option in zip(left, wanted):
            self._take(word, option, self.values[option])
            self.missing.remove(option)
        said = ", ".join(f"`{word}` for {option}" for word, option in zip(left, wanted))
        self.notes.append(f"taken in order: {said}; --map says otherwise")

    def _take_the_rest(self) -> None:
        """Give an option to **kwargs, take it as built in, or refuse it."""
        for option in self.missing:
            value = self.values[option]
            neutral = self._neutral(option)
            if option == INPUT_SHAPE:
                continue  # no option, but for those who ask for it
            if self.any_keyword and (option in self.sizes or value != neutral):
                self.taken[self.hints.names.get(option, option)] = value
            elif option in self.implied or value == neutral:
                continue
            elif self.hints.has_built_in(option) and not self._left():
                if self.hints.built_in is True:  # whoever names options knows of them
                    taken = f"{option} {value} is taken as built in"
                    self.notes.append(f"{self.cls.__name__} takes no `{option}`: {taken}")
            elif option in self.sizes:
                self._refuse_size(option)
            else:
                why = f"{self.cls.__name__} takes no `{option}`"
                raise UnsupportedSettingError(why, lacks=option)

    def _neutral(self, option: str) -> Any:
        """Return what a class without that option does anyway: what a spec need not say."""
        field = type(self.layer).model_fields.get(option)
        if field is None or field.is_required():
            return inspect.Parameter.empty
        if option == "stride" and field.default is None:  # windows lie side by side
            return self.values["kernel_size"]
        return field.default

    def _left(self) -> list[str]:
        """Return the parameters that want a value and have none yet."""
        return [
            word
            for word, parameter in self.parameters.items()
            if word not in self.taken and parameter.default is inspect.Parameter.empty
        ]

    def _refuse_size(self, option: str) -> NoReturn:
        left = self._left()
        if left and NO_SIZES.issuperset(left):
            self._refuse(left)
        takes = f"{self.cls.__name__} takes no `{option}`; {self._its_parameters()}"
        free = [word for word in self.parameters if word not in self.taken and word not in NO_SIZES]
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

    def _its_parameters(self) -> str:
        names = ", ".join(self.parameters)
        return f"its parameters are {names}" if names else "it has no parameters"


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
    yield from known.items()


def _symmetric(layer: SpecLayer) -> Any:
    (top, bottom), (left, right) = (axis.padding for axis in layer.windows())
    if (top, left) != (bottom, right):
        raise UnsupportedSettingError("`padding: same` pads one side more, which no number says")
    return top if top == left else (top, left)


def _parameters(cls: type) -> tuple[dict[str, inspect.Parameter], bool, bool]:
    """Return a constructor's parameters that have a name, and whether it has * and **."""
    try:
        signature = inspect.signature(cls)
    except (TypeError, ValueError):
        return {}, False, False
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    any_number, any_keyword = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    named = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if parameter.kind not in (any_number, any_keyword)
    }
    if {*kinds} == {any_number, any_keyword} and (base := _base_with_constructor(cls)):
        return _parameters(base)  # all goes on to it
    return named, any_keyword in kinds, any_number in kinds


def _base_with_constructor(cls: type) -> type | None:
    """Return the class whose constructor `super().__init__` calls; None where that is object's."""
    own = [each for each in cls.__mro__[:-1] if "__init__" in vars(each)]
    return own[1] if len(own) > 1 else None
