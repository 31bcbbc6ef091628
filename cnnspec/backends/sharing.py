"""Sharing a network: with other threads by turns, with copies and other processes as a whole."""

from __future__ import annotations

import copy
import os
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from threading import RLock
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from weakref import WeakSet

from cnnspec.backends.raised import message_of
from cnnspec.errors import BackendError, CnnspecError

P = ParamSpec("P")
R = TypeVar("R")
N = TypeVar("N", bound="Shared")

Making = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function, and what to call it with."""


class Turn:
    """Whose turn it is: one thread's at a time, which may take it again.

    A copy is a turn of its own. So is that of a forked process: whoever holds it in the parent
    does not exist there, and would never give it back.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        _turns.add(self)

    def __reduce__(self) -> str | Making:
        return Turn, ()


_turns: WeakSet[Turn] = WeakSet()


def _after_fork() -> None:
    for turn in _turns:
        turn.lock = RLock()


if hasattr(os, "register_at_fork"):  # there is no forking on Windows
    os.register_at_fork(after_in_child=_after_fork)


def by_turns(method: Callable[Concatenate[N, P], R]) -> Callable[Concatenate[N, P], R]:
    """Let a method of a network wait until no other thread is in one."""

    @wraps(method)
    def waiting(self: N, *given: P.args, **named: P.kwargs) -> R:
        with self._turn.lock:
            return method(self, *given, **named)

    return cast(Callable[Concatenate[N, P], R], waiting)


class Shared(ABC):
    """A network that does one thing at a time, and that can be copied, pickled and sent away.

    A copy has all that the network has learnt, the optimizer's slots with it, and nothing in
    common with it. It is taken between two calls: no other thread trains meanwhile.
    """

    def __init__(self) -> None:
        self._turn = self._own_turn()

    def _own_turn(self) -> Turn:
        """Return a turn for this network alone."""
        return Turn()

    @abstractmethod
    def _making(self) -> Making:
        """Return what makes this network anew, and from what."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        with self._turn.lock:
            make, given = self._making()
            with _told("copied", "give the class that holds it a method `__deepcopy__`"):
                copies = copy.deepcopy(given, memo)
        return make(*copies)

    def __copy__(self) -> Any:
        return copy.deepcopy(self)

    @by_turns
    def __reduce__(self) -> Making:
        make, given = self._making()
        return _from_bytes, (make, pickled(given))


def pickled(given: object) -> bytes:
    """Pickle what a network is made from.

    Raises:
        BackendError: a class in it cannot be found by its name, or cannot be pickled.
    """
    way = "define its classes and functions at the top level of a module that the other process "
    with _told("pickled", f"{way}can import"):
        return pickle.dumps(given, pickle.HIGHEST_PROTOCOL)


def with_attributes(kind: type, attributes: Mapping[str, Any]) -> Any:
    """Make an object that has these attributes, without a call of its constructor."""
    made: Any = object.__new__(kind)
    vars(made).update(attributes)
    return made


@contextmanager
def _told(done: str, way: str) -> Iterator[None]:
    """Say that a network cannot be `done`, and the way out, whatever its classes raise."""
    try:
        yield
    except (CnnspecError, MemoryError):
        raise
    except Exception as error:  # of classes that somebody else wrote
        why = f"{type(error).__name__}: {message_of(error)}"
        raise BackendError(f"the network cannot be {done}: {why}; {way}") from error


def _from_bytes(make: Callable[..., Any], given: bytes) -> Any:
    return make(*pickle.loads(given))
