"""Calling `forward` and `backward` of an instance, in the ways in which people write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from inspect import isroutine
from typing import Any

from cnnspec.backends.plain.arrays import as_array_or_none, find_or_none
from cnnspec.backends.plain.errors import HintError, PlainClassError
from cnnspec.backends.plain.methods import (
    EMPTY,
    OUTPUTS,
    has_rate_alone,
    is_update,
    method_of,
    parameters_of,
    positional,
    rates_of,
)
from cnnspec.backends.plain.modes import Mode
from cnnspec.backends.plain.names import (
    CACHES,
    INPUTS,
    LABELS,
    METHODS,
)
from cnnspec.backends.plain.slopes import (
    DERIVATIVES,
    OF_A_FUNCTION,
    Slope,
    slope_in,
    times,
)
from cnnspec.backends.plain.tensors import as_tensor, way_back
from cnnspec.trace import Array


class Calls:
    """The two passes of an instance; arrays are laid out as its class likes."""

    def __init__(self, instance: Any, names: Mapping[str, str]) -> None:
        self._instance, self._names = instance, names
        self.mode = Mode(instance, names)
        self._by_call = False
        """Whether the instance itself is called, not its `forward`."""
        self._is_backward = False
        """Whether it is known that its backward pass is given the upstream gradient."""
        self._cache: tuple[Any, ...] = ()
        self._callback: Callable[..., Any] | None = None
        """The backward pass, where `forward` returns it behind the output."""
        self._x: Any = None
        self._y: Any = None
        self.notes: dict[str, None] = {}
        """What was taken for granted, in words; a set in order."""

    def forward(self, x: Array, training: bool) -> Array:
        """Return the output; what else comes back with it is kept for `backward`.

        Raises:
            HintError: it wants what nobody has.
            PlainClassError: no array comes back.
        """
        self.mode.tell(training)
        try:
            returned = self._run_forward(x, training)
        except Exception:  # raised by the class
            if (output := self._output_of_tensor(x, training)) is not None:
                return output
            if not self._can_be_called():
                raise
            self._by_call = True
            try:
                returned = self._run_forward(x, training)
            except Exception:  # that is no better
                self._by_call = False
                returned = None
            if not self._by_call:
                raise
        if hasattr(returned, "backward"):
            output = self._output_of_tensor(x, training)
            if output is not None:
                return output
        self._x, self._cache = x, ()
        if isinstance(returned, tuple) and returned:
            returned, *cache = returned
            self._cache = tuple(cache)
            self._callback = self._as_backward(cache)
        if returned is None and (place := find_or_none(self._instance, "output", self._names)):
            self.notes[f"`forward` returns nothing; its output is taken from `{place.key}`"] = None
            returned = place.get()
        self._y = returned
        return self.array(returned, "forward")

    def _output_of_tensor(self, x: Array, training: bool) -> Array | None:
        """Return the output of a class that takes and gives tensors of its file; None: of none."""
        tensor = as_tensor(self._method("forward"), x)
        if tensor is None or self._has_backward():
            return None
        try:
            returned = self._run_forward(tensor, training)
        except Exception:  # that is no better
            return None
        if not isinstance(returned, type(tensor)):
            return None
        self.notes[f"its arrays are handed over as `{type(tensor).__name__}`"] = None
        self._x, self._y, self._cache = x, returned.data, ()
        self._callback = way_back(self._instance, tensor, returned)
        self._is_backward = True
        return self.array(returned.data, "forward")

    def _as_backward(self, behind: list[Any]) -> Callable[..., Any] | None:
        """Return what comes back behind the output, if it is a function: the way back."""
        if len(behind) != 1 or not isroutine(behind[0]) or self._has_backward():
            return None
        self.notes["`forward` returns its backward pass"] = None
        self._is_backward = True
        callback: Callable[..., Any] = behind[0]
        return callback

    def _has_backward(self) -> bool:
        try:
            self._method("backward")
        except PlainClassError:
            return False
        return True

    @property
    def returns_backward(self) -> bool:
        """Whether `forward` returned the backward pass behind the output."""
        return self._callback is not None

    def _run_forward(self, x: Array, training: bool) -> Any:
        run = self._method("forward")
        told = self.mode.arguments(run, training)
        first, *others = [
            word
            for word, parameter in parameters_of(run).items()
            if word not in told and parameter.default is EMPTY
        ] or [""]
        for word in others:
            if word.startswith("_") or word in LABELS:
                told[word] = None
            else:
                raise HintError(
                    f"`forward` of {self._cls} wants `{word}`, beside its input; if it says that "
                    f"it is training, say so: --map training={word}"
                )
        if first and next(iter(parameters_of(run))) in told:
            return run(**told, **{first: x})
        return run(x, **told)

    def _can_be_called(self) -> bool:
        """Tell whether a class has a way of its own of calling an instance, not tried yet."""
        own = any("__call__" in vars(base) for base in type(self._instance).__mro__[:-1])
        return own and not self._by_call and "forward" not in self._names

    def is_told_of_training(self) -> bool:
        """Tell whether there is a way to say whether it is training."""
        return self.mode.is_told(self._method("forward"))

    def backward(self, grad_output: Array, rate: float, defaults_too: bool) -> Any:
        """Return whatever comes back; `rate` is given where a learning rate is wanted.

        With `defaults_too`, also where it has a default.

        Raises:
            HintError: it wants what nobody has.
        """
        run = self.backward_method()
        try:
            return self._run_backward(run, grad_output, rate, defaults_too)
        except HintError:
            raise
        except Exception:  # raised by the class
            if not self._can_be_called():
                raise
            self._by_call = True
            with suppress(Exception):  # that is no better
                self.forward(self._x, training=True)
                return self._run_backward(run, grad_output, rate, defaults_too)
            self._by_call = False
            raise

    def _run_backward(
        self, run: Callable[..., Any], grad_output: Array, rate: float, defaults_too: bool
    ) -> Any:
        if (slope := self._slope(run)) is not None:
            derivative = run(self._x if slope is Slope.OF_INPUT else self._y)
            return times(grad_output, derivative, f"`{run.__name__}` of {self._cls}")
        given = self._beside(run, rate, defaults_too)
        parameters = list(parameters_of(run))
        place = next((word for word in parameters if word not in given), None)
        if place is not None and parameters.index(place):
            return run(**given, **{place: grad_output})  # not the first, as in backward(x, grad)
        return run(grad_output, **given)

    def _slope(self, run: Callable[..., Any]) -> Slope | None:
        """Return what a method is the derivative of that is not given the upstream gradient."""
        if self._is_backward:
            return None
        named = positional(run)
        if len(named) != 1 or named[0].name not in OF_A_FUNCTION:
            self._is_backward = True
            return None
        forward = partial(self._run_forward, training=True)
        slope = None
        with suppress(Exception):  # it is another thing, whatever it is
            slope = slope_in(forward, run, self._x)
        forward(self._x)  # what backward needs is kept again
        if slope is None and run.__name__ in DERIVATIVES:
            slope = Slope.OF_INPUT
        self._is_backward = slope is None
        if slope is not None:
            self.notes[f"`{run.__name__}` is the derivative, not yet times a gradient"] = None
        return slope

    def backward_method(self) -> Callable[..., Any]:
        """Return the method that takes a gradient; one that takes a rate alone is an update.

        Raises:
            HintError: no method takes a gradient.
            PlainClassError: there is no such method.
        """
        if self._callback is not None:
            return self._callback
        first = self._method("backward")
        if "backward" in self._names:
            return first
        methods = [
            method
            for word in METHODS["backward"]
            if callable(method := getattr(self._instance, word, None)) and not is_update(method)
        ]
        if not methods:
            raise HintError(
                f"`{first.__name__}` of {self._cls} takes no gradient; if another method does, "
                "--map backward=gradient"
            )
        sure = [method for method in methods if not has_rate_alone(method)]
        # `gradient(eta)` beside `backward(alpha)`: by their parameters either may take one.
        named = [method for method in methods if "grad" in method.__name__.lower()]
        chosen: Callable[..., Any] = (sure or named or methods)[0]
        return chosen

    def rates(self) -> dict[str, bool]:
        """Return the learning rates that `backward` takes, and whether they have a default."""
        return {
            word: parameter.default is not EMPTY
            for word, parameter in rates_of(self.backward_method()).items()
        }

    def _beside(self, run: Callable[..., Any], rate: float, defaults_too: bool) -> dict[str, Any]:
        """Return what `backward` is given beside the upstream gradient.

        Raises:
            HintError: it wants what nobody has.
        """
        given: dict[str, Any] = {
            word: rate for word, default in self.rates().items() if defaults_too or not default
        }
        given |= self.mode.arguments(run, training=True)
        parameters = parameters_of(run)
        wanted = [
            word
            for word, parameter in parameters.items()
            if parameter.default is EMPTY and word not in given
        ]
        if len(wanted) > 1:
            given |= {word: self._x for word in wanted if word in INPUTS}
            given |= {word: None for word in wanted[1:] if word.startswith("_")}
        cached = [word for word in wanted if word not in given][1:]
        cached += [word for word in CACHES if word in parameters and word not in wanted]
        if self._cache and len(cached) == len(self._cache):
            return given | dict(zip(cached, self._cache))
        if self._cache and len(cached) == 1:
            return given | {cached[0]: self._cache}
        given |= {word: self._y for word in cached if word in OUTPUTS}
        if missing := [word for word in cached if word in wanted and word not in given]:
            raise HintError(
                f"`{run.__name__}` of {self._cls} wants `{missing[0]}`, beside the "
                "upstream gradient: it is given the input as `x`, what `forward` returns after "
                "the output as `cache`, and a learning rate as `lr`; name it so or keep it in self"
            )
        return given

    def array(self, value: Any, method: str) -> Array:
        """Return what a method gave as an array.

        Raises:
            PlainClassError: it is none.
        """
        array = as_array_or_none(value)
        if array is not None:
            return array
        if value is None:
            what = "nothing: is a `return` missing?"
        elif isinstance(value, list):
            what = "a list that is no array of numbers: its rows have several lengths?"
        else:
            what = f"{type(value).__name__}, wanted an array"
        raise PlainClassError(f"`{method}` of {self._cls} returns {what}")

    def _method(self, name: str) -> Callable[..., Any]:
        if name == "forward" and self._by_call:
            called: Callable[..., Any] = self._instance.__call__
            return called
        return method_of(self._instance, name, self._names)

    @property
    def _cls(self) -> str:
        return type(self._instance).__name__
