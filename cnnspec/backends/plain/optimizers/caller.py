"""One optimizer over some weights, called in one way, step after step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MethodType
from typing import Any

from cnnspec.backends.plain.alike import alike
from cnnspec.backends.plain.errors import HintError
from cnnspec.backends.plain.names import UPDATES
from cnnspec.backends.plain.optimizers.holders import Arrays, Holder
from cnnspec.backends.plain.optimizers.roles import (
    CONFIG,
    CONTAINERS,
    STEP,
    WORDS,
    Roles,
    names_in_config,
    option_of,
    roles_of,
    value_of,
)
from cnnspec.spec.optimizers import Optimizer
from cnnspec.trace import Array

STEPS = (
    *(*UPDATES, "optimise", "apply", "take_step", "update_layer", "update_all"),
    *("compute_update", "get_update", "calculate_update", "compute_step", "get_step"),
)
"""Methods that update weights, or say by how much."""
STARTS = (
    *("initialize", "initialise", "init", "setup", "build", "init_state", "initialize_state"),
    *("register", "init_params", "set_params", "set_parameters", "add_parameters"),
)
"""Methods that are told of the weights before the first step."""
BEFORE = ("pre_update_params", "pre_update", "before_update")
AFTER = ("post_update_params", "post_update", "after_update")
"""Methods that are called around the update of all layers."""


@dataclass(frozen=True)
class Subject:
    """A class or a function, and what is said of it."""

    code: Callable[..., Any]
    options: Optimizer
    names: Mapping[str, str]
    arguments: Mapping[str, Any]

    def roles(self, run: Callable[..., Any], *, makes: bool = False) -> Roles:
        """Read a signature.

        Raises:
            HintError: it wants something of which nobody knows what it is.
        """
        return roles_of(run, type(self.options), self.names, self.arguments, makes=makes)

    @property
    def update(self) -> str:
        """Return the name of the method that takes a step; of a function, nothing.

        Raises:
            HintError: there is none.
        """
        if not isinstance(self.code, type):
            return ""
        words = (self.names["step"],) if "step" in self.names else STEPS
        word = alike(words, self._there) or ("__call__" if "__call__" in self._there else "")
        if not word:
            raise HintError(
                f"{self.code.__name__} has no method that updates weights, such as "
                f"{', '.join(words[:3])}; if it is called otherwise, say --map step=NAME"
            )
        return word

    @property
    def start(self) -> str:
        """Return the name of a method that is told of the weights first; nothing: there is none."""
        for word in STARTS:
            if word in self._there:
                with suppress(HintError):
                    if self.roles(self._method(word), makes=True).containers:
                        return word
        return ""

    def signatures(self) -> list[tuple[Callable[..., Any], bool]]:
        """Return what is called, and whether it makes it: a function; or what a class has."""
        if not isinstance(self.code, type):
            return [(self.code, False)]
        first = [(self._method(self.start), True)] if self.start else []
        return [(self.code, True), *first, (self._method(self.update), False)]

    @property
    def _there(self) -> set[str]:
        bases = self.code.__mro__[:-1] if isinstance(self.code, type) else ()
        return {word for cls in bases for word in vars(cls)}

    def _method(self, word: str) -> Callable[..., Any]:
        """Return a method of the class, whose signature has no `self`."""
        return MethodType(getattr(self.code, word), self)


class Config(dict[str, Any]):
    """A dictionary of all options that notes which were asked for."""

    def __init__(self, options: Optimizer) -> None:
        self.options = names_in_config(type(options))
        super().__init__({word: value_of(options, of) for word, of in self.options.items()})
        self.asked: set[str] = set()
        """Options that were asked for."""

    def __getitem__(self, key: str) -> Any:
        self._note(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return super().get(key, default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return super().setdefault(key, default)

    def _note(self, key: str) -> None:
        if key in self.options:
            self.asked.add(option_of(self.options[key]))


class Caller:
    """One instance, or a function, over the weights of one holder."""

    def __init__(self, subject: Subject, holder: Holder) -> None:
        """Make it.

        Raises:
            HintError: more must be said of it.
        """
        self._subject, self.holder = subject, holder
        self._config = Config(subject.options)
        self._made: Any = None
        self._of_options: set[str] = set()
        self.unknown: tuple[str, ...] = ()
        """Parameters that keep their default, and may be an option nobody here knows."""
        if isinstance(subject.code, type):
            makes = subject.roles(subject.code, makes=True)
            self._made = subject.code(**self._given(makes, 0))
            self._run, self.unknown = getattr(self._made, subject.update), makes.unknown
            if subject.start:
                begin = getattr(self._made, subject.start)
                begin(**self._given(subject.roles(begin, makes=True), 0))
        else:
            self._run = subject.code
        self._roles = subject.roles(self._run)
        self.unknown += self._roles.unknown
        self._state: dict[str, Any] = {
            word: self._config if alike(WORDS[CONFIG], [word]) else holder.zeros()
            for word in self._roles.state
            if word in self._roles.first_state or alike(WORDS[CONFIG], [word])
        }

    def step(self, gradients: Mapping[str, Array], step: int) -> None:
        """Take a step."""
        self.holder.set(gradients)
        self._call_one(BEFORE)
        returned = self._run(**self._given(self._roles, step), **self._state)
        self._call_one(AFTER)
        if returned is None or self.holder.take(returned):
            return
        if isinstance(returned, tuple) and returned and self.holder.take(returned[0]):
            self._state |= dict(zip(self._roles.state, returned[1:]))

    def weights(self) -> Arrays:
        """Return the weights as they are now."""
        return {name: array.copy() for name, array in self.holder.weights().items()}

    @property
    def offered(self) -> set[str]:
        """Return the options that it takes, or has taken out of a dictionary of all."""
        return self._of_options | self._config.asked

    def _call_one(self, words: tuple[str, ...]) -> None:
        methods = (getattr(self._made, word, None) for word in words)
        if callable(method := next(filter(callable, methods), None)):
            method()

    def _given(self, roles: Roles, step: int) -> dict[str, Any]:
        given: dict[str, Any] = {**roles.arguments}
        for word, role in roles.of.items():
            if role in CONTAINERS:
                given[word] = self.holder.hand(role)
            else:
                given[word] = step if role == STEP else self.holder.names[0]
        for word, role in roles.options.items():
            given[word] = value_of(self._subject.options, role)
            self._of_options.add(option_of(role))
        return given
