"""Telling an instance whether it is training: by an argument, an attribute or a method."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any

TRAINING = (
    *("training", "train", "is_training", "train_mode", "is_train", "isTraining", "isTrain"),
    *("training_mode", "in_training", "train_flg", "train_flag", "training_flag", "trainMode"),
)
"""True in training."""

EVALUATION = (
    *("inference", "is_inference", "inference_mode", "test", "testing", "is_test", "is_testing"),
    *("test_mode", "eval", "evaluate", "evaluation", "evaluating", "is_eval", "eval_mode"),
    *("deterministic", "predict", "predicting", "is_predicting", "use_running_stats"),
    *("use_running_average", "use_global_stats", "isTest", "isEval", "test_time", "infer"),
)
"""True in evaluation."""

MODES = ("mode", "phase")
"""A word for one or the other, or True in training."""

IN_TRAINING = ("train", "training", "fit")
IN_EVALUATION = (
    *("test", "eval", "evaluation", "inference", "testing", "predict", "prediction"),
    *("valid", "validation", "infer", "evaluate", "deploy"),
)
"""Such words."""

SAID = ("training", "inference", "mode")
"""What a user may say another name for."""

ON = ("train", "train_mode", "training_mode")
OFF = ("eval", "eval_mode", "evaluate", "test", "inference")
"""Methods that say it."""

SETTERS = ("set_training", "set_train", "set_mode", "set_train_mode", "set_training_mode")
"""Methods that are given it."""

EMPTY = inspect.Parameter.empty


class Mode:
    """How an instance is told whether it is training."""

    def __init__(self, instance: Any, names: Mapping[str, str]) -> None:
        self._instance = instance
        usual = zip(SAID, (TRAINING, EVALUATION, MODES))
        self._words = {said: (names[said],) if said in names else own for said, own in usual}

    def arguments(self, run: Callable[..., Any], training: bool) -> dict[str, Any]:
        """Return what a method is told, by its own names."""
        constants = _constants_of(run)
        told = {}
        for word, default in _parameters(run, constants):
            value = self._value(word, default, constants, training)
            if value is not None:
                told[word] = value
        return told

    def of_words(self, words: set[str], training: bool) -> dict[str, Any]:
        """Return what a dictionary says that is asked for these words."""
        known = (word for own in self._words.values() for word in own if word in words)
        found = {word: self._value(word, EMPTY, words, training) for word in known}
        return {word: value for word, value in found.items() if value is not None}

    def tell(self, training: bool) -> None:
        """Tell it by methods and attributes, where the instance has such."""
        for method, given in self._methods(training):
            method(*given)
        for word, value in self._attributes(training).items():
            setattr(self._instance, word, value)

    def is_told(self, run: Callable[..., Any]) -> bool:
        """Tell whether it can be told at all; `run` is its forward pass."""
        ways = (self.arguments(run, False), self._attributes(False), [*self._methods(False)])
        return any(ways)

    def _value(self, word: str, default: Any, constants: set[str], training: bool) -> Any:
        """Return what something under this name has to be; None where it says something else."""
        if word in self._words["mode"]:
            wanted = _spelt(default, constants, training)
            return training if wanted is None and default in (True, False, EMPTY) else wanted
        if word in self._words["training"]:
            said = training
        elif word in self._words["inference"]:
            said = not training
        else:
            return None
        return _spelt(default, constants, training) if isinstance(default, str) else said

    def _attributes(self, training: bool) -> dict[str, Any]:
        found = {}
        for word in (word for words in self._words.values() for word in words):
            held = getattr(self._instance, word, None)
            fixed = isinstance(getattr(type(self._instance), word, None), property)
            if isinstance(held, bool | str) and not fixed:
                value = self._value(word, held, self._constants, training)
                if value is not None:
                    found[word] = value
        return found

    @cached_property
    def _constants(self) -> set[str]:
        """The strings in the methods of the class."""
        own = (method for base in type(self._instance).__mro__ for method in vars(base).values())
        return {
            string
            for method in own
            if isinstance(method, FunctionType)
            for string in _strings(method.__code__)
        }

    def _methods(self, training: bool) -> Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]:
        """Yield methods that say it, and what each is given."""
        for word in SETTERS:
            method: Any = getattr(self._instance, word, None)
            if len(_required(method) or ()) == 1:
                spelt = _spelt("", _constants_of(method), training)
                yield method, (training if spelt is None else spelt,)
        on, off = (
            next(
                (m for word in words if _required(m := getattr(self._instance, word, None)) == []),
                None,
            )
            for words in (ON, OFF)
        )
        if on is None:
            return
        if off is not None:
            yield on if training else off, ()
        elif [p.default for p in inspect.signature(on).parameters.values()] == [True]:
            yield on, (training,)


def _spelt(default: Any, constants: set[str], training: bool) -> str | None:
    """Return the word for it: one that the code knows, or of the same sort as its default."""
    sorts = {True: IN_TRAINING, False: IN_EVALUATION}
    known = [word for word in constants if word.lower() in sorts[training]]
    if known:
        return min(known, key=lambda word: sorts[training].index(word.lower()))
    if not isinstance(default, str) or default.lower() not in (*IN_TRAINING, *IN_EVALUATION):
        return None
    if default.lower() in sorts[training]:
        return default
    return sorts[training][0].upper() if default.isupper() else sorts[training][0]


def _parameters(run: Callable[..., Any], constants: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield parameters and their defaults, with what `**kwargs` may be asked for."""
    try:
        parameters = inspect.signature(run).parameters.values()
    except (TypeError, ValueError):
        return
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD:
            yield from ((word, EMPTY) for word in constants & {*TRAINING, *EVALUATION})
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            yield parameter.name, parameter.default


def _required(method: Any) -> list[str] | None:
    """Return the parameters that a method must be given; None where it is no method."""
    if not callable(method):
        return None
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return None
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is EMPTY and p.kind not in variable]


def _constants_of(run: Any) -> set[str]:
    """Return the strings in the code of a function or a method."""
    code = getattr(getattr(run, "__func__", run), "__code__", None)
    return set() if code is None else {*_strings(code)}


def strings_of(run: Any, seen: frozenset[Any] = frozenset()) -> set[str]:
    """Return the strings in the code of a function, and of those of its module that it calls."""
    run = getattr(run, "func", run)
    code = getattr(run, "__code__", None)
    if code is None or run in seen:
        return set()
    called = (run.__globals__.get(name) for name in code.co_names)
    inner = (strings_of(each, seen | {run}) for each in called if isinstance(each, FunctionType))
    return {*_strings(code)}.union(*inner)


def defaults_of(run: Any, seen: frozenset[Any] = frozenset()) -> dict[str, Any]:
    """Return the defaults with which a function asks a dictionary, or one that it calls does."""
    run = getattr(run, "func", run)
    code = getattr(run, "__code__", None)
    if code is None or run in seen:
        return {}
    found: dict[str, Any] = {}
    for name in code.co_names:
        if isinstance(called := run.__globals__.get(name), FunctionType):
            found |= defaults_of(called, seen | {run})
    lines = [line for line in dis.get_instructions(code) if line.opname != "PRECALL"]
    for word, default, call in zip(lines, lines[1:], lines[2:]):
        constants = word.opname == default.opname == "LOAD_CONST"
        if constants and isinstance(word.argval, str) and call.opname.startswith("CALL"):
            found[word.argval] = default.argval
    return found


def strings_of_class(cls: type) -> set[str]:
    """Return the strings in the methods of a class, and of those that it is made of."""
    methods = (each for base in cls.__mro__ for each in vars(base).values())
    return set[str]().union(
        *(strings_of(each) for each in methods if isinstance(each, FunctionType))
    )


def _strings(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):
            yield from (item for item in constant if isinstance(item, str))
        elif isinstance(constant, CodeType):
            yield from _strings(constant)
