"""One pass of a loss as people write it: a class, a function or two, or one behind a softmax."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from cnnspec.backends.plain.arrays import as_array_or_none, find_or_none
from cnnspec.backends.plain.calls import Calls
from cnnspec.backends.plain.errors import HintError, PlainClassError
from cnnspec.backends.plain.hints import Hints
from cnnspec.backends.plain.methods import EMPTY, method_of, parameters_of
from cnnspec.backends.plain.names import ARRAYS, LABELS, LOGITS, LOSS_METHODS
from cnnspec.trace import Array

ALONG = 0.99
"""The least cosine of two gradients that are one but for a factor."""


@dataclass(frozen=True)
class LossFunctions:
    """A function for the loss, and one for its gradient where the first gives none."""

    loss: Callable[..., Any]
    gradient: Callable[..., Any] | None = None

    @property
    def __name__(self) -> str:
        return str(getattr(self.loss, "__name__", "loss"))


PAST = "it returns the gradient of the logits, which is handed past the softmax"


@dataclass(frozen=True)
class Chain:
    """A loss of probabilities, and the softmax before it."""

    softmax: Any
    """A class or functions."""
    loss: Any


class RightSoftmax:
    """A softmax over classes, for a loss that is tried without one of its own."""

    def forward(self, x: Array) -> Array:
        """Return exp(x) / sum(exp(x)); (n, classes)."""
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self._p: Array = e / e.sum(axis=1, keepdims=True)
        result: Array = self._p.copy()
        return result

    def backward(self, grad_output: Array) -> Array:
        """Return p (grad - sum(p grad))."""
        along = (self._p * grad_output).sum(axis=1, keepdims=True)
        result: Array = self._p * (grad_output - along)
        return result


class LossPass(ABC):
    """One pass of a loss, stage by stage; what comes back may be no numbers."""

    def __init__(self, loss: Any, hints: Hints, logits: Array, labels: Any) -> None:
        self._loss, self._hints, self._logits, self._labels = loss, hints, logits, labels
        self.notes: dict[str, None] = {}
        """What was taken for granted, in words; a set in order."""

    def of_same(self, logits: Array, labels: Any) -> Self:
        """Return a pass of the same object on another batch."""
        other = copy(self)
        other._logits, other._labels, other.notes = logits, labels, {}
        return other

    @property
    def labels(self) -> Any:
        """The labels as the loss is given them: numbers of classes, or one-hot."""
        return self._labels

    @abstractmethod
    def construct(self) -> None:
        """Make an instance."""

    @abstractmethod
    def forward(self) -> Any:
        """Return the loss; None where there is none."""

    @abstractmethod
    def backward(self) -> Any:
        """Return the gradient of the logits; None where there is none."""

    def value(self) -> Any:
        """Return the loss; of one for each image, the mean."""
        returned = self.forward()
        array, n = as_array_or_none(returned), len(self._logits)
        self._by_image = array is not None and array.size == n > 1 and array.ndim > 0
        if array is None or not self._by_image:
            return returned
        self.notes["gives a loss for each image: the mean is taken"] = None
        return np.mean(array)

    def gradient(self) -> Any:
        """Return the gradient of that loss."""
        grad = self.backward()
        array = as_array_or_none(grad)
        if array is None or not self._by_image or array.shape != self._logits.shape:
            return grad
        own = RightSoftmax().forward(self._logits) - one_hot(self._labels, self._logits)
        is_of_each = is_along(array, own) and np.isclose(np.sum(array * own), np.sum(own * own))
        return array / len(array) if is_of_each else grad

    def _split(self, returned: Any) -> tuple[Any, Any]:
        """Return a loss, and the gradient where it comes with it, in either order."""
        if not isinstance(returned, tuple) or len(returned) != 2:
            return returned, None
        first, second = returned
        if isinstance(first, np.ndarray) and first.shape == self._logits.shape:
            return second, first
        return first, second


class PassOfFunction(LossPass):
    """A function that gives loss and gradient, or one for each."""

    def construct(self) -> None:
        pass  # nothing is made

    def forward(self) -> Any:
        functions: LossFunctions = self._loss
        self._value, self._grad = self._split(called(functions.loss, self._logits, self._labels))
        if self._grad is None and functions.gradient is None:
            raise PlainClassError("the function must return the loss and its gradient")
        return self._value

    def backward(self) -> Any:
        functions: LossFunctions = self._loss
        beside, run = self._grad, functions.gradient
        is_gradient = isinstance(beside, np.ndarray) and beside.shape == self._logits.shape
        if run is None or is_gradient:
            return beside
        if beside is not None and len(parameters_of(run)) == 1:
            return run(beside)  # a cache
        return called_again(run, self._logits, self._labels)


class PassOfClass(LossPass):
    """A class with forward and backward."""

    def construct(self) -> None:
        self._made = self._loss(**self._hints.arguments)

    def forward(self) -> Any:
        names = self._hints.names
        if not hasattr(self, "_made"):
            self.construct()
        run = method_of(self._made, "forward", names, LOSS_METHODS)
        loss, self._grad = self._split(called(run, self._logits, self._labels))
        if loss is None:
            loss = _kept(self._made, (names["loss"],) if "loss" in names else ARRAYS["loss"])
        return loss

    def backward(self) -> Any:
        names = self._hints.names
        try:
            run = method_of(self._made, "backward", names, LOSS_METHODS)
        except PlainClassError:
            if self._grad is None:
                raise
            return self._grad
        grad = called_again(run, self._logits, self._labels)
        if grad is None and (place := find_or_none(self._made, "grad_input", names)):
            grad = place.get()
        return grad


class PassOfChain(LossPass):
    """A softmax, and a loss of what it gives."""

    def construct(self) -> None:
        chain: Chain = self._loss
        first = chain.softmax
        self._softmax = _Called(first) if isinstance(first, LossFunctions) else first()
        self._first = Calls(self._softmax, {})
        self._inner = pass_of(chain.loss)(chain.loss, self._hints, self._logits, self._labels)
        self._inner.construct()

    def forward(self) -> Any:
        if not hasattr(self, "_first"):
            self.construct()
        self._p = np.asarray(self._first.forward(self._logits, training=True))
        self._inner = self._inner.of_same(self._p, self._labels)
        return self._inner.forward()

    def backward(self) -> Any:
        grad = self._inner.backward()
        array = as_array_or_none(grad)
        if array is None or array.shape != self._p.shape:
            return grad
        # A log-softmax gives no probabilities; the gradient that is handed past it has them.
        p = self._p if np.all(self._p >= 0) else RightSoftmax().forward(self._logits)
        if is_along(array, p - one_hot(self._labels, p)):
            self.notes[PAST] = None
            return grad
        back = self._first.backward(array, 0.0, defaults_too=False)
        if back is None and (place := find_or_none(self._softmax, "grad_input", {})):
            return place.get()
        return back


class _Called:
    """A function as an instance; a gradient can be handed past it alone."""

    def __init__(self, functions: LossFunctions) -> None:
        self._functions = functions

    def forward(self, x: Array) -> Any:
        return self._functions.loss(x)

    def backward(self, grad: Array) -> Any:
        raise HintError(
            f"`{self._functions.__name__}` is a function and gives no gradient, and the gradient "
            "of the loss is that of the probabilities: write the softmax as a class with "
            "backward, or check the loss alone, --like '{of: probabilities}'"
        )


def pass_of(loss: Any) -> type[LossPass]:
    """Return how a loss is passed."""
    if isinstance(loss, Chain):
        return PassOfChain
    return PassOfClass if isinstance(loss, type) else PassOfFunction


def one_hot(labels: Any, like: Array) -> Array:
    """Return labels as rows, whichever they are."""
    given = np.asarray(labels)
    return given if given.ndim == 2 else np.eye(like.shape[1])[given]


def is_along(grad: Array, other: Array) -> bool:
    """Tell whether a gradient is another one, but for a factor; one that is not finite is none."""
    if not np.all(np.isfinite(grad)):
        return False
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(grad) * np.linalg.norm(other)
        return bool(np.sum(grad * other) >= ALONG * lengths > 0)


def called(run: Callable[..., Any], logits: Array, labels: Any) -> Any:
    """Call a forward pass: the logits first, unless names say that the labels are."""
    required = [word for word, each in parameters_of(run).items() if each.default is EMPTY]
    first, second = [*required, "", ""][:2]
    if first in LABELS and second not in LABELS:
        return run(labels, logits)
    return run(logits, labels)


def called_again(run: Callable[..., Any], logits: Array, labels: Any) -> Any:
    """Call the backward of a loss: with nothing, with the loss's own gradient 1, or anew."""
    wanted = [word for word, each in parameters_of(run).items() if each.default is EMPTY]
    given = {word: labels for word in wanted if word in LABELS}
    if len(wanted) == 2 and not given:
        given = {wanted[1]: labels}
    rest = [word for word in wanted if word not in given]
    if given:
        return run(**given, **dict.fromkeys(rest, logits))
    return run(**{word: logits if word in LOGITS else 1.0 for word in rest})


def _kept(made: Any, words: tuple[str, ...]) -> Any:
    """Return the number that a loss keeps under one of these names; None where it keeps none."""
    kept = (getattr(made, word, None) for word in words)
    return next((each for each in kept if isinstance(each, float | np.generic | np.ndarray)), None)
