"""A pair of functions, one for each pass, as a class like any other.

The forward function returns the output, alone or with a cache; the backward one takes the
upstream gradient, and the cache or what it needs. What each parameter is, its name tells.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from cnnspec.backends.plain.alike import alike, parts_of, word_set
from cnnspec.backends.plain.errors import HintError
from cnnspec.backends.plain.methods import EMPTY, OUTPUTS, parameters_of
from cnnspec.backends.plain.modes import Mode, defaults_of, strings_of
from cnnspec.backends.plain.names import (
    ARRAYS,
    CACHES,
    INPUTS,
    LISTED,
    METHODS,
    is_complement,
    mapped_words,
    options_of,
    sides_of,
    words_for,
)
from cnnspec.backends.plain.pairs import is_derivative
from cnnspec.backends.plain.reading import Handed, Option
from cnnspec.backends.plain.slopes import Slope, slope_in, times
from cnnspec.spec.layers import Layer
from cnnspec.spec.sizes import pair
from cnnspec.trace import Array

Run = Callable[..., Any]
Meaning = Handed | Option

TABLE = word_set(
    "param params hparam hparams parameters hparameters hyperparameters config cfg conf options "
    "opts settings hyper"
)
"""Words in the name of a dictionary of options."""

OWN_WORDS = {"weight": "weight", "bias": "b"}
"""What an instance calls an array for which the function has a word of its own."""

IMAGES = (2, 5, 6)
"""A shape that every kind takes, or its first axis alone."""


class Function:
    """One of the two functions: what each of its parameters is, and each key of a dictionary."""

    def __init__(
        self, run: Run, kind: type[Layer], arrays: Iterable[str], names: Mapping[str, str]
    ) -> None:
        self.run, self._kind, self._names = run, kind, names
        self.parameters = parameters_of(run)
        self.strings = strings_of(run)
        self.tables = [word for word in self.parameters if {*parts_of(word)} & TABLE]
        inputs = alike(INPUTS, self.parameters)
        free = [word for word in self.parameters if word not in (*self.tables, inputs)]
        self.meanings = self._named(free, arrays)
        self.keys = self._named(self.strings, arrays) if self.tables else {}
        """The keys of its dictionary."""
        own = defaults_of(run) if self.tables else {}
        defaults = own | {word: each.default for word, each in self.parameters.items()}
        self.rests = {
            word: meaning.name
            for word, meaning in (*self.meanings.items(), *self.keys.items())
            if isinstance(meaning, Option)
            and is_complement(word, defaults.get(word), meaning.name, kind, names)
        }
        """What is the rest of an option that is a share, 1 - it."""

    @property
    def is_told_of_training(self) -> bool:
        """Whether it has a flag, or a word in its dictionary, for training and evaluation."""
        mode = Mode(None, self._names)
        return bool(
            mode.arguments(self.run, True) or (self.tables and mode.of_words(self.strings, True))
        )

    def _named(self, free: Iterable[str], arrays: Iterable[str]) -> dict[str, Meaning]:
        """Return what names mean: arrays first, as `kernel` may be either."""
        left = [*free]
        found: dict[str, Meaning] = {}
        for name in arrays:
            words = (self._names[name],) if name in self._names else ARRAYS[name]
            if word := alike(words, left):
                found[word] = Handed(name)
                left.remove(word)
        for option in options_of(self._kind):
            for sides in sides_of(option, self._kind):
                if all(side in left for side in sides):
                    found |= {side: Option(option, at) for at, side in enumerate(sides)}
                    left = [word for word in left if word not in sides]
            # A height without a width says both sides.
            heights = [sides[0] for sides in sides_of(option, self._kind)]
            mapped = mapped_words(option, self._kind, self._names)
            words = (*mapped, *words_for(option, self._kind), *heights)
            if word := next((word for word in words if word in left), None):
                found[word] = Option(option)
                left.remove(word)
        return found

    def left(self, *known: str) -> list[str]:
        """Return the parameters that want a value, and are nothing so far."""
        flags = Mode(None, self._names).arguments(self.run, True)
        return [
            word
            for word, parameter in self.parameters.items()
            if parameter.default is EMPTY
            and word not in {*self.meanings, *self.tables, *flags, *known}
        ]

    def given(self, values: Mapping[str, Any], training: bool) -> dict[str, Any]:
        """Return the arguments that have a meaning; `values` are by our names."""
        told = Mode(None, self._names).arguments(self.run, training)
        given = {word: value for word, value in told.items() if word not in self.meanings}
        given |= self._valued(self.meanings, values)
        return given

    def table(self, values: Mapping[str, Any], training: bool) -> dict[str, Any]:
        """Return a dictionary that has all that the function asks one for."""
        told = Mode(None, self._names).of_words(self.strings, training)
        return told | self._valued(self.keys, values)

    def _valued(self, meanings: Mapping[str, Meaning], values: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for word, meaning in meanings.items():
            if meaning.name not in values:
                continue
            value = values[meaning.name]
            if isinstance(meaning, Option):
                value = value if meaning.side is None else pair(value)[meaning.side]
                value = 1 - value if word in self.rests else self._spelt(meaning.name, value)
            found[word] = value
        return found

    def _spelt(self, option: str, value: Any) -> Any:
        """Return a word for a value that the code knows: `average` for `avg`."""
        if not isinstance(value, str) or value in self.strings:
            return value
        others = self._kind.words.values.get(option, {}).items()
        return next(
            (word for word, ours in others if ours == value and word in self.strings), value
        )


class Functions:
    """An instance keeps the arrays, and the options that it was made with."""

    forward_function: Function
    backward_function: Function
    attributes: Mapping[str, str]
    """What an instance calls an array."""
    input_word: str
    taken_for_granted: tuple[str, ...]
    words: Mapping[str, str]
    """What the functions call an option."""
    names_read: frozenset[str]
    """What the user named and is read of the functions: of the constructor nothing more is."""
    lacks_backward: str
    """Why there is no backward function, where there is none."""
    is_slope: bool
    """Whether the backward function gives the slope alone, not times the upstream gradient."""

    def __init__(self, **values: Any) -> None:
        words = {word: name for name, word in self.attributes.items()}
        self._options = {word: value for word, value in values.items() if word not in words}
        for word in words:
            setattr(self, word, values.get(word))

    def run_forward(self, x: Array, training: bool = True) -> Any:
        """Return what the function does, and keep it for the way back."""
        run = self.forward_function
        self._table = run.table(self._values(), training)
        given = run.given(self._values(), training)
        given |= dict.fromkeys(run.tables, self._table)
        if unknown := run.left(*given, self.input_word):
            word, name = unknown[0], name_of(run.run)
            raise HintError(
                f"`{name}` wants `{word}`, and nothing of the layer is called so; if it is an "
                f"option or an array, say which: --map NAME={word}"
            )
        returned = run.run(**given, **{self.input_word: x})
        for word, meaning in run.keys.items():  # running statistics
            if isinstance(meaning, Handed):
                setattr(self, self.attributes[meaning.name], self._table[word])
        self._x, self._y, self._rest = x, returned, ()
        if isinstance(returned, tuple) and returned:
            self._y, *rest = returned
            self._rest = self._without_buffers(rest)
        # What comes behind the output may be the way back, where no function is known to be it.
        return (self._y, *self._rest) if self.lacks_backward else self._y

    def run_in_training(self, x: Array) -> Any:
        """Return what a function does that knows of no evaluation."""
        return self.run_forward(x)

    def _without_buffers(self, rest: list[Any]) -> tuple[Any, ...]:
        """Keep the running statistics that come back, first or last; return what else does."""
        names = [word for name, word in self.attributes.items() if name not in LISTED]
        count = len(names)
        for found, left in ((rest[:count], rest[count:]), (rest[-count:], rest[:-count])):
            shapes = [np.shape(each) if isinstance(each, np.ndarray) else None for each in found]
            if count and shapes == [np.shape(getattr(self, word)) for word in names]:
                for word, array in zip(names, found):
                    setattr(self, word, array)
                return tuple(left)
        return tuple(rest)

    def run_backward(self, grad: Array) -> Any:
        """Return what the function gives for an upstream gradient."""
        run = self.backward_function
        if self.is_slope:
            return times(grad, self._slope(run), f"`{name_of(run.run)}`")
        given = run.given(self._values(), training=True)
        given |= dict.fromkeys(run.tables, self._table | run.table(self._values(), True))
        words: dict[str, Any] = dict.fromkeys((self.input_word, *INPUTS), self._x)
        words |= dict.fromkeys(OUTPUTS, self._y) | dict.fromkeys(CACHES, self._cached())
        given |= {word: words[word] for word in run.parameters if word in words}
        grad_word, *left = run.left(*given) or [""]
        if len(left) == len(self._rest):
            given |= dict(zip(left, self._rest))
        elif len(left) == 1:
            given[left[0]] = self._cached()
        elif left:
            forward = name_of(self.forward_function.run)
            raise HintError(
                f"`{name_of(run.run)}` wants `{left[0]}`, and `{forward}` returns "
                f"{len(self._rest)} things after the output; name it as the parameter that it is "
                "there"
            )
        return run.run(**given, **{grad_word: grad})

    def _cached(self) -> Any:
        """Return what the forward function gave beside the output; the input, where nothing."""
        return (self._rest[0] if len(self._rest) == 1 else self._rest) if self._rest else self._x

    def _slope(self, run: Function) -> Any:
        """Return the derivative: a function of the input or, where only that fits, the output."""
        slope = partial(run.run, **run.given(self._values(), training=True))
        forward = self.forward_function
        value = partial(forward.run, **forward.given(self._values(), training=True))
        is_of_output = slope_in(value, slope, self._x) is Slope.OF_OUTPUT
        return slope(self._y if is_of_output else self._x)

    def _values(self) -> dict[str, Any]:
        arrays = {name: getattr(self, word) for name, word in self.attributes.items()}
        return self._options | arrays


def layer_of_methods(cls: type, kind: type[Layer], names: Mapping[str, str]) -> type:
    """Return a class as it is; or, where it only holds two static functions, one of those."""
    found = [
        next((each for word in METHODS[name] if (each := _static(cls, word))), None)
        for name in ("forward", "backward")
    ]
    forward, backward = found
    if forward is None or backward is None or len(parameters_of(forward)) < 2:
        return cls
    made = layer_of(forward, backward, kind, names)
    made.__name__ = cls.__name__
    return made


def _static(cls: type, word: str) -> Run | None:
    """Return a method that takes no instance, and no class but as one."""
    held = inspect.getattr_static(cls, word, None)
    return getattr(cls, word) if isinstance(held, staticmethod | classmethod) else None


def _arrays_of(kind: type[Layer]) -> tuple[str, ...]:
    """Return the arrays that such a layer has."""
    required = [option for option, each in kind.model_fields.items() if each.is_required()]
    layer = kind.model_validate(dict.fromkeys(required, 1))
    shape = next(shape for shape in (IMAGES, IMAGES[:1]) if not any(layer.problems(shape)))
    return (*layer.parameters(shape), *layer.buffers(shape))


def layer_of(
    forward: Run,
    backward: Run | None,
    kind: type[Layer],
    names: Mapping[str, str],
    *,
    lacks: str = "",
) -> type:
    """Return a class that a pair of functions makes: its constructor takes what they do.

    Without a backward function, `lacks` says why; then no gradients are asked for.
    """
    arrays = _arrays_of(kind)
    first, second = (Function(run, kind, arrays, names) for run in (forward, backward or forward))
    left = first.left()
    input_word = alike(INPUTS, left) or next(iter(left), "") or next(iter(first.parameters), "")
    left = [word for word in left if word != input_word]
    has = {meaning.name for meaning in (*first.meanings.values(), *first.keys.values())}
    first.meanings |= {
        word: Handed(name) for word, name in zip(left, (name for name in arrays if name not in has))
    }
    # What the one has, it has under the same name in the other.
    second.meanings |= {
        word: each for word, each in first.meanings.items() if word in second.parameters
    }
    first.rests = second.rests = {**first.rests, **second.rests}
    meanings = {**first.keys, **second.keys, **first.meanings}
    attributes, options = {}, {}
    for word, meaning in meanings.items():
        if isinstance(meaning, Handed):
            known = word in ARRAYS[meaning.name] or names.get(meaning.name) == word
            attributes[meaning.name] = word if known else OWN_WORDS.get(meaning.name, meaning.name)
        else:
            default = first.parameters[word].default if word in first.parameters else EMPTY
            options[meaning.name] = default if isinstance(default, tuple) else EMPTY
    parameters = [(word, EMPTY) for word in attributes.values()] + [*options.items()]
    wanted = [word for word, each in second.parameters.items() if each.default is EMPTY]
    own: dict[str, Any] = {
        "forward_function": first,
        "backward_function": second,
        "attributes": attributes,
        "input_word": input_word,
        "taken_for_granted": (
            *([f"`{name_of(backward)}` is its backward pass"] if backward else []),
            *(f"`{word}` is taken for 1 - {option}" for word, option in first.rests.items()),
        ),
        "words": {each.name: word for word, each in meanings.items() if isinstance(each, Option)},
        "names_read": frozenset(
            name for name, word in names.items() if isinstance(meanings.get(word), Option)
        ),
        "lacks_backward": lacks,
        "is_slope": not attributes and is_derivative(name_of(second.run), wanted),
        "__signature__": inspect.Signature(
            [
                inspect.Parameter(word, inspect.Parameter.KEYWORD_ONLY, default=default)
                for word, default in parameters
            ]
        ),
        names.get("forward", "forward"): (
            Functions.run_forward if first.is_told_of_training else Functions.run_in_training
        ),
    }
    if backward:
        own[names.get("backward", "backward")] = Functions.run_backward
    return type(name_of(forward), (Functions,), own)


def name_of(run: Run) -> str:
    """Return the name of a function, of a part of one, too."""
    return str(getattr(getattr(run, "func", run), "__name__", "function"))
